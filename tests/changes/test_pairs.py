"""Which items of two lists are the same."""

from tests.changes.conftest import checked, described, put, rule_of_test


def test_a_renamed_rule_is_the_same_rule():
    def edit(document):
        rules = document["features"][0]["rules"]
        rules[1]["ruleKey"] = "pricing"
        rules.insert(1, rules.pop())

    assert [kind for kind, _ in described(edit)] == ["reordered", "renamed"]


def test_a_rule_with_another_name_and_campaign_is_another_rule():
    def edit(document):
        document["features"][0]["rules"][1] = rule_of_test(12) | {"ruleKey": "second"}

    assert described(edit) == [
        ("rule_removed", "one: testing rule testingRule11 removed"),
        ("rule_added", "one: testing rule second added: traffic 50 %"),
    ]


def test_rules_without_a_campaign_are_distinguished_by_their_names():
    def rules(*names):
        return {"features": [{"key": "f", "rules": [{"ruleKey": name} for name in names]}]}

    assert [change["kind"] for change in checked(rules("a"), rules("b"))] == [
        "rule_removed",
        "rule_added",
    ]


def test_items_that_share_an_id_or_have_none():
    document = {"campaigns": [{"id": 1, "x": 1}, {"id": 1, "x": 2}], "holdouts": [{"a": 1}]}
    assert described(put("campaigns", 1, "x", value=3), document) == [
        ("other", "X of campaign 1 (used by no flag) 2 → 3")
    ]
    assert described(put("holdouts", 0, "a", value=2), document) == [
        ("holdout", "Holdout “(unnamed)”: a 1 → 2")
    ]
    assert len(described(lambda d: d["campaigns"].append({"id": 1, "x": 9}), document)) == 1
