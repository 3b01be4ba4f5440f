"""The list of changes as a whole."""

import copy
import json
from random import Random

import pytest

from django_vwo_webhooks.changes import compare, digest, normal_form
from django_vwo_webhooks.testing.editing import change_flag
from tests.changes.conftest import (
    FLAGS,
    ONE,
    ROLLOUT_TWO,
    TARGETED,
    TEST_11,
    changed,
    checked,
    described,
    flag,
    put,
)


def test_a_document_does_not_differ_from_itself():
    assert changed(lambda d: None) == []


def test_a_change_in_full():
    assert changed(flag("two", variables={"color": "green"})) == [
        {
            "kind": "variable",
            "feature": "two",
            "path": "campaigns / two_rolloutRule2 / variations / Rollout-rule-2"
            " / variables / color / value",
            "before": "red",
            "after": "green",
            "values": {"what": "color", "how": "changed", "as": "value"},
            "text": "two: color “red” → “green”",
        }
    ]


@pytest.mark.parametrize(
    ("edit", "sentences"),
    [
        (put("pollInterval", value=9), [("other", "Settings: pollInterval added: 9")]),
        (put("version", value=2), [("other", "Settings: version 1 → 2")]),
    ],
)
def test_changes_outside_flags(edit, sentences):
    assert described(edit) == sentences


def test_the_first_document():
    assert [(change["feature"], change["text"]) for change in checked({}, FLAGS)] == [
        ("one", "one added: on, rollout 100 %, 2 testing rules"),
        ("two", "two added: on, rollout 50 %"),
        ("", "Group “Checkout” added: testingRule11 of one, testingRule12 of one"),
        ("", "Holdout “Q1” added: 5 % of users, flags one"),
        ("", "First settings of account 123456"),
    ]
    assert compare({}, {}) == []
    assert len(checked({}, {"features": {}})) == 1
    empty = {"accountId": 7, "features": [], "campaigns": [], "groups": {}}
    for account, shown in ((7, "7"), ("7", "7"), (True, "true")):
        [change] = checked({}, {**empty, "accountId": account})
        assert change["text"] == f"First settings of account {shown}"


def test_the_order_of_changes():
    def edit(document):
        document["version"] = 2
        document["campaigns"][ROLLOUT_TWO]["variations"][0]["segments"] = TARGETED
        document["campaigns"][TEST_11]["percentTraffic"] = 5
        change_flag(document, "two", enabled=False, variables={"color": "green"})
        document["features"][0]["name"] = "The first"

    expected = ["traffic", "renamed", "switched_off", "variable", "segments", "other"]
    assert [kind for kind, _ in described(edit)] == expected


def test_flags_are_in_the_order_of_their_ids():
    flags = [{"id": number, "key": f"flag{number}", "x": number} for number in (10, 9, 2)]
    after = {"features": [{**flag, "x": 0} for flag in flags]}
    changes = checked({"features": flags}, after)
    assert [change["feature"] for change in changes] == ["flag2", "flag9", "flag10"]


SCALARS = [None, False, True, -1, 0, 1, 2, 0.0, 1.0, "", "1", "ON", "OFF", "gt(1)", "FLAG_ROLLOUT"]
SCALARS += ["FLAG_TESTING", "\n", "\0", "\x7f", "\u2028", "\u202e", "é", "😀"]
TEST = FLAGS["campaigns"][TEST_11]
KNOWN = [FLAGS, ONE, ONE["rules"][0], FLAGS["groups"]["1"], TEST, TEST["variations"][0]]
NAMES = sorted({"value", "x", "1", "or"}.union(*KNOWN))


@pytest.fixture(params=range(8))
def randoms(request):
    """50 generators of random numbers, the same in each run.

    Hypothesis would find the same and shrink it, for a hundred times as much work.
    """
    return [Random(1000 * request.param + number) for number in range(50)]


def any_value(random, depth=3):
    """Any JSON value, with the keys and values that settings documents have."""
    kind = random.choice(["scalar", "scalar", "list", "object"]) if depth else "scalar"
    if kind == "object":
        return any_object(random, depth - 1)
    if kind == "list":
        return [any_value(random, depth - 1) for _ in range(random.randrange(4))]
    return random.choice(SCALARS)


def any_object(random, depth=3):
    return {random.choice(NAMES): any_value(random, depth) for _ in range(random.randrange(7))}


def places(value, way=()):
    """The paths of all values in a JSON value, and one new path in each object."""
    if isinstance(value, dict):
        for key in value:
            yield (*way, key)
            yield from places(value[key], (*way, key))
        yield (*way, "new")
    elif isinstance(value, list):
        for number in range(len(value)):
            yield (*way, number)
            yield from places(value[number], (*way, number))


def edited(document, random):
    """A copy with one to three values set, deleted or inserted anywhere."""
    document = copy.deepcopy(document)
    for _ in range(random.randint(1, 3)):
        *way, last = random.choice(list(places(document)))
        holder = document
        for step in way:
            holder = holder[step]
        how = random.choice(["set", "delete", "insert"])
        if how == "delete":
            holder.pop(last, None) if isinstance(holder, dict) else holder.pop(last)
        elif how == "insert" and isinstance(holder, list):
            holder.insert(last, random.choice([any_value(random), random.choice(holder)]))
        else:
            holder[last] = any_value(random)
    return document


def shuffled(value, random, key=""):
    """The same document, in another order wherever order has no meaning."""
    if isinstance(value, dict):
        names = random.sample(list(value), len(value))
        return {name: shuffled(value[name], random, name) for name in names}
    if not isinstance(value, list):
        return value
    items = [shuffled(item, random) for item in value]
    unordered = key in {"features", "campaigns", "variables", "metrics"}
    return random.sample(items, len(items)) if unordered else items


def test_there_are_changes_if_and_only_if_the_digest_differs(randoms):
    for random in randoms:
        checked(FLAGS, edited(FLAGS, random))


def test_any_two_objects(randoms):
    for random in randoms:
        before, after = any_object(random), any_object(random)
        checked(before, after)
        assert compare(before, copy.deepcopy(before)) == []


def test_an_edit_of_any_object(randoms):
    for random in randoms:
        document = any_object(random)
        checked(document, edited(document, random))


def test_an_order_without_meaning_is_not_a_change(randoms):
    for random in randoms[:10]:
        other = shuffled(FLAGS, random)
        assert compare(FLAGS, other) == []
        assert digest(FLAGS) == digest(other)
        assert normal_form(FLAGS) == normal_form(other)


def test_the_sentences_do_not_depend_on_an_order_without_meaning(randoms):
    for random in randoms[:10]:
        after = edited(FLAGS, random)
        other = shuffled(after, random)
        assert json.dumps(compare(FLAGS, other), sort_keys=True) == json.dumps(
            compare(FLAGS, after), sort_keys=True
        )
