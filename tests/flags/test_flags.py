"""Flags of settings documents as data, and in words."""

import json

import pytest
from django.utils.translation import override

from django_vwo_webhooks.flags import conditions, flag_json, reach, read_flags, rollout, rule_title
from django_vwo_webhooks.testing import build_settings, feature
from tests.flags.documents import checkout_document, many_flags

ROLLOUT = (
    "100 % for price is 100, else 20 % of everybody, then test A/B, "
    "else personalize (100 % for price is 100)"
)


def test_a_flag_with_each_type_of_rule():
    flag, banner = read_flags(checkout_document())
    assert (flag.key, flag.name, flag.is_on) == ("new_checkout", "New checkout", True)
    assert rollout(flag) == ROLLOUT
    assert [(one.key, one.type, one.value) for one in flag.variables] == [
        ("color", "string", "red")
    ]
    assert not banner.is_on
    assert rollout(banner) == "0 % of everybody"


def test_the_rules_are_in_the_order_of_their_evaluation():
    flag, _banner = read_flags(checkout_document())
    assert [rule_title(rule) for rule in flag.rules] == [
        "rollout rule rolloutRule1",
        "rollout rule rolloutRule2",
        "testing rule testingRule1",
        "personalize rule gold",
    ]
    test = flag.rules[2]
    assert [(one.name, one.weight) for one in test.variations] == [("A", 50), ("B", 50)]
    assert [conditions(one) for one in test.variations] == ["", "user is ann or bob"]


def test_a_test_for_some_users_says_for_whom():
    document = checkout_document()
    document["campaigns"][3].update(percentTraffic=30)
    flag, _banner = read_flags(document)
    assert "then test A/B (30 % of everybody), " in rollout(flag)
    assert reach(flag.rules[2]) == "30 % of everybody"


def test_the_words_are_made_in_the_language_of_the_reader():
    flag, _banner = read_flags(checkout_document())
    with override("de"):
        german = rollout(flag)
    assert german.startswith("100 %, wenn price ist 100, sonst 20 % aller Benutzer, dann Test A/B")
    assert rollout(flag) == ROLLOUT


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"features": {}, "campaigns": {}},
        {"features": [1, {}, {"key": None, "rules": [{}, 2]}]},
        {"features": [{"key": "a", "rules": [{"campaignId": 7}]}], "campaigns": [{"id": 8}]},
    ],
)
def test_odd_documents_are_read_as_far_as_possible(document):
    for flag in read_flags(document):
        json.dumps(flag_json(flag))


def test_a_flag_without_rules():
    [flag] = read_flags({"features": [{"key": "a", "status": "ON"}]})
    assert rollout(flag) == "no rules"


def test_flags_are_ordered_by_key():
    document = build_settings(feature("b"), feature("a"))
    assert [flag.key for flag in read_flags(document)] == ["a", "b"]
    assert len(read_flags(many_flags(30))) == 30
