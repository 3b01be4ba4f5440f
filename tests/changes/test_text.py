"""Long and unprintable values in a sentence."""

import copy

from django_vwo_webhooks.testing.editing import change_flag
from tests.changes.conftest import FLAGS, changed, described, flag


def test_long_values_are_cut_in_the_sentence_only():
    [change] = changed(flag("two", variables={"color": "b" * 500}))
    assert change["after"] == "b" * 500
    assert change["text"] == f"two: color “red” → “{'b' * 58}…"


def test_long_values_are_shown_where_they_differ():
    document = copy.deepcopy(FLAGS)
    change_flag(document, "two", variables={"color": f"{'a' * 500}X{'a' * 500}"})
    assert described(flag("two", variables={"color": f"{'a' * 500}Y{'a' * 500}"}), document) == [
        ("variable", f"two: color …{'a' * 20}X{'a' * 37}… → …{'a' * 20}Y{'a' * 37}…")
    ]


def test_a_sentence_is_one_line_of_plain_text():
    text = "a\nb\x7f\u202e<b>"
    assert described(flag("two", variables={"color": text})) == [
        ("variable", "two: color “red” → “a\\nb\\u007f\\u202e<b>”")
    ]
    assert len(changed(flag("k\n" * 1000))[0]["text"]) <= 300
