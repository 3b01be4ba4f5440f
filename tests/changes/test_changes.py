"""Two settings documents in, the list of what changed out."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from django_vwo_webhooks.changes import KINDS, compare, digest, normal_form
from django_vwo_webhooks.testing import build_settings, feature
from django_vwo_webhooks.testing.editing import change_flag


def variables(color):
    return [{"id": 1, "key": "color", "type": "string", "value": color}]


def testing_campaign(number, key, **extra):
    """A campaign that splits its users evenly between two colors."""
    return {
        "id": number,
        "key": f"{key}_testingRule{number}",
        "name": f"{key} test",
        "type": "FLAG_TESTING",
        "status": "RUNNING",
        "percentTraffic": 50,
        "segments": {},
        "isForcedVariationEnabled": False,
        "variations": [
            {"id": 1, "name": "Default", "weight": 50, "variables": variables("red")},
            {"id": 2, "name": "Variation-1", "weight": 50, "variables": variables("blue")},
        ],
        **extra,
    }


testing_campaign.__test__ = False


def testing_rule(number):
    return {"type": "FLAG_TESTING", "ruleKey": f"testingRule{number}", "campaignId": number}


testing_rule.__test__ = False


def with_tests():
    """``one`` has a rollout and two tests, ``two`` is a plain rollout."""
    document = build_settings(
        feature("one", variables={"color": "red", "size": 1}),
        feature("two", percentage=50, variables={"color": "red", "size": 1}),
    )
    for number in (11, 12):
        document["features"][0]["rules"].append(testing_rule(number))
        document["campaigns"].append(testing_campaign(number, "one"))
    document["features"][0]["metrics"] = [
        {"id": 1, "identifier": "sold", "type": "CUSTOM_GOAL"},
        {"id": 2, "identifier": "seen", "type": "CUSTOM_GOAL"},
    ]
    document["groups"] = {
        "1": {"name": "Checkout", "campaigns": ["11", "12"], "et": 1, "p": [], "wt": {"11": 50}}
    }
    document["campaignGroups"] = {"11": 1, "12": 1}
    document["holdouts"] = [
        {
            "id": 5,
            "name": "Q1",
            "percentTraffic": 5,
            "isGlobal": False,
            "featureIds": [1],
            "segments": {},
            "metrics": [],
        }
    ]
    return document


FLAGS = with_tests()
ONE = FLAGS["features"][0]
ROLLOUT_ONE, ROLLOUT_TWO, TEST_11, TEST_12 = range(4)


def checked(before, after):
    """The changes, after a look at what is true of any."""
    changes = compare(before, after)
    assert bool(changes) == (digest(before) != digest(after))
    assert bool(changes) == bool(compare(after, before))
    for change in changes:
        assert list(change) == ["kind", "feature", "path", "before", "after", "text"]
        assert change["kind"] in KINDS
        assert change["text"].isprintable()
        assert 0 < len(change["text"]) <= 300
    return changes


def changed(edit, before=FLAGS):
    document = copy.deepcopy(before)
    edit(document)
    return checked(before, document)


def put(*path, value):
    """An edit that puts a value somewhere."""

    def edit(document):
        *way, last = path
        for step in way:
            document = document[step]
        document[last] = value

    return edit


def told(edit, before=FLAGS):
    return [(change["kind"], change["text"]) for change in changed(edit, before)]


def flag(key, **changes):
    return lambda document: change_flag(document, key, **changes)


def test_nothing_changed():
    assert changed(lambda d: None) == []


def test_the_sdk_key_and_its_meta_information_are_no_change():
    assert changed(lambda d: d.update(sdkKey="x", sdkMetaInfo={"a": 1})) == []


def test_a_change_in_full():
    assert changed(flag("two", variables={"color": "green"})) == [
        {
            "kind": "variable",
            "feature": "two",
            "path": "campaigns / two_rolloutRule2 / variations / Rollout-rule-2"
            " / variables / color / value",
            "before": "red",
            "after": "green",
            "text": "two: color “red” → “green”",
        }
    ]


OFF = build_settings(feature("two", percentage=50, enabled=False))


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
            flag("two", percentage=5),
            OFF,
            [("rollout", "two: rollout when switched on 50 % → 5 %")],
        ),
        (
            flag("two", enabled=False, percentage=5),
            FLAGS,
            [
                ("switched_off", "two switched off"),
                ("rollout", "two: rollout when switched on 50 % → 5 %"),
            ],
        ),
        (flag("two", percentage=75), FLAGS, [("rollout", "two: rollout 50 % → 75 %")]),
        (flag("two", percentage=33.5), FLAGS, [("rollout", "two: rollout 50 % → 33.5 %")]),
        (
            flag("two", variables={"size": 2, "new": {"a": True}}),
            FLAGS,
            [
                ("variable_added", 'two: variable new added: {"a":true}'),
                ("variable", "two: size 1 → 2"),
            ],
        ),
        (
            flag("two", variables={"size": "L"}),
            FLAGS,
            [("variable", "two: size 1 → “L” (type integer → string)")],
        ),
        (
            flag("one", variables={"color": "green"}),
            FLAGS,
            [("variable", "one: color “red” → “green” in rollout rule rolloutRule1")],
        ),
        (flag("three"), FLAGS, [("feature_added", "three added: on, rollout 100 %")]),
    ],
)
def test_what_the_simulator_writes(edit, before, sentences):
    assert told(edit, before) == sentences


TARGETED = {"or": [{"custom_variable": {"price": "wildcard(*20*)"}}]}


@pytest.mark.parametrize(
    ("edit", "sentences"),
    [
        (
            put("campaigns", TEST_11, "variations", 1, "variables", 0, "value", value="green"),
            [("variable", "one: color “blue” → “green” in testing rule testingRule11, "
              "variation Variation-1")],
        ),
        (
            put("campaigns", TEST_11, "variations", 1, "variables", value={}),
            [("variable_removed", "one: variable color removed in testing rule testingRule11, "
              "variation Variation-1")],
        ),
        (
            put("campaigns", TEST_11, "percentTraffic", value=100),
            [("traffic", "one: traffic of testing rule testingRule11 50 % → 100 %")],
        ),
        (
            lambda d: [one.update(weight=weight) for one, weight in
                       zip(d["campaigns"][TEST_11]["variations"], (20, 80), strict=True)],
            [("weight", "one: split of testing rule testingRule11: Default 50 % → 20 %, "
              "Variation-1 50 % → 80 %")],
        ),
        (
            lambda d: d["campaigns"][TEST_11]["variations"].append(
                {"id": 3, "name": "Variation-2", "weight": 10}),
            [("variation_added", "one: variation Variation-2 of testing rule testingRule11 "
              "added: 10 %")],
        ),
        (
            lambda d: d["campaigns"][TEST_11]["variations"].pop(),
            [("variation_removed", "one: variation Variation-1 of testing rule testingRule11 "
              "removed")],
        ),
        (
            lambda d: d["campaigns"][TEST_11]["variations"].reverse(),
            [("reordered", "one: order of variations of testing rule testingRule11: "
              "Default, Variation-1 → Variation-1, Default")],
        ),
        (
            lambda d: d["features"][0]["rules"].reverse(),
            [("reordered", "one: order of rules: rolloutRule1, testingRule11, testingRule12 → "
              "testingRule12, testingRule11, rolloutRule1")],
        ),
        (
            put("campaigns", TEST_11, "segments", value=TARGETED),
            [("segments", "one: targeting of testing rule testingRule11: everybody → "
              "price contains 20")],
        ),
        (
            put("campaigns", ROLLOUT_TWO, "variations", 0, "segments", value=TARGETED),
            [("segments", "two: targeting of rollout rule rolloutRule2: everybody → "
              "price contains 20")],
        ),
        (
            put("campaigns", ROLLOUT_TWO, "segments", value=TARGETED),
            [("segments", "two: targeting of the campaign of rollout rule rolloutRule2: "
              "everybody → price contains 20")],
        ),
        (
            put("campaigns", TEST_11, "variations", 0, "segments", value={"user": "ann, bob"}),
            [("whitelist", "one: whitelist of testing rule testingRule11, variation Default: "
              "nobody → user is ann or bob")],
        ),
        (
            put("campaigns", TEST_11, "isForcedVariationEnabled", value=True),
            [("whitelist", "one: whitelisting of testing rule testingRule11 off → on")],
        ),
        (
            put("campaigns", ROLLOUT_ONE, "variations", 0, "weight", value=10),
            [("rollout", "one: rollout 100 % → 10 %")],
        ),
        (
            put("campaigns", ROLLOUT_ONE, "percentTraffic", value=10),
            [("traffic", "one: traffic of rollout rule rolloutRule1 100 % → 10 %")],
        ),
        (
            put("campaigns", TEST_11, "status", value="PAUSED"),
            [("other", "one: status of testing rule testingRule11 “RUNNING” → “PAUSED”")],
        ),
        (
            put("campaigns", TEST_11, "variations", 0, "salt", value="s"),
            [("other", "one: salt of testing rule testingRule11, variation Default added: “s”")],
        ),
        (
            put("campaigns", TEST_11, "name", value="The test"),
            [("renamed", "one: name of testing rule testingRule11 “one test” → “The test”")],
        ),
        (
            put("campaigns", ROLLOUT_TWO, "variations", 0, "variables", 0, "key", value="colour"),
            [("renamed", "two: key of variable colour “color” → “colour”")],
        ),
        (
            put("features", 0, "key", value="uno"),
            [("renamed", "uno: key “one” → “uno”")],
        ),
        (
            put("features", 0, "rules", 1, "ruleKey", value="pricing"),
            [("renamed", "one: key of testing rule pricing “testingRule11” → “pricing”")],
        ),
        (
            put("features", 0, "id", value="1"),
            [("other", "one: id 1 → “1”")],
        ),
        (
            put("features", 0, "id", value=9),
            [("feature_removed", "one removed"),
             ("feature_added", "one added: on, rollout 100 %, 2 testing rules")],
        ),
        (
            put("features", 0, "isDebuggerEnabled", value=True),
            [("other", "one: isDebuggerEnabled added: true")],
        ),
        (
            put("features", 0, "rules", 1, "variationId", value=2),
            [("other", "one: variationId of testing rule testingRule11 added: 2")],
        ),
        (
            put("features", 0, "status", value="PAUSED"),
            [("other", "one: status “ON” → “PAUSED”")],
        ),
        (
            lambda d: d["features"][0]["metrics"].pop(),
            [("metric", "one: metric seen removed")],
        ),
        (
            put("features", 0, "metrics", 0, "type", value="REVENUE_TRACKING"),
            [("metric", "one: type of metric sold “CUSTOM_GOAL” → “REVENUE_TRACKING”")],
        ),
        (
            put("features", 1, "impactCampaign", value={"campaignId": 12}),
            [("other", "two: impactCampaign / campaignId added: 12")],
        ),
        (
            put("groups", "1", "name", value="Cart"),
            [("group", "Group “Cart”: name “Checkout” → “Cart”")],
        ),
        (
            put("groups", "1", "et", value=2),
            [("group", "Group “Checkout”: its rule is picked at random → "
              "by priority and weight")],
        ),
        (
            put("groups", "1", "p", value=["12", "11"]),
            [("group", "Group “Checkout”: priority none → testingRule12 of one, "
              "testingRule11 of one")],
        ),
        (
            put("groups", "1", "wt", value={"11": 40, "12": 60}),
            [("group", "Group “Checkout”: weights testingRule11 of one 50 % → 40 %, "
              "testingRule12 of one nothing → 60 %")],
        ),
        (
            put("groups", "1", "wt", value={}),
            [("group", "Group “Checkout”: weights testingRule11 of one 50 % → nothing")],
        ),
        (
            put("groups", "1", "wt", value=[50]),
            [("group", "Group “Checkout”: weights {\"11\":50} → [50]")],
        ),
        (
            put("groups", value={}),
            [("group", "Group “Checkout” removed")],
        ),
        (
            put("campaignGroups", "11", value=2),
            [("group", "Group of testingRule11 of one 1 → 2")],
        ),
        (
            put("holdouts", 0, "percentTraffic", value=10),
            [("holdout", "Holdout “Q1”: share 5 % → 10 %")],
        ),
        (
            put("holdouts", 0, "featureIds", value=[1, 2, 3]),
            [("holdout", "Holdout “Q1”: flags one → one, two, 3")],
        ),
        (
            put("holdouts", 0, "segments", value=TARGETED),
            [("holdout", "Holdout “Q1”: targeting everybody → price contains 20")],
        ),
        (
            put("holdouts", 0, "isGlobal", value=True),
            [("holdout", "Holdout “Q1”: isGlobal false → true")],
        ),
        (put("holdouts", value={}), [("holdout", "Holdout “Q1” removed")]),
        (put("pollInterval", value=9), [("other", "Settings: pollInterval added: 9")]),
        (put("version", value=2), [("other", "Settings: version 1 → 2")]),
    ],
)  # fmt: skip
def test_what_vwo_may_write(edit, sentences):
    assert told(edit) == sentences


def add_a_test(document):
    document["features"][1]["rules"].append(testing_rule(13))
    document["campaigns"].append(testing_campaign(13, "two", segments=TARGETED))


def test_a_rule_comes_and_goes_with_its_campaign():
    [change] = changed(add_a_test)
    assert change["text"] == (
        "two: testing rule testingRule13 added: traffic 50 %, for price contains 20"
    )
    assert (change["kind"], change["path"]) == (
        "rule_added",
        "features / two / rules / testingRule13",
    )
    assert (change["before"], change["after"]) == (None, testing_rule(13))
    more = copy.deepcopy(FLAGS)
    add_a_test(more)
    [change] = checked(more, FLAGS)
    assert (change["kind"], change["text"]) == (
        "rule_removed",
        "two: testing rule testingRule13 removed",
    )


def test_a_rule_that_is_a_variation_of_a_campaign_comes_with_it():
    def edit(document):
        rule = {"type": "FLAG_ROLLOUT", "ruleKey": "late", "campaignId": 2, "variationId": 2}
        document["features"][1]["rules"].append(rule)
        document["campaigns"][ROLLOUT_TWO]["variations"].append(
            {"id": 2, "name": "Late", "weight": 25, "segments": {"country": '"Germany"'}}
        )

    assert told(edit) == [
        ("rule_added", "two: rollout rule late added: share 25 %, for country is Germany")
    ]
    document = copy.deepcopy(FLAGS)
    edit(document)
    assert told(put("campaigns", ROLLOUT_TWO, "variations", 1, "weight", value=5), document) == [
        ("rollout", "two: share of rollout rule late 25 % → 5 %")
    ]


def test_a_feature_comes_and_goes_with_its_campaigns():
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


def test_a_weight_that_says_something_else_is_told_with_the_switch():
    def edit(document):
        document["features"][0]["status"] = "OFF"
        document["campaigns"][ROLLOUT_ONE]["variations"][0]["weight"] = 30
        document["campaigns"][TEST_11]["variations"][0]["weight"] = 0
        document["campaigns"][ROLLOUT_ONE]["percentTraffic"] = 70

    assert [text for _, text in told(edit)] == [
        "one switched off",
        "one: rollout when switched on 100 % → 70 %",
        "one: rollout 100 % → 30 %",
        "one: split of testing rule testingRule11: Default 50 % → 0 %",
    ]


def test_a_rule_that_is_renamed_keeps_its_place():
    def edit(document):
        rules = document["features"][0]["rules"]
        rules[1]["ruleKey"] = "pricing"
        rules.insert(1, rules.pop())

    assert [kind for kind, _ in told(edit)] == ["reordered", "renamed"]


def test_a_rule_with_another_name_and_campaign_is_another_rule():
    def edit(document):
        document["features"][0]["rules"][1] = testing_rule(12) | {"ruleKey": "second"}

    assert told(edit) == [
        ("rule_removed", "one: testing rule testingRule11 removed"),
        ("rule_added", "one: testing rule second added: traffic 50 %"),
    ]


def test_rules_without_a_campaign_are_told_apart_by_their_names():
    def rules(*names):
        return {"features": [{"key": "f", "rules": [{"ruleKey": name} for name in names]}]}

    assert [change["kind"] for change in checked(rules("a"), rules("b"))] == [
        "rule_removed",
        "rule_added",
    ]


def test_what_happens_to_the_campaign_of_a_rule_that_is_gone():
    def edit(document):
        del document["features"][0]["rules"][1]
        document["campaigns"][TEST_11]["percentTraffic"] = 5

    assert [text for _, text in told(edit)] == [
        "one: testing rule testingRule11 removed",
        "one: traffic of former testing rule testingRule11 50 % → 5 %",
    ]


def many_rules(*numbers):
    rules = [testing_rule(number) for number in numbers]
    return {"features": [{"id": 1, "key": "f", "rules": rules}]}


@pytest.mark.parametrize(
    ("numbers", "words"),
    [
        ((15, 11, 12, 13, 14), "testingRule15 moved from place 5 to 1"),
        ((12, 13, 14, 15, 11), "testingRule11 moved from place 1 to 5"),
        ((12, 11, 13, 14, 15), "testingRule12 moved from place 2 to 1"),
        (
            (15, 14, 13, 12, 11),
            "testingRule11, testingRule12, testingRule13, testingRule14, testingRule15 → "
            "testingRule15, testingRule14, testingRule13, testingRule12, testingRule11",
        ),
        (
            (15, 11, 12, 13, 14, 16),
            "testingRule11, testingRule12, testingRule13, testingRule14, testingRule15 → "
            "testingRule15, testingRule11, testingRule12, testingRule13, testingRule14, "
            "testingRule16",
        ),
    ],
)
def test_a_long_order_is_told_by_what_moved(numbers, words):
    changes = checked(many_rules(11, 12, 13, 14, 15), many_rules(*numbers))
    assert [c["text"] for c in changes if c["kind"] == "reordered"] == [
        f"f: order of rules: {words}"
    ]


def test_a_campaign_that_no_flag_uses():
    assert told(lambda d: d["campaigns"].append(testing_campaign(99, "stray"))) == [
        ("other", "Campaign stray_testingRule99 (used by no flag) added")
    ]
    stray = copy.deepcopy(FLAGS)
    stray["campaigns"].append(testing_campaign(99, "stray"))
    [change] = changed(put("campaigns", 4, "percentTraffic", value=1), stray)
    assert (change["feature"], change["text"]) == (
        "",
        "Traffic of campaign stray_testingRule99 (used by no flag) 50 % → 1 %",
    )


def test_a_campaign_that_two_flags_use():
    shared = copy.deepcopy(FLAGS)
    shared["features"][1]["rules"].append(testing_rule(11))
    [change] = changed(put("campaigns", TEST_11, "percentTraffic", value=1), shared)
    assert (change["feature"], change["text"]) == (
        "one",
        "one: traffic of testing rule testingRule11 (shared with two) 50 % → 1 %",
    )


def test_a_switch_does_not_tell_what_happens_to_another_flag():
    shared = copy.deepcopy(FLAGS)
    shared["features"][0]["rules"][0]["campaignId"] = 2
    assert [text for _, text in told(flag("one", enabled=False), shared)] == [
        "one switched off",
        "one: rollout (shared with two) 50 % → 0 %",
    ]


def test_a_switch_tells_of_rollout_rules_only():
    personal = json.loads(json.dumps(FLAGS).replace("FLAG_ROLLOUT", "FLAG_PERSONALIZE"))

    def edit(document):
        document["features"][1]["status"] = "OFF"
        document["campaigns"][ROLLOUT_TWO]["variations"][0]["weight"] = 0

    assert [text for _, text in told(edit, personal)] == [
        "two switched off",
        "two: share of personalize rule rolloutRule2 50 % → 0 %",
    ]


def test_traffic_that_comes_to_the_share_is_still_traffic():
    before = copy.deepcopy(FLAGS)
    before["campaigns"][ROLLOUT_TWO]["percentTraffic"] = 5
    assert told(lambda d: d["campaigns"][ROLLOUT_TWO].update(percentTraffic=50), before) == [
        ("traffic", "two: traffic of rollout rule rolloutRule2 5 % → 50 %")
    ]


def test_traffic_that_was_another_is_told_beside_the_share():
    def edit(document):
        document["campaigns"][ROLLOUT_TWO]["percentTraffic"] = 75
        document["campaigns"][ROLLOUT_TWO]["variations"][0]["weight"] = 75

    before = copy.deepcopy(FLAGS)
    before["campaigns"][ROLLOUT_TWO]["percentTraffic"] = 5
    assert [text for _, text in told(edit)] == ["two: rollout 50 % → 75 %"]
    assert [text for _, text in told(edit, before)] == [
        "two: rollout 50 % → 75 %",
        "two: traffic of rollout rule rolloutRule2 5 % → 75 %",
    ]


def test_a_new_variation_does_not_tell_of_traffic():
    def edit(document):
        rollout = document["campaigns"][ROLLOUT_TWO]
        rollout["variations"].append({"id": 2, "name": "Late", "weight": 10})
        rollout["percentTraffic"] = 10

    assert [text for _, text in told(edit)] == [
        "two: traffic of rollout rule rolloutRule2 50 % → 10 %",
        "two: variation Late of rollout rule rolloutRule2 added: 10 %",
    ]


def test_an_impact_campaign():
    measured = copy.deepcopy(FLAGS)
    measured["features"][1]["impactCampaign"] = {"campaignId": 99, "type": "FLAG_TESTING"}
    measured["campaigns"].append(testing_campaign(99, "impact"))
    assert told(put("campaigns", 4, "percentTraffic", value=1), measured) == [
        ("traffic", "two: traffic of its impact campaign 50 % → 1 %")
    ]


def test_a_group_and_the_list_that_says_the_same():
    def edit(document):
        document["groups"]["1"]["campaigns"] = ["2_1", "11"]
        document["campaignGroups"] = {"11": 1, "2_1": 1}

    assert told(edit) == [
        ("group", "Group “Checkout”: rolloutRule2 of two joined, testingRule12 of one left")
    ]


def test_a_list_of_groups_that_says_something_else_is_told_by_itself():
    def edit(document):
        document["groups"]["1"]["campaigns"] = ["12"]
        document["campaignGroups"]["11"] = 7

    assert told(edit) == [
        ("group", "Group of testingRule11 of one 1 → 7"),
        ("group", "Group “Checkout”: testingRule11 of one left"),
    ]


def test_a_rule_that_goes_from_group_to_group():
    def edit(document):
        document["groups"]["1"]["campaigns"] = ["12"]
        document["groups"]["2"] = {"name": "Cart", "campaigns": ["11"], "et": 1}
        document["campaignGroups"]["11"] = 2

    assert sorted(told(edit)) == [
        ("group", "Group “Cart” added: testingRule11 of one"),
        ("group", "Group “Checkout”: testingRule11 of one left"),
    ]


def test_the_weights_of_a_group_have_one_order():
    [change] = changed(put("groups", "1", "wt", value={"12": 60, "11": 40}))
    assert change["text"].endswith(
        "testingRule11 of one 50 % → 40 %, testingRule12 of one nothing → 60 %"
    )


def test_a_holdout_is_added():
    before = {key: value for key, value in FLAGS.items() if key != "holdouts"}
    assert [change["text"] for change in checked(before, FLAGS)] == [
        "Holdout “Q1” added: 5 % of users, flags one"
    ]


def test_the_first_document():
    assert [(change["feature"], change["text"]) for change in checked({}, FLAGS)] == [
        ("one", "one added: on, rollout 100 %, 2 testing rules"),
        ("two", "two added: on, rollout 50 %"),
        ("", "Group “Checkout” added: testingRule11 of one, testingRule12 of one"),
        ("", "Holdout “Q1” added: 5 % of users, flags one"),
        ("", "First settings: accountId 123456, version 1"),
    ]
    assert compare({}, {}) == []
    assert len(checked({}, {"features": {}})) == 1


def test_the_order_of_the_sentences():
    def edit(document):
        document["version"] = 2
        document["campaigns"][ROLLOUT_TWO]["variations"][0]["segments"] = TARGETED
        document["campaigns"][TEST_11]["percentTraffic"] = 5
        change_flag(document, "two", enabled=False, variables={"color": "green"})
        document["features"][0]["name"] = "The first"

    expected = ["traffic", "renamed", "switched_off", "variable", "segments", "other"]
    assert [kind for kind, _ in told(edit)] == expected


def test_flags_come_in_the_order_of_their_numbers():
    flags = [{"id": number, "key": f"flag{number}", "x": number} for number in (10, 9, 2)]
    after = {"features": [{**flag, "x": 0} for flag in flags]}
    changes = checked({"features": flags}, after)
    assert [change["feature"] for change in changes] == ["flag2", "flag9", "flag10"]


def test_the_order_of_features_campaigns_and_variables_means_nothing():
    def shuffle(document):
        document["features"].reverse()
        document["campaigns"].reverse()
        document["campaigns"][-1]["variations"][0]["variables"].reverse()

    assert changed(shuffle) == []


def test_items_that_share_an_id_or_have_none():
    document = {"campaigns": [{"id": 1, "x": 1}, {"id": 1, "x": 2}], "holdouts": [{"a": 1}]}
    assert told(put("campaigns", 1, "x", value=3), document) == [
        ("other", "X of campaign 1 (used by no flag) 2 → 3")
    ]
    assert told(put("holdouts", 0, "a", value=2), document) == [
        ("holdout", "Holdout “(unnamed)”: a 1 → 2")
    ]
    assert len(told(lambda d: d["campaigns"].append({"id": 1, "x": 9}), document)) == 1


def test_a_list_that_holds_anything_but_objects_is_told_as_a_whole():
    [change] = changed(put("features", 1, "rules", 0, value=None))
    assert (change["kind"], change["path"]) == ("other", "features / two / rules")
    assert change["text"].startswith('two: rules [{"campaignId":2,')
    assert change["text"].endswith("→ [null]")


def test_an_empty_object_is_an_empty_list():
    assert compare({"features": {}}, {"features": []}) == []
    assert digest({"features": {}}) == digest({"features": []})


@pytest.mark.parametrize(("before", "after"), [(1, True), (1, 1.0), (0, False), ("1", 1)])
def test_what_is_equal_in_python_but_not_in_json(before, after):
    assert checked({"x": before}, {"x": after})
    path = ("campaigns", ROLLOUT_TWO, "variations", 0, "variables", 1, "value")
    document = copy.deepcopy(FLAGS)
    put(*path, value=before)(document)
    assert changed(put(*path, value=after), document)


def test_null_is_not_nothing():
    assert told(put("brandNew", value=None)) == [("other", "Settings: brandNew added: null")]


def test_keys_that_nobody_knows_are_seen():
    assert told(put("brandNew", value={"deep": [1]})) == [
        ("other", 'Settings: brandNew added: {"deep":[1]}')
    ]


def test_what_a_customer_calls_his_values_is_none_of_vwos_lists():
    """A variable may hold ``{"features": […]}``, and there the order counts."""
    path = ("campaigns", ROLLOUT_TWO, "variations", 0, "variables", 1, "value")
    document = copy.deepcopy(FLAGS)
    put(*path, value={"features": ["a", "b"]})(document)
    assert len(changed(put(*path, value={"features": ["b", "a"]}), document)) == 1


def test_digests_stay_what_they_were():
    """Databases hold them, and another digest makes a new snapshot."""
    assert digest(build_settings(feature("one", variables={"color": "red"}))) == (
        "cb983f03defc7dd835e7c9cb7a774f83e990a01a595f717d4d1fcf34e727f420"
    )


def test_long_values_are_cut_in_the_sentence_only():
    [change] = changed(flag("two", variables={"color": "b" * 500}))
    assert change["after"] == "b" * 500
    assert change["text"] == f"two: color “red” → “{'b' * 58}…"


def test_long_values_are_shown_where_they_differ():
    document = copy.deepcopy(FLAGS)
    change_flag(document, "two", variables={"color": f"{'a' * 500}X{'a' * 500}"})
    assert told(flag("two", variables={"color": f"{'a' * 500}Y{'a' * 500}"}), document) == [
        ("variable", f"two: color …{'a' * 20}X{'a' * 37}… → …{'a' * 20}Y{'a' * 37}…")
    ]


def test_a_sentence_is_one_line_of_plain_text():
    text = "a\nb\x7f\u202e<b>"
    assert told(flag("two", variables={"color": text})) == [
        ("variable", "two: color “red” → “a\\nb\\u007f\\u202e<b>”")
    ]
    assert len(changed(flag("k\n" * 1000))[0]["text"]) <= 300


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ({"or": [{"custom_variable": {"price": "100"}}]}, "price is 100"),
        ({"custom_variable": {"price": 100}}, "price is 100"),
        ({"custom_variable": {"mail": "wildcard(*@vwo.com)"}}, "mail ends with @vwo.com"),
        ({"custom_variable": {"mail": "wildcard(ann*)"}}, "mail starts with ann"),
        ({"custom_variable": {"mail": "wildcard(ann)"}}, "mail is ann"),
        ({"custom_variable": {"name": "lower(Ann)"}}, "name is Ann in upper or lower case"),
        ({"custom_variable": {"name": "regex(^A(n+)$)"}}, "name matches ^A(n+)$"),
        ({"custom_variable": {"age": "gt(17.5)"}}, "age > 17.5"),
        ({"custom_variable": {"age": "gte(18)"}}, "age ≥ 18"),
        ({"custom_variable": {"age": "lt(18)"}}, "age < 18"),
        ({"custom_variable": {"age": "lte(18)"}}, "age ≤ 18"),
        ({"custom_variable": {"age": "gt(old)"}}, "age is gt(old)"),
        ({"custom_variable": {"id": "inlist(abc12)"}}, "id is in list abc12"),
        ({"user": "ann, bob"}, "user is ann or bob"),
        ({"os": ["iOS", "wildcard(Win*)"]}, "operating system is iOS or starts with Win"),
        ({"browser_string": "Chrome"}, "browser is Chrome"),
        ({"ua": "wildcard(*bot*)"}, "user agent contains bot"),
        ({"device_type": "mobile"}, "device type is mobile"),
        ({"ip_address": "wildcard(10.*)"}, "IP address starts with 10."),
        ({"featureId": {"5": "off"}}, "flag 5 is off"),
        ({"campaignVariation": "12_!3"}, "in web campaign 12, not variation 3"),
        ({"campaignVariation": "!12"}, "not in web campaign 12"),
        (
            {
                "and": [
                    {"or": [{"custom_variable": {"price": "wildcard(*20*)"}}]},
                    {"not": {"or": [{"country": "Germany"}]}},
                ]
            },
            "price contains 20 and not (country is Germany)",
        ),
        (
            {"and": [{"or": [{"country": "DE"}, {"country": "AT"}]}, {"city": '"Graz"'}]},
            "(country is DE or country is AT) and city is Graz",
        ),
        ({"and": [{"moon": "full"}, {"city": "Graz"}]}, '{"moon":"full"} and city is Graz'),
        ({"country": "DE", "city": "Graz"}, '{"city":"Graz","country":"DE"}'),
        ({"or": []}, '{"or":[]}'),
        (["garbage"], '["garbage"]'),
        (None, "null"),
    ],
)
def test_segments(segments, words):
    assert told(put("campaigns", TEST_11, "segments", value=segments)) == [
        ("segments", f"one: targeting of testing rule testingRule11: everybody → {words}")
    ]


def test_segments_are_told_at_length():
    words = " or ".join(f"country is Country{number}" for number in range(4))
    segments = {"or": [{"country": f"Country{number}"} for number in range(4)]}
    [change] = changed(put("campaigns", TEST_11, "segments", value=segments))
    assert change["text"].endswith(f": everybody → {words}")


def test_segments_that_read_alike_are_told_apart():
    before = copy.deepcopy(FLAGS)
    before["campaigns"][TEST_11]["segments"] = {"user": "ann"}
    assert told(put("campaigns", TEST_11, "segments", value={"or": [{"user": "ann"}]}), before) == [
        ("segments", 'one: targeting of testing rule testingRule11: {"user":"ann"} → '
         '{"or":[{"user":"ann"}]}')
    ]  # fmt: skip


def nested(core, levels):
    for _ in range(levels):
        core = {"or": [core]}
    return core


def test_segments_are_put_into_words_down_to_a_depth():
    for levels, words in ((20, "country is DE"), (22, '{"or":[{"country":"DE"}]}')):
        segments = nested({"country": "DE"}, levels)
        [change] = changed(put("campaigns", TEST_11, "segments", value=segments))
        assert change["text"].endswith(f"everybody → {words}")


def test_what_is_nested_deeply():
    for path in (("x",), ("campaigns", TEST_11, "segments"), ("features", 0, "rules", 0, "x")):
        before, after = with_tests(), with_tests()
        put(*path, value=nested({"country": "DE"}, 400))(before)
        put(*path, value=nested({"country": "AT"}, 400))(after)
        assert len(checked(before, after)) == 1


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-1, 2)
    | st.sampled_from([0.0, 1.0, "ON", "OFF", "FLAG_ROLLOUT", "FLAG_TESTING", "1", "gt(1)", "\n"])
    | st.text(max_size=3)
)
TEST = FLAGS["campaigns"][TEST_11]
KNOWN = [FLAGS, ONE, ONE["rules"][0], FLAGS["groups"]["1"], TEST, TEST["variations"][0]]
NAMES = st.sampled_from(sorted({"value", "x", "1", "or"}.union(*KNOWN)))
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=5),
    max_leaves=20,
)
OBJECTS = st.dictionaries(NAMES, JSON, max_size=6)


def places(value, way=()):
    """Every place in a JSON value that an edit can start from, and one new place in each object."""
    if isinstance(value, dict):
        for key in value:
            yield (*way, key)
            yield from places(value[key], (*way, key))
        yield (*way, "new")
    elif isinstance(value, list):
        for number in range(len(value)):
            yield (*way, number)
            yield from places(value[number], (*way, number))


def edited(document, data):
    """A copy with one to three values set, deleted or inserted anywhere."""
    document = copy.deepcopy(document)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from(list(places(document))))
        holder = document
        for step in way:
            holder = holder[step]
        how = data.draw(st.sampled_from(["set", "delete", "insert"]))
        if how == "delete":
            holder.pop(last, None) if isinstance(holder, dict) else holder.pop(last)
        elif how == "insert" and isinstance(holder, list):
            holder.insert(last, data.draw(JSON | st.sampled_from(holder)))
        else:
            holder[last] = data.draw(JSON)
    return document


@settings(max_examples=300, deadline=None, derandomize=True)
@given(data=st.data())
def test_any_edit_is_told_if_and_only_if_the_digest_differs(data):
    checked(FLAGS, edited(FLAGS, data))


@settings(max_examples=300, deadline=None, derandomize=True)
@given(before=OBJECTS, after=OBJECTS)
def test_any_two_objects(before, after):
    checked(before, after)
    assert compare(before, copy.deepcopy(before)) == []


@settings(max_examples=100, deadline=None, derandomize=True)
@given(document=OBJECTS, data=st.data())
def test_an_edit_of_any_object(document, data):
    checked(document, edited(document, data))


def shuffled(value, key, data):
    """The same document with the lists in another order where order means nothing."""
    if isinstance(value, dict):
        names = data.draw(st.permutations(list(value)))
        return {name: shuffled(value[name], name, data) for name in names}
    if not isinstance(value, list):
        return value
    items = [shuffled(item, "", data) for item in value]
    unordered = key in {"features", "campaigns", "variables", "metrics"}
    return data.draw(st.permutations(items)) if unordered else items


@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data())
def test_an_order_that_means_nothing_is_no_change(data):
    other = shuffled(FLAGS, "", data)
    assert compare(FLAGS, other) == []
    assert digest(FLAGS) == digest(other)
    assert normal_form(FLAGS) == normal_form(other)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_sentences_do_not_depend_on_an_order_that_means_nothing(data):
    after = edited(FLAGS, data)
    other = shuffled(after, "", data)
    assert json.dumps(compare(FLAGS, other), sort_keys=True) == json.dumps(
        compare(FLAGS, after), sort_keys=True
    )
