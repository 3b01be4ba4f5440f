"""Targeting segments as text."""

import copy

import pytest

from tests.changes.conftest import FLAGS, TEST_11, changed, described, nested, put


@pytest.mark.parametrize(
    ("segments", "text"),
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
def test_segments_as_text(segments, text):
    assert described(put("campaigns", TEST_11, "segments", value=segments)) == [
        ("segments", f"one: targeting of testing rule testingRule11: everybody → {text}")
    ]


def test_segments_have_more_room_than_values():
    text = " or ".join(f"country is Country{number}" for number in range(4))
    segments = {"or": [{"country": f"Country{number}"} for number in range(4)]}
    [change] = changed(put("campaigns", TEST_11, "segments", value=segments))
    assert change["text"].endswith(f": everybody → {text}")


def test_segments_with_the_same_text_are_only_written_differently():
    before = copy.deepcopy(FLAGS)
    before["campaigns"][TEST_11]["segments"] = {"user": "ann"}
    edit = put("campaigns", TEST_11, "segments", value={"or": [{"user": "ann"}]})
    assert described(edit, before) == [
        (
            "segments",
            "one: targeting of testing rule testingRule11: user is ann as before, "
            "only written differently",
        )
    ]


def test_segments_are_described_down_to_a_depth():
    for levels, text in ((20, "country is DE"), (22, '{"or":[{"country":"DE"}]}')):
        segments = nested({"country": "DE"}, levels)
        [change] = changed(put("campaigns", TEST_11, "segments", value=segments))
        assert change["text"].endswith(f"everybody → {text}")
