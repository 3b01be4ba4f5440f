"""What is meaningful in a document, and its digest."""

import copy

from django_vwo_webhooks.changes import compare, digest
from django_vwo_webhooks.testing import build_settings, feature
from tests.changes.conftest import FLAGS, ROLLOUT_TWO, changed, put


def test_the_sdk_key_and_its_meta_information_have_no_meaning():
    assert changed(lambda d: d.update(sdkKey="x", sdkMetaInfo={"a": 1})) == []


def test_the_order_of_features_campaigns_and_variables_has_no_meaning():
    def shuffle(document):
        document["features"].reverse()
        document["campaigns"].reverse()
        document["campaigns"][-1]["variations"][0]["variables"].reverse()

    assert changed(shuffle) == []


def test_an_empty_object_is_an_empty_list():
    assert compare({"features": {}}, {"features": []}) == []
    assert digest({"features": {}}) == digest({"features": []})


def test_keys_inside_the_values_of_customers_are_not_those_of_vwo():
    """A variable may contain ``{"features": […]}``, where the order is meaningful."""
    path = ("campaigns", ROLLOUT_TWO, "variations", 0, "variables", 1, "value")
    document = copy.deepcopy(FLAGS)
    put(*path, value={"features": ["a", "b"]})(document)
    assert len(changed(put(*path, value={"features": ["b", "a"]}), document)) == 1


def test_digests_do_not_change():
    """They are stored, and a different digest would cause a new snapshot."""
    assert digest(build_settings(feature("one", variables={"color": "red"}))) == (
        "cb983f03defc7dd835e7c9cb7a774f83e990a01a595f717d4d1fcf34e727f420"
    )
