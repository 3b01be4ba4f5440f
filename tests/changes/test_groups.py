"""Mutually exclusive groups and holdouts."""

import pytest

from tests.changes.conftest import FLAGS, TARGETED, changed, checked, described, put


@pytest.mark.parametrize(
    ("edit", "sentences"),
    [
        (
            put("groups", "1", "name", value="Cart"),
            [("group", "Group “Cart”: name “Checkout” → “Cart”")],
        ),
        (
            put("groups", "1", "et", value=2),
            [("group", "Group “Checkout”: its rule is picked at random → by priority and weight")],
        ),
        (
            put("groups", "1", "p", value=["12", "11"]),
            [
                (
                    "group",
                    "Group “Checkout”: priority none → testingRule12 of one, testingRule11 of one",
                )
            ],
        ),
        (
            put("groups", "1", "wt", value={"11": 40, "12": 60}),
            [
                (
                    "group",
                    "Group “Checkout”: weights testingRule11 of one 50 % → 40 %, "
                    "testingRule12 of one now set: 60 %",
                )
            ],
        ),
        (
            put("groups", "1", "wt", value={}),
            [
                (
                    "group",
                    "Group “Checkout”: weights testingRule11 of one no longer set, it was 50 %",
                )
            ],
        ),
        (
            put("groups", "1", "wt", value=[50]),
            [("group", 'Group “Checkout”: weights {"11":50} → [50]')],
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
    ],
)
def test_changes_of_groups_and_holdouts(edit, sentences):
    assert described(edit) == sentences


def test_a_group_and_the_inverse_mapping_change_together():
    def edit(document):
        document["groups"]["1"]["campaigns"] = ["2_1", "11"]
        document["campaignGroups"] = {"11": 1, "2_1": 1}

    assert described(edit) == [
        ("group", "Group “Checkout”: rolloutRule2 of two joined, testingRule12 of one left")
    ]


def test_an_inverse_mapping_that_contradicts_the_groups_is_a_change_of_its_own():
    def edit(document):
        document["groups"]["1"]["campaigns"] = ["12"]
        document["campaignGroups"]["11"] = 7

    assert described(edit) == [
        ("group", "Group of testingRule11 of one 1 → 7"),
        ("group", "Group “Checkout”: testingRule11 of one left"),
    ]


def test_a_rule_that_moves_from_one_group_to_another():
    def edit(document):
        document["groups"]["1"]["campaigns"] = ["12"]
        document["groups"]["2"] = {"name": "Cart", "campaigns": ["11"], "et": 1}
        document["campaignGroups"]["11"] = 2

    assert sorted(described(edit)) == [
        ("group", "Group “Cart” added: testingRule11 of one"),
        ("group", "Group “Checkout”: testingRule11 of one left"),
    ]


def test_the_weights_of_a_group_have_a_fixed_order():
    [change] = changed(put("groups", "1", "wt", value={"12": 60, "11": 40}))
    assert change["text"].endswith(
        "testingRule11 of one 50 % → 40 %, testingRule12 of one now set: 60 %"
    )


def test_a_holdout_is_added():
    before = {key: value for key, value in FLAGS.items() if key != "holdouts"}
    assert [change["text"] for change in checked(before, FLAGS)] == [
        "Holdout “Q1” added: 5 % of users, flags one"
    ]
