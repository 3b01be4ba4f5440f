"""Which flags and rules use a campaign."""

import copy

from tests.changes.conftest import (
    FLAGS,
    ROLLOUT_TWO,
    TEST_11,
    campaign_of_test,
    changed,
    checked,
    described,
    put,
    rule_of_test,
)


def test_a_change_in_the_campaign_of_a_removed_rule_is_its_removal():
    def edit(document):
        del document["features"][0]["rules"][1]
        document["campaigns"][TEST_11]["percentTraffic"] = 5

    assert [text for _, text in described(edit)] == ["one: testing rule testingRule11 removed"]


def test_a_campaign_that_was_there_before_its_flag_is_part_of_the_new_flag():
    before = copy.deepcopy(FLAGS)
    del before["features"][1]
    before["campaigns"][ROLLOUT_TWO]["variations"][0]["weight"] = 5
    assert [change["text"] for change in checked(before, FLAGS)] == ["two added: on, rollout 50 %"]
    assert [change["text"] for change in checked(FLAGS, before)] == ["two removed"]


def test_a_campaign_that_was_there_before_its_rule_is_part_of_the_new_rule():
    before = copy.deepcopy(FLAGS)
    del before["features"][0]["rules"][1]
    before["campaigns"][TEST_11].update(percentTraffic=5, segments={"country": "DE"})
    assert [change["text"] for change in checked(before, FLAGS)] == [
        "one: testing rule testingRule11 added: traffic 50 %"
    ]


def test_a_rule_that_applies_another_campaign():
    def edit(document):
        document["features"][0]["rules"][1]["campaignId"] = 99
        document["campaigns"][TEST_11] = campaign_of_test(99, "other")

    assert described(edit) == [
        (
            "other",
            "one: campaign of testing rule testingRule11 one_testingRule11 → other_testingRule99",
        ),
        *[one for one in described(edit) if one[0] == "group"],
    ]


def test_a_rule_that_applies_another_campaign_of_the_same_name():
    def edit(document):
        document["features"][0]["rules"][1]["campaignId"] = 99
        document["campaigns"][TEST_11]["id"] = 99

    assert described(edit)[0] == (
        "other",
        "one: campaign of testing rule testingRule11 "
        "one_testingRule11 (11) → one_testingRule11 (99)",
    )


def test_a_campaign_that_no_flag_uses():
    assert described(lambda d: d["campaigns"].append(campaign_of_test(99, "stray"))) == [
        ("other", "Campaign stray_testingRule99 (used by no flag) added")
    ]
    stray = copy.deepcopy(FLAGS)
    stray["campaigns"].append(campaign_of_test(99, "stray"))
    [change] = changed(put("campaigns", 4, "percentTraffic", value=1), stray)
    assert (change["feature"], change["text"]) == (
        "",
        "Traffic of campaign stray_testingRule99 (used by no flag) 50 % → 1 %",
    )


def test_a_campaign_that_two_flags_use():
    shared = copy.deepcopy(FLAGS)
    shared["features"][1]["rules"].append(rule_of_test(11))
    [change] = changed(put("campaigns", TEST_11, "percentTraffic", value=1), shared)
    assert (change["feature"], change["text"]) == (
        "one",
        "one: traffic of testing rule testingRule11 (shared with two) 50 % → 1 %",
    )


def test_an_impact_campaign():
    measured = copy.deepcopy(FLAGS)
    measured["features"][1]["impactCampaign"] = {"campaignId": 99, "type": "FLAG_TESTING"}
    measured["campaigns"].append(campaign_of_test(99, "impact"))
    assert described(put("campaigns", 4, "percentTraffic", value=1), measured) == [
        ("traffic", "two: traffic of its impact campaign 50 % → 1 %")
    ]
