"""The list of changes as a whole."""

import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        ("", "First settings: accountId 123456, version 1"),
    ]
    assert compare({}, {}) == []
    assert len(checked({}, {"features": {}})) == 1


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
def test_there_are_changes_if_and_only_if_the_digest_differs(data):
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
    """The same document, in another order wherever order has no meaning."""
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
def test_an_order_without_meaning_is_not_a_change(data):
    other = shuffled(FLAGS, "", data)
    assert compare(FLAGS, other) == []
    assert digest(FLAGS) == digest(other)
    assert normal_form(FLAGS) == normal_form(other)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(data=st.data())
def test_the_sentences_do_not_depend_on_an_order_without_meaning(data):
    after = edited(FLAGS, data)
    other = shuffled(after, "", data)
    assert json.dumps(compare(FLAGS, other), sort_keys=True) == json.dumps(
        compare(FLAGS, after), sort_keys=True
    )
