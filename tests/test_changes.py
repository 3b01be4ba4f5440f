"""Two settings documents in, the list of what changed out."""

import copy

from django_vwo_webhooks.changes import compare, digest
from django_vwo_webhooks.testing import build_settings, feature

FLAGS = build_settings(
    feature("one", variables={"color": "red", "size": 1}), feature("two", percentage=50)
)


def changed(edit):
    document = copy.deepcopy(FLAGS)
    edit(document)
    changes = compare(FLAGS, document)
    assert bool(changes) == (digest(FLAGS) != digest(document))
    return changes


def variation(document, campaign=0):
    return document["campaigns"][campaign]["variations"][0]


def test_nothing_changed():
    assert changed(lambda d: None) == []


def test_the_sdk_key_and_its_meta_information_are_no_change():
    assert changed(lambda d: d.update(sdkKey="x", sdkMetaInfo={"a": 1})) == []


def test_a_variable():
    def edit(document):
        variation(document)["variables"][0]["value"] = "green"

    [change] = changed(edit)
    assert (change["kind"], change["before"], change["after"]) == ("changed", "red", "green")
    assert change["path"].endswith("variables / color / value")
    assert '"red" → "green"' in change["text"]


def test_a_feature_added_and_one_removed():
    assert [c["kind"] for c in changed(lambda d: d["features"].pop())] == ["removed"]
    [change] = compare({**FLAGS, "features": FLAGS["features"][:1]}, FLAGS)
    assert (change["kind"], change["feature"]) == ("added", "two")


def test_a_feature_names_itself():
    [change] = changed(lambda d: d["features"][1].update(status="OFF"))
    assert (change["feature"], change["before"], change["after"]) == ("two", "ON", "OFF")


def test_the_order_of_features_campaigns_and_variables_means_nothing():
    def shuffle(document):
        document["features"].reverse()
        document["campaigns"].reverse()
        variation(document, 1)["variables"].reverse()

    assert changed(shuffle) == []


def test_the_order_of_rules_does():
    def two_rules(document):
        document["features"][0]["rules"].append(
            {"campaignId": 2, "type": "FLAG_TESTING", "ruleKey": "t", "id": 9}
        )
        document["features"][0]["rules"][0]["id"] = 8

    before = copy.deepcopy(FLAGS)
    two_rules(before)
    after = copy.deepcopy(before)
    after["features"][0]["rules"].reverse()
    [change] = compare(before, after)
    assert change["kind"] == "reordered"
    assert digest(before) != digest(after)


def test_items_without_an_id_are_compared_as_a_whole():
    before, after = {"holdouts": [{"a": 1}]}, {"holdouts": [{"a": 2}]}
    [change] = compare(before, after)
    assert (change["kind"], change["path"]) == ("changed", "holdouts")
    assert compare(before, copy.deepcopy(before)) == []


def test_an_empty_object_is_an_empty_list():
    assert compare({"features": {}}, {"features": []}) == []
    assert digest({"features": {}}) == digest({"features": []})


def test_what_is_equal_in_python_but_not_in_json():
    for before, after in ((1, True), (1, 1.0), (0, False), ("1", 1)):
        assert compare({"x": before}, {"x": after})
        assert digest({"x": before}) != digest({"x": after})


def test_keys_that_nobody_knows_are_seen():
    [change] = changed(lambda d: d.update(brandNew={"deep": [1]}))
    assert (change["kind"], change["path"]) == ("added", "brandNew")


def test_long_values_are_cut_in_the_sentence_only():
    [change] = compare({"x": "a"}, {"x": "b" * 500})
    assert change["after"] == "b" * 500
    assert len(change["text"]) < 100
