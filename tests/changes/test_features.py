"""Flags and their rules: added, removed, switched, changed."""

import copy
import json

import pytest

from tests.changes.conftest import (
    FLAGS,
    OFF,
    ROLLOUT_ONE,
    ROLLOUT_TWO,
    TARGETED,
    TEST_11,
    campaign_of_test,
    changed,
    checked,
    described,
    flag,
    put,
    rule_of_test,
)


@pytest.mark.parametrize(
    ("edit", "sentences"),
    [
        (
            put("features", 0, "id", value="1"),
            [("other", "one: id 1 → “1”")],
        ),
        (
            put("features", 0, "id", value=9),
            [
                ("feature_removed", "one removed"),
                ("feature_added", "one added: on, rollout 100 %, 2 testing rules"),
            ],
        ),
        (
            put("features", 0, "isDebuggerEnabled", value=True),
            [("other", "one: isDebuggerEnabled added: true")],
        ),
        (
            put("features", 0, "rules", 1, "variationId", value=2),
            [("other", "one: variation of testing rule testingRule11 now set: Variation-1")],
        ),
        (
            put("features", 0, "status", value="PAUSED"),
            [("other", "one: status on → paused")],
        ),
        (
            put("features", 1, "impactCampaign", value={"campaignId": 12}),
            [("other", "two: impact campaign now set: one_testingRule12")],
        ),
        (
            put("features", 0, "rules", 1, "ruleKey", value="pricing"),
            [("renamed", "one: key of testing rule pricing “testingRule11” → “pricing”")],
        ),
    ],
)
def test_changes_of_a_flag(edit, sentences):
    assert described(edit) == sentences


@pytest.mark.parametrize(
    ("edit", "before", "sentences"),
    [
        (flag("two", enabled=False), FLAGS, [("switched_off", "two switched off")]),
        (flag("two", enabled=True), OFF, [("switched_on", "two switched on at 50 %")]),
        (
            flag("two", enabled=True, percentage=5),
            OFF,
            [("switched_on", "two switched on at 5 %")],
        ),
        (
            flag("two", enabled=False, percentage=5),
            FLAGS,
            [
                ("switched_off", "two switched off"),
                ("rollout", "two: rollout when switched on 50 % → 5 %"),
            ],
        ),
        (flag("three"), FLAGS, [("feature_added", "three added: on, rollout 100 %")]),
    ],
)
def test_changes_of_a_flag_of_a_built_document(edit, before, sentences):
    assert described(edit, before) == sentences


def add_a_test(document):
    document["features"][1]["rules"].append(rule_of_test(13))
    document["campaigns"].append(campaign_of_test(13, "two", segments=TARGETED))


def test_a_rule_is_added_and_removed_with_its_campaign():
    [change] = changed(add_a_test)
    assert change["text"] == (
        "two: testing rule testingRule13 added: traffic 50 %, if price contains 20"
    )
    assert (change["kind"], change["path"]) == (
        "rule_added",
        "features / two / rules / testingRule13",
    )
    assert (change["before"], change["after"]) == (None, rule_of_test(13))
    more = copy.deepcopy(FLAGS)
    add_a_test(more)
    [change] = checked(more, FLAGS)
    assert (change["kind"], change["text"]) == (
        "rule_removed",
        "two: testing rule testingRule13 removed",
    )


def test_a_rule_that_is_a_variation_of_a_campaign_is_added_with_it():
    def edit(document):
        rule = {"type": "FLAG_ROLLOUT", "ruleKey": "late", "campaignId": 2, "variationId": 2}
        document["features"][1]["rules"].append(rule)
        document["campaigns"][ROLLOUT_TWO]["variations"].append(
            {"id": 2, "name": "Late", "weight": 25, "segments": {"country": '"Germany"'}}
        )

    assert described(edit) == [
        ("rule_added", "two: rollout rule late added: share 25 %, if country is Germany")
    ]
    document = copy.deepcopy(FLAGS)
    edit(document)
    assert described(
        put("campaigns", ROLLOUT_TWO, "variations", 1, "weight", value=5), document
    ) == [("rollout", "two: share of rollout rule late 25 % → 5 %")]


def test_a_flag_is_added_and_removed_with_its_campaigns():
    def without_one(document):
        del document["features"][0], document["campaigns"][TEST_11:], document["campaigns"][0]
        document.update(groups={}, campaignGroups={})

    less = copy.deepcopy(FLAGS)
    without_one(less)
    [gone, *_] = checked(FLAGS, less)
    assert (gone["kind"], gone["feature"], gone["text"]) == (
        "feature_removed",
        "one",
        "one removed",
    )
    assert (gone["before"]["key"], gone["after"]) == ("one", None)
    assert [change["text"] for change in checked(less, FLAGS)] == [
        "one added: on, rollout 100 %, 2 testing rules",
        "Group “Checkout” added: testingRule11 of one, testingRule12 of one",
    ]


def test_a_weight_that_the_switch_does_not_explain_is_a_change_of_its_own():
    def edit(document):
        document["features"][0]["status"] = "OFF"
        document["campaigns"][ROLLOUT_ONE]["variations"][0]["weight"] = 30
        document["campaigns"][TEST_11]["variations"][0]["weight"] = 0
        document["campaigns"][ROLLOUT_ONE]["percentTraffic"] = 70

    assert [text for _, text in described(edit)] == [
        "one switched off",
        "one: rollout when switched on 100 % → 70 %",
        "one: rollout 100 % → 30 %",
        "one: split of testing rule testingRule11: Default 50 % → 0 %",
    ]


def test_a_switch_does_not_explain_the_weight_of_another_flag():
    shared = copy.deepcopy(FLAGS)
    shared["features"][0]["rules"][0]["campaignId"] = 2
    assert [text for _, text in described(flag("one", enabled=False), shared)] == [
        "one switched off",
        "one: rollout (shared with two) 50 % → 0 %",
    ]


def test_a_switch_explains_the_weights_of_rollout_rules_only():
    personal = json.loads(json.dumps(FLAGS).replace("FLAG_ROLLOUT", "FLAG_PERSONALIZE"))

    def edit(document):
        document["features"][1]["status"] = "OFF"
        document["campaigns"][ROLLOUT_TWO]["variations"][0]["weight"] = 0

    assert [text for _, text in described(edit, personal)] == [
        "two switched off",
        "two: share of personalize rule rolloutRule2 50 % → 0 %",
    ]
