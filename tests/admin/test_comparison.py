"""Changes as tables with the values before and after."""

import re

import pytest

from django_vwo_webhooks.admin import comparison
from django_vwo_webhooks.models import WebhookEvent
from tests.admin.conftest import EVENTS, changed_by, changed_event, event_page, page, snapshot_page
from tests.changes.conftest import FLAGS

pytestmark = pytest.mark.django_db


def test_the_changes_of_an_event_are_in_a_table_per_flag(admin_client):
    text = event_page(
        admin_client,
        changed_by(("new_checkout", "red", "green"), ("new_checkout", None, 5), ("", [1], None)),
    )
    tables = text.split('<details class="vwo-group" open>')[1:]
    assert len(tables) == 2
    assert "<bdi>new_checkout</bdi></strong>\n<bdi>2 changes</bdi></summary>" in tables[0]
    assert '<table aria-label="Changes to new_checkout">' in tables[0]
    assert (
        '<tr><th scope="row"><bdi>x</bdi></th>'
        '<td><bdi class="vwo-value">“red”</bdi></td>'
        '<td><bdi class="vwo-value">“green”</bdi></td></tr>'
    ) in tables[0].replace("\n", "")
    assert "<td>–</td>" in tables[0]
    assert f'<a href="{EVENTS}?feature=new_checkout">Everything that ever happened to' in tables[0]
    assert "Not specific to one flag</strong>\n<bdi>1 change</bdi></summary>" in tables[1]
    assert "Everything" not in tables[1]


def test_many_changes_are_closed_at_first(admin_client):
    several = [(f"flag_{number}", 1, 2) for number in range(comparison.MOST_OPEN)]
    assert event_page(admin_client, changed_by(*several)).count('vwo-group" open') == len(several)
    text = event_page(admin_client, changed_by(*several, ("flag_x", 1, 2)))
    assert 'vwo-group" open' not in text
    assert "<bdi>1 change</bdi>: <bdi>x 1 → 2</bdi></summary>" in text


def test_a_closed_table_names_its_flag_once(admin_client, deliver, vwo, monkeypatch):
    monkeypatch.setattr(comparison, "MOST_OPEN", 0)
    changed_event(deliver, vwo, color="red")
    text = event_page(admin_client, changed_event(deliver, vwo, color="green"))
    assert "<bdi>1 change</bdi>: <bdi>color “red” → “green”</bdi></summary>" in text


def test_a_page_with_too_many_changes_shows_how_many_it_leaves_out(admin_client, monkeypatch):
    monkeypatch.setattr(comparison, "MOST_CHANGES", 2)
    event = changed_by(("a", 1, 2), ("b", 1, 2), ("c", 1, 2))
    text = event_page(admin_client, event)
    assert "1 more change is in the JSON above." in text
    assert "Changes to c" not in text
    assert len(admin_client.get(f"{EVENTS}{event.pk}/json/").json()["changes"]) == 3


NASTY = [
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;", "<script>alert"),
    ('"><img src=x onerror=y>', "\\&quot;&gt;&lt;img src=x", "<img src=x"),
    ("invoice\u202egnp.exe", "invoice\\u202egnp.exe", "\u202e"),
    ("a\u2066b\x00\x1b[31m", "a\\u2066b\\u0000\\u001b[31m", "\u2066"),
    ("a lone surrogate \ud83d", "a lone surrogate \\ud83d", "\ufffd"),
]


@pytest.mark.parametrize(("value", "shown", "never"), NASTY)
def test_values_are_shown_as_text(admin_client, value, shown, never):
    event = changed_by((value, value, {value: [value]}))
    # payloads are stored without NUL and without lone surrogates
    payload = value.replace("\x00", "").encode(errors="ignore").decode()
    WebhookEvent.objects.filter(pk=event.pk).update(payload={"x": payload})
    for text in (
        event_page(admin_client, event),
        snapshot_page(admin_client, event.snapshot),
        page(admin_client, EVENTS),
    ):
        assert never not in text
    assert event_page(admin_client, event).count(shown) >= 3


def test_right_to_left_text_is_isolated(admin_client):
    text = event_page(admin_client, changed_by(("flag", "مرحبا", "سلام")))
    assert '<bdi class="vwo-value">“مرحبا”</bdi>' in text


def test_a_long_value_is_cut_and_can_be_expanded(admin_client):
    value = "begin " + "x" * 50_000 + " end"
    text = event_page(admin_client, changed_by(("flag", "short", value)))
    assert "<details><summary><bdi>“begin xxx" in text
    assert text.count(value) == 1
    assert "Cut here" not in text


def test_two_long_values_are_shown_from_shortly_before_their_difference(admin_client):
    same = "the same words " * 20
    text = event_page(admin_client, changed_by(("flag", same + "old", same + "new, and longer")))
    for end in ("old”", "new, and longer”"):
        assert f"<summary><bdi>…ords the same words {end}</bdi>" in text
    text = event_page(admin_client, changed_by(("flag", "old" + same, "new" + same)))
    for begin in ("“old", "“new"):
        assert f"<summary><bdi>{begin}the same words" in text


def test_a_huge_value_is_cut_and_is_complete_in_the_json(admin_client):
    value = "x" * 150_000
    event = changed_by(("flag", None, value))
    WebhookEvent.objects.filter(pk=event.pk).update(payload={"long": value})
    text = event_page(admin_client, event)
    assert "Cut here; “JSON” above has the whole value." in text
    assert "Cut after 100000 of 150012 characters" in text
    assert 200_000 < len(text) < 260_000
    whole = admin_client.get(f"{EVENTS}{event.pk}/json/")
    assert whole.json()["changes"][0]["after"] == value
    assert whole["Content-Disposition"].startswith("attachment")


def test_many_long_values_do_not_make_an_endless_page(admin_client):
    event = changed_by(*((f"flag_{number}", "x" * 100_000, "y") for number in range(100)))
    assert len(event_page(admin_client, event)) < 2_500_000


def marked(text):
    return re.findall("<mark>(.*?)</mark>", text)


def test_the_lines_that_differ_in_a_long_json_value_are_marked(admin_client):
    before = {"title": "a banner", "items": [{"price": price} for price in range(20)]}
    after = {"title": "a banner", "items": [{"price": price} for price in range(20) if price != 7]}
    after["items"][15]["price"] = 99
    text = event_page(admin_client, changed_by(("flag", before, after)))
    excerpt, whole = re.findall(r"<pre[^>]*>(.*?)</pre>", text, re.DOTALL)[:2]
    assert any("&quot;price&quot;: 7" in line for line in marked(excerpt))
    assert any("&quot;price&quot;: 16" in line for line in marked(excerpt))
    assert "&quot;price&quot;: 12" not in excerpt
    assert "&quot;price&quot;: 12" in whole
    assert not any("&quot;price&quot;: 12" in line for line in marked(whole))
    assert marked(excerpt) == marked(whole)


def test_documents_with_thousands_of_other_lines_are_marked_as_a_whole(admin_client):
    before = list(range(3000))
    after = [number + 0.5 for number in before]
    text = event_page(admin_client, changed_by(("flag", ["a", *before], ["a", *after])))
    assert len(marked(text)) > 6000


def test_a_value_in_words_has_its_json_folded_away(admin_client, vwo, deliver):
    vwo.settings = {**FLAGS, "accountId": vwo.settings["accountId"]}
    deliver(action="1")
    settings = vwo.settings
    settings["campaigns"][2]["segments"] = {"or": [{"custom_variable": {"price": "100"}}]}
    vwo.settings = settings
    deliver(action="2")
    text = event_page(admin_client, WebhookEvent.objects.first()).replace("\n", "")
    assert '<bdi class="vwo-value">everybody</bdi></td>' in text
    assert '<bdi class="vwo-value">price is 100</bdi><details class="vwo-json">' in text


def test_json_of_200_levels_is_shown(admin_client):
    deep: object = "the core"
    for _ in range(200):
        deep = {"in": [deep]}
    event = changed_by(("flag", None, deep))
    # in words and as JSON
    assert event_page(admin_client, event).count("the core") == 2
