"""A settings document with tests, a group and a holdout, and edits of it."""

import copy

from django_vwo_webhooks.changes import KINDS, compare, digest
from django_vwo_webhooks.testing import build_settings, feature
from django_vwo_webhooks.testing.editing import change_flag


def variables(color):
    return [{"id": 1, "key": "color", "type": "string", "value": color}]


def campaign_of_test(number, key, **extra):
    """A campaign that splits its users evenly between two colors."""
    return {
        "id": number,
        "key": f"{key}_testingRule{number}",
        "name": f"{key} test",
        "type": "FLAG_TESTING",
        "status": "RUNNING",
        "percentTraffic": 50,
        "segments": {},
        "isForcedVariationEnabled": False,
        "variations": [
            {"id": 1, "name": "Default", "weight": 50, "variables": variables("red")},
            {"id": 2, "name": "Variation-1", "weight": 50, "variables": variables("blue")},
        ],
        **extra,
    }


def rule_of_test(number):
    return {"type": "FLAG_TESTING", "ruleKey": f"testingRule{number}", "campaignId": number}


def with_tests():
    """A document in which ``one`` has a rollout and two tests, and ``two`` only a rollout."""
    document = build_settings(
        feature("one", variables={"color": "red", "size": 1}),
        feature("two", percentage=50, variables={"color": "red", "size": 1}),
    )
    for number in (11, 12):
        document["features"][0]["rules"].append(rule_of_test(number))
        document["campaigns"].append(campaign_of_test(number, "one"))
    document["features"][0]["metrics"] = [
        {"id": 1, "identifier": "sold", "type": "CUSTOM_GOAL"},
        {"id": 2, "identifier": "seen", "type": "CUSTOM_GOAL"},
    ]
    document["groups"] = {
        "1": {"name": "Checkout", "campaigns": ["11", "12"], "et": 1, "p": [], "wt": {"11": 50}}
    }
    document["campaignGroups"] = {"11": 1, "12": 1}
    document["holdouts"] = [
        {
            "id": 5,
            "name": "Q1",
            "percentTraffic": 5,
            "isGlobal": False,
            "featureIds": [1],
            "segments": {},
            "metrics": [],
        }
    ]
    return document


FLAGS = with_tests()
ONE = FLAGS["features"][0]
ROLLOUT_ONE, ROLLOUT_TWO, TEST_11, TEST_12 = range(4)
OFF = build_settings(feature("two", percentage=50, enabled=False))
TARGETED = {"or": [{"custom_variable": {"price": "wildcard(*20*)"}}]}


def checked(before, after):
    """The changes from one document to another, which have the properties of all changes."""
    changes = compare(before, after)
    assert bool(changes) == (digest(before) != digest(after))
    assert bool(changes) == bool(compare(after, before))
    for change in changes:
        assert list(change) == ["kind", "feature", "path", "before", "after", "values", "text"]
        assert change["kind"] in KINDS
        assert change["text"].isprintable()
        assert 0 < len(change["text"]) <= 300
    return changes


def changed(edit, before=FLAGS):
    """The changes that an edit of a document makes."""
    document = copy.deepcopy(before)
    edit(document)
    return checked(before, document)


def put(*path, value):
    """An edit that puts a value at a path."""

    def edit(document):
        *way, last = path
        for step in way:
            document = document[step]
        document[last] = value

    return edit


def described(edit, before=FLAGS):
    """The kinds and sentences of the changes that an edit makes."""
    return [(change["kind"], change["text"]) for change in changed(edit, before)]


def flag(key, **changes):
    """An edit of a flag, as the simulator makes it."""
    return lambda document: change_flag(document, key, **changes)


def nested(core, levels):
    for _ in range(levels):
        core = {"or": [core]}
    return core
