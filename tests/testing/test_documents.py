"""Settings documents that the SDK accepts."""

import pytest
from wingify.models.settings.settings_model import SettingsModel
from wingify.services.settings_manager import SettingsManager

from django_vwo_webhooks.testing import build_settings, feature
from tests.testing.conftest import weights


def test_built_settings_are_valid_for_the_sdk_and_the_same_each_time() -> None:
    variables = {"b": True, "i": 1, "d": 0.5, "s": "x", "j": {"k": [1]}}
    one, two = (
        build_settings(feature("a", variables=variables), feature("b", enabled=False), isNB=True)
        for _ in range(2)
    )
    assert one == two
    assert one["isNB"] is True
    assert SettingsManager.is_settings_valid(one)
    assert len(SettingsModel(one).get_features()) == 2
    entries = one["campaigns"][0]["variations"][0]["variables"]
    assert [entry["type"] for entry in entries] == [
        "boolean",
        "integer",
        "double",
        "string",
        "json",
    ]
    assert weights(one) == [[100], [0]]
    assert one["features"][1]["status"] == "OFF"


def test_the_builder_refuses_what_vwo_does_not_have() -> None:
    with pytest.raises(ValueError, match="percentage"):
        feature("a", percentage=101)
    with pytest.raises(TypeError, match="list"):
        build_settings(feature("a", variables={"x": [1]}))
    with pytest.raises(ValueError, match="own key"):
        build_settings(feature("a"), feature("a"))
