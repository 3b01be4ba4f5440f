"""Real settings documents, if they are next to the checkout."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from django.utils import translation

from django_vwo_webhooks.changes import compare, digest, sentence
from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import WebhookEvent

SAMPLES = sorted((Path(__file__).parents[3] / "shared" / "settings-samples").glob("*.json"))
BROKEN = {"SETTINGS_WITH_WRONG_TYPE_FOR_VALUES"}

pytestmark = pytest.mark.skipif(not SAMPLES, reason="the samples are missing")


def read(path):
    return json.loads(path.read_text())


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_real_document_is_applied_or_rejected_with_a_reason(vwo, deliver, path):
    vwo.settings = read(path)
    response = deliver()
    event = WebhookEvent.objects.get()
    if path.stem in BROKEN:
        assert (response.status_code, event.outcome) == (503, "failed")
        assert "SDK's schema at" in event.error
        return
    assert (response.status_code, event.outcome) == (200, "changed")
    for feature in vwo.settings["features"] or []:
        flag = get_client().get_flag(feature["key"], {"id": "user"})
        assert flag.is_enabled() in (True, False)
    assert deliver(action="again").json()["status"] == "success"
    assert WebhookEvent.objects.first().outcome == "unchanged"


@pytest.mark.parametrize(("one", "other"), list(pairwise(SAMPLES)), ids=lambda path: path.stem)
def test_there_are_changes_if_and_only_if_the_digests_differ(one, other):
    before, after = read(one), read(other)
    changes = compare(before, after)
    assert digest(before) == digest(before | {"sdkKey": "x", "sdkMetaInfo": {"a": 1}})
    assert compare(before, before) == []
    assert bool(changes) == (digest(before) != digest(after))
    assert all(change["text"] and change["path"] for change in changes)


@pytest.mark.parametrize(("one", "other"), list(pairwise(SAMPLES)), ids=lambda path: path.stem)
def test_each_change_of_real_documents_has_one_sentence_in_each_language(one, other):
    changes = compare(read(one), read(other))
    with translation.override("de"):
        german = [sentence(change) for change in changes]
    english = [change["text"] for change in changes]
    assert len({*german}) == len({*english}) == len(changes)
    # what a flag or a rule does when it comes or goes is not said again
    for text in english:
        name = re.match(r"(.*?\w+) (added|removed)\b", text)
        if name and " rule " in name[1]:
            rule = name[1].partition(": ")[2]
            assert [rule in one for one in english].count(True) == 1
    for text, other in zip(english, german, strict=True):
        assert text != other
        assert "nothing" not in text
        assert not {"variationId", "campaignId"} & set(re.findall(r"\w+", text + other))


def sentences(one, other):
    documents = {path.stem: read(path) for path in SAMPLES}
    return [change["text"] for change in compare(documents[one], documents[other])]


def test_whitelisting_is_added_to_a_real_document():
    assert sentences(
        "SETTINGS_WITH_EXTRA_KEYS_AT_ROOT_LEVEL", "TESTING_WHITELISTING_SEGMENT_RULE_SETTINGS"
    ) == [
        "feature1: rollout rule rolloutRule2 removed",
        "feature1: testing rule testingRule2 removed",
        "feature1: targeting of testing rule testingRule1: price is 100 → price is 200",
        "feature1: whitelisting of testing rule testingRule1 off → on",
        "feature1: whitelist of testing rule testingRule1, variation Default: "
        "nobody → user is user_id or user_id_9",
        "Settings: extraKey removed, it was “extraKey”",
    ]


def test_rules_of_a_real_document_are_put_into_a_group():
    texts = sentences("BASIC_ROLLOUT_TESTING_RULE_SETTINGS", "MEG_CAMPAIGN_ADVANCE_ALGO_SETTINGS")
    assert texts[0] == (
        "feature1: personalize rule personalizeRule1 added: share 100 %, if name is personalise"
    )
    assert texts[-1] == (
        "Group “Group 1” added: personalizeRule1 of feature1, testingRule2 of feature1, "
        "testingRule4 of feature1, testingRule5 of feature1"
    )
