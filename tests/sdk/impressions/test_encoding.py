"""An event is made JSON when it is queued, and one that can't be costs only itself."""

import datetime
import decimal
import enum
import json
import math
import uuid

import pytest
from django.utils.functional import lazy
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from django_vwo_webhooks.sdk.impressions.encoding import NotEncodable, encode
from tests.sdk.impressions.conftest import USER, names, shown


class Broken:
    def __str__(self):
        raise ZeroDivisionError


def raising():
    raise ZeroDivisionError


def circular():
    value = []
    value.append(value)
    return value


def deep():
    value = []
    for _ in range(100_000):
        value = [value]
    return value


UTC = datetime.timezone.utc

CONVERTED = [
    (decimal.Decimal("9.99"), "9.99"),
    (datetime.date(2026, 1, 2), "2026-01-02"),
    (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    (datetime.time(3, 4), "03:04:00"),
    (datetime.timedelta(days=1), "P1DT00H00M00S"),
    (uuid.UUID(int=7), "00000000-0000-0000-0000-000000000007"),
    (gettext_lazy("Yes"), "Yes"),
    (SafeString("<b>"), "<b>"),
    ({"nested": [decimal.Decimal("1")]}, {"nested": ["1"]}),
    ("\ud800 é", "\ud800 é"),
    (enum.IntEnum("Size", "SMALL").SMALL, 1),
]

IMPOSSIBLE = [
    math.nan,
    math.inf,
    -math.inf,
    {1, 2},
    b"bytes",
    object(),
    Broken(),
    1j,
    range(3),
    {(1, 2): 3},
    {"nested": [{"deeper": {4}}]},
    datetime.time(3, 4, tzinfo=UTC),
    lazy(raising, str)(),
    circular(),
    deep(),
]


def event(**props):
    return {"d": {"event": {"name": "purchase", "props": props}, "visitor": {"props": {}}}}


@pytest.mark.parametrize(("value", "expected"), CONVERTED, ids=lambda value: type(value).__name__)
def test_what_django_can_convert_is_converted(value, expected):
    assert json.loads(encode(event(price=value)))["d"]["event"]["props"]["price"] == expected


@pytest.mark.parametrize("value", IMPOSSIBLE, ids=lambda value: type(value).__name__)
def test_what_can_not_be_json_is_named_without_its_value(value):
    with pytest.raises(NotEncodable) as caught:
        encode(event(fine="secret", price=value))
    assert str(caught.value) == f"price is of type {type(value).__name__}"


@pytest.mark.parametrize("wrong", [{1, 2}, {"d": {1}}, {"d": {"event": {"props": {1}}}}], ids=str)
def test_an_event_of_another_shape_is_named_by_its_error(wrong):
    with pytest.raises(NotEncodable, match="TypeError"):
        encode(wrong)


def test_a_property_that_has_no_name_in_words_is_named_by_its_error(client, queue):
    props = {Broken(): 1}
    with pytest.raises(NotEncodable, match="TypeError"):
        encode({"d": {"event": {"name": "purchase", "props": props}, "visitor": {"props": {}}}})
    assert client.track_event("purchase", USER, props) == {"purchase": False}
    assert queue.dropped == {"not_json": 1}


@pytest.mark.parametrize("value", IMPOSSIBLE, ids=lambda value: type(value).__name__)
def test_track_event_answers_false_and_the_others_arrive(vwo, client, queue, caplog, value):
    assert client.track_event("purchase", USER, {"price": 1}) == {"purchase": True}
    assert client.track_event("purchase", USER, {"price": value}) == {"purchase": False}
    assert client.track_event("purchase", USER, {"price": 2}) == {"purchase": True}
    assert client.get_flag("new_checkout", USER).is_enabled()
    assert client.flush_events()
    assert names(vwo) == ["purchase", "purchase", "vwo_variationShown"]
    assert queue.dropped == {"not_json": 1}
    assert caplog.text.count("purchase is not sent to VWO: it can't be made JSON (price is") == 1


def test_a_drop_is_logged_once_an_event_and_counted(client, queue, caplog):
    for _ in range(50):
        client.track_event("purchase", USER, {"price": {1}})
        client.track_event("bad", USER, {"price": {1}})
    assert caplog.text.count("is not sent to VWO") == 2
    assert queue.dropped == {"not_json": 100}


def test_a_flag_is_on_although_its_impression_can_not_be_json(vwo, client, queue):
    visitor = {**USER, "user_agent": b"bytes", "session_id": {1}}
    assert client.get_flag("new_checkout", visitor).is_enabled()
    assert queue.dropped == {"not_json": 1}
    client.set_attribute("spent", math.nan, USER)
    assert queue.dropped == {"not_json": 2}
    assert client.get_flag("new_checkout", USER).is_enabled()
    assert client.flush_events()
    assert len(shown(vwo)) == 1


def test_a_value_that_changes_later_is_sent_as_it_was(vwo, client):
    basket = ["a"]
    client.track_event("purchase", USER, {"basket": basket})
    basket.append("b")
    assert client.flush_events()
    assert vwo.impressions[0]["d"]["event"]["props"]["basket"] == ["a"]
