"""The words for changes, in the language of the reader."""

import copy
import json
from pathlib import Path

import pytest
from django.utils import translation

from django_vwo_webhooks import changes
from django_vwo_webhooks.changes import brief, compare, sentence, with_text, words
from django_vwo_webhooks.changes.phrases import PHRASES
from tests.changes.conftest import FLAGS, ROLLOUT_TWO, TARGETED, TEST_11, changed, flag, put


def in_german(change):
    with translation.override("de"):
        return sentence(change)


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (flag("two", enabled=False), "two ausgeschaltet"),
        (flag("two", percentage=33.5), "two: Rollout 50 % → 33,5 %"),
        (flag("two", variables={"color": "green"}), "two: color „red“ → „green“"),
        (
            put("campaigns", TEST_11, "segments", value=TARGETED),
            "one: Zielgruppe der Testregel testingRule11: alle → price enthält 20",
        ),
        (
            put("groups", "1", "et", value=2),
            "Gruppe „Checkout“: Auswahl der Regel zufällig → nach Priorität und Gewicht",
        ),
        (put("holdouts", 0, "percentTraffic", value=10), "Holdout „Q1“: Anteil 5 % → 10 %"),
    ],
)
def test_german_sentences(edit, text):
    [change] = changed(edit)
    assert in_german(change) == text


def test_a_stored_change_is_data_of_which_any_language_makes_its_words():
    [change] = changed(put("campaigns", TEST_11, "percentTraffic", value=100))
    stored = json.loads(json.dumps({key: change[key] for key in change if key != "text"}))
    assert stored["values"] == {
        "what": {"say": "traffic", "rule": {"say": "FLAG_TESTING", "key": "testingRule11"}},
        "how": "changed",
        "as": "percent",
    }
    assert with_text([stored]) == [change]
    assert in_german(stored) == "one: Traffic der Testregel testingRule11 50 % → 100 %"


def test_a_change_that_has_only_its_text_keeps_it():
    change = {"feature": "one", "before": 1, "after": 2, "text": "one changed"}
    assert sentence(change) == in_german(brief(change)) == "one changed"
    assert words(change) == ("one changed", "one changed", "1", "2")


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (100, None, "two: traffic of rollout rule rolloutRule2 no longer set, which changes "
         "nothing for users; it was 100 %"),
        (None, 100, "two: traffic of rollout rule rolloutRule2 now set, which changes nothing "
         "for users: 100 %"),
    ],
)  # fmt: skip
def test_a_key_that_is_gone_or_new_is_not_a_share_of_nothing(before, after, text):
    documents = []
    for value in (before, after):
        documents.append(copy.deepcopy(FLAGS))
        documents[-1]["campaigns"][ROLLOUT_TWO].pop("percentTraffic", None)
        if value is not None:
            documents[-1]["campaigns"][ROLLOUT_TWO]["percentTraffic"] = value
    assert [change["text"] for change in compare(*documents)] == [text]


def test_the_traffic_of_a_test_that_is_gone():
    [change] = changed(lambda document: document["campaigns"][TEST_11].pop("percentTraffic"))
    assert change["text"] == (
        "one: traffic of testing rule testingRule11 no longer set, it was 50 %"
    )


def test_the_values_before_and_after_are_words_too():
    [change] = changed(put("campaigns", TEST_11, "segments", value=TARGETED))
    assert words(change)[1:] == (
        "targeting of testing rule testingRule11",
        "everybody",
        "price contains 20",
    )
    [removed] = changed(lambda document: document["features"].pop())[:1]
    assert words(removed)[1:] == ("removed", "on, rollout 50 %", None)


LONG = {"title": "a long title " * 5, "items": [{"price": number} for number in range(5)]}


@pytest.mark.parametrize("as_text", [False, True])
def test_the_only_place_that_differs_in_a_long_json_value(as_text):
    def value(**more):
        document = {**LONG, **more}
        return json.dumps(document) if as_text else document

    def with_value(value):
        document = copy.deepcopy(FLAGS)
        variable = document["campaigns"][ROLLOUT_TWO]["variations"][0]["variables"][0]
        variable.update(value=value, type="json")
        return document

    def text(other):
        [change] = compare(with_value(value()), with_value(other))
        return change["text"]

    items = copy.deepcopy(LONG["items"])
    items[3]["price"] = 9
    assert text(value(items=items)) == "two: color (items / 3 / price) 3 → 9"
    assert text(value(items=[], title="x")) == "two: color changed"


def test_a_list_of_snapshots_reads_little_of_a_long_change():
    [change] = changed(flag("two", variables={"color": "x" * 100_000}))
    short = brief(change)
    assert len(json.dumps(short)) < 300
    assert sentence(short) == "two: color changed"
    [change] = changed(flag("two", variables={"color": "green"}))
    assert sentence(brief(change)) == change["text"]


def test_every_phrase_is_used():
    """A name that no code says would be translated for nobody."""
    code = "".join(path.read_text() for path in Path(changes.__file__).parent.glob("*.py"))
    composed = {"thing", "variable", "number"}
    unused = [
        name
        for name in PHRASES
        if code.count(f'"{name}"') < 2 and name.partition("_")[0] not in composed
    ]
    assert unused == []
