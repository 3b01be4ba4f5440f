"""Campaigns: shares, splits, traffic, targeting and whitelists."""

import copy

import pytest

from tests.changes.conftest import (
    FLAGS,
    OFF,
    ROLLOUT_ONE,
    ROLLOUT_TWO,
    TARGETED,
    TEST_11,
    described,
    flag,
    put,
)


@pytest.mark.parametrize(
    ("edit", "sentences"),
    [
        (
            put("campaigns", TEST_11, "percentTraffic", value=100),
            [("traffic", "one: traffic of testing rule testingRule11 50 % → 100 %")],
        ),
        (
            lambda d: [
                one.update(weight=weight)
                for one, weight in zip(d["campaigns"][TEST_11]["variations"], (20, 80), strict=True)
            ],
            [
                (
                    "weight",
                    "one: split of testing rule testingRule11: Default 50 % → 20 %, "
                    "Variation-1 50 % → 80 %",
                )
            ],
        ),
        (
            lambda d: d["campaigns"][TEST_11]["variations"].append(
                {"id": 3, "name": "Variation-2", "weight": 10}
            ),
            [
                (
                    "variation_added",
                    "one: variation Variation-2 of testing rule testingRule11 added: 10 %",
                )
            ],
        ),
        (
            lambda d: d["campaigns"][TEST_11]["variations"].pop(),
            [
                (
                    "variation_removed",
                    "one: variation Variation-1 of testing rule testingRule11 removed",
                )
            ],
        ),
        (
            put("campaigns", TEST_11, "segments", value=TARGETED),
            [
                (
                    "segments",
                    "one: targeting of testing rule testingRule11: everybody → price contains 20",
                )
            ],
        ),
        (
            put("campaigns", ROLLOUT_TWO, "variations", 0, "segments", value=TARGETED),
            [
                (
                    "segments",
                    "two: targeting of rollout rule rolloutRule2: everybody → price contains 20",
                )
            ],
        ),
        (
            put("campaigns", ROLLOUT_TWO, "segments", value=TARGETED),
            [
                (
                    "segments",
                    "two: targeting of the campaign of rollout rule rolloutRule2: "
                    "everybody → price contains 20",
                )
            ],
        ),
        (
            put("campaigns", TEST_11, "variations", 0, "segments", value={"user": "ann, bob"}),
            [
                (
                    "whitelist",
                    "one: whitelist of testing rule testingRule11, variation Default: "
                    "nobody → user is ann or bob",
                )
            ],
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
    ],
)
def test_changes_of_a_campaign(edit, sentences):
    assert described(edit) == sentences


@pytest.mark.parametrize(
    ("edit", "before", "sentences"),
    [
        (
            flag("two", percentage=5),
            OFF,
            [("rollout", "two: rollout when switched on 50 % → 5 %")],
        ),
        (flag("two", percentage=75), FLAGS, [("rollout", "two: rollout 50 % → 75 %")]),
        (flag("two", percentage=33.5), FLAGS, [("rollout", "two: rollout 50 % → 33.5 %")]),
    ],
)
def test_changes_of_a_campaign_of_a_built_document(edit, before, sentences):
    assert described(edit, before) == sentences


def test_traffic_that_changes_to_the_share_is_a_change_of_traffic():
    before = copy.deepcopy(FLAGS)
    before["campaigns"][ROLLOUT_TWO]["percentTraffic"] = 5
    assert described(lambda d: d["campaigns"][ROLLOUT_TWO].update(percentTraffic=50), before) == [
        ("traffic", "two: traffic of rollout rule rolloutRule2 5 % → 50 %")
    ]


def test_traffic_that_was_different_is_a_change_besides_the_share():
    def edit(document):
        document["campaigns"][ROLLOUT_TWO]["percentTraffic"] = 75
        document["campaigns"][ROLLOUT_TWO]["variations"][0]["weight"] = 75

    before = copy.deepcopy(FLAGS)
    before["campaigns"][ROLLOUT_TWO]["percentTraffic"] = 5
    assert [text for _, text in described(edit)] == ["two: rollout 50 % → 75 %"]
    assert [text for _, text in described(edit, before)] == [
        "two: rollout 50 % → 75 %",
        "two: traffic of rollout rule rolloutRule2 5 % → 75 %",
    ]


def test_a_new_variation_does_not_explain_traffic():
    def edit(document):
        rollout = document["campaigns"][ROLLOUT_TWO]
        rollout["variations"].append({"id": 2, "name": "Late", "weight": 10})
        rollout["percentTraffic"] = 10

    assert [text for _, text in described(edit)] == [
        "two: traffic of rollout rule rolloutRule2 50 % → 10 %",
        "two: variation Late of rollout rule rolloutRule2 added: 10 %",
    ]
