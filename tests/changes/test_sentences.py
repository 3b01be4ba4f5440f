"""Variables, metrics, names and the order of lists."""

import pytest

from tests.changes.conftest import (
    FLAGS,
    ROLLOUT_TWO,
    TEST_11,
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
            put("campaigns", TEST_11, "variations", 1, "variables", 0, "value", value="green"),
            [
                (
                    "variable",
                    "one: color “blue” → “green” in testing rule testingRule11, "
                    "variation Variation-1",
                )
            ],
        ),
        (
            put("campaigns", TEST_11, "variations", 1, "variables", value={}),
            [
                (
                    "variable_removed",
                    "one: variable color removed in testing rule testingRule11, "
                    "variation Variation-1",
                )
            ],
        ),
        (
            lambda d: d["campaigns"][TEST_11]["variations"].reverse(),
            [
                (
                    "reordered",
                    "one: order of variations of testing rule testingRule11: "
                    "Default, Variation-1 → Variation-1, Default",
                )
            ],
        ),
        (
            lambda d: d["features"][0]["rules"].reverse(),
            [
                (
                    "reordered",
                    "one: order of rules: rolloutRule1, testingRule11, testingRule12 → "
                    "testingRule12, testingRule11, rolloutRule1",
                )
            ],
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
            lambda d: d["features"][0]["metrics"].pop(),
            [("metric", "one: metric seen removed")],
        ),
        (
            put("features", 0, "metrics", 0, "type", value="REVENUE_TRACKING"),
            [("metric", "one: type of metric sold “CUSTOM_GOAL” → “REVENUE_TRACKING”")],
        ),
    ],
)
def test_changes_of_variables_metrics_names_and_order(edit, sentences):
    assert described(edit) == sentences


@pytest.mark.parametrize(
    ("edit", "before", "sentences"),
    [
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
    ],
)
def test_changes_of_variables_of_a_built_document(edit, before, sentences):
    assert described(edit, before) == sentences


def many_rules(*numbers):
    rules = [rule_of_test(number) for number in numbers]
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
def test_a_long_order_is_described_by_the_item_that_moved(numbers, words):
    changes = checked(many_rules(11, 12, 13, 14, 15), many_rules(*numbers))
    assert [c["text"] for c in changes if c["kind"] == "reordered"] == [
        f"f: order of rules: {words}"
    ]
