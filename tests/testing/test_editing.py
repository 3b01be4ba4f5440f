"""``set_flag``: flags of a settings document are changed as in VWO's dashboard."""

import pytest
from wingify.models.settings.settings_model import SettingsModel
from wingify.services.settings_manager import SettingsManager

from django_vwo_webhooks.testing import VWOSimulator
from tests.testing.conftest import REAL, weights


def test_only_what_is_named_changes(simulator: VWOSimulator) -> None:
    changed = simulator.set_flag("checkout", percentage=50, variables={"color": "red", "new": 1})
    assert changed is None
    variation = simulator.settings["campaigns"][0]["variations"][0]
    assert {e["key"]: e["value"] for e in variation["variables"]} == {"color": "red", "new": 1}
    assert weights(simulator.settings) == [[50]]
    simulator.set_flag("checkout", enabled=False)
    assert weights(simulator.settings) == [[0]]
    assert simulator.settings["features"][0]["status"] == "OFF"
    simulator.set_flag("checkout", percentage=30)
    assert weights(simulator.settings) == [[0]]
    simulator.set_flag("checkout", enabled=True)
    assert weights(simulator.settings) == [[30]]
    assert simulator.settings["features"][0]["status"] == "ON"


def test_a_new_flag_is_created_and_an_error_changes_nothing(simulator: VWOSimulator) -> None:
    simulator.set_flag("search", enabled=False, variables={"n": 1})
    assert [f["key"] for f in simulator.settings["features"]] == ["checkout", "search"]
    assert SettingsManager.is_settings_valid(simulator.settings)
    before = simulator.settings
    with pytest.raises(TypeError):
        simulator.set_flag("search", enabled=True, variables={"n": 2, "bad": None})
    assert simulator.settings == before
    empty = {"version": 1, "accountId": 1, "features": {}, "campaigns": {}, "sdkKey": "k"}
    simulator.settings = empty
    simulator.set_flag("first")
    assert SettingsManager.is_settings_valid(simulator.settings)
    assert len(SettingsModel(simulator.settings).get_features()) == 1


def test_every_rollout_rule_changes_and_no_test(simulator: VWOSimulator) -> None:
    simulator.settings = REAL
    simulator.set_flag("search", percentage=20, variables={"limit": 2})
    assert weights(simulator.settings) == [[60, 60], [20, 20]]
    entry = simulator.settings["campaigns"][1]["variations"][1]["variables"][0]
    assert (entry["type"], entry["value"]) == ("double", 2)
    only_tests = simulator.settings
    del only_tests["features"][0]["rules"][1:]
    simulator.settings = only_tests
    simulator.set_flag("search", enabled=False)
    assert simulator.settings["features"][0]["rules"][0]["type"] == "FLAG_ROLLOUT"
    assert weights(simulator.settings)[-1] == [0]
    assert SettingsManager.is_settings_valid(simulator.settings)
