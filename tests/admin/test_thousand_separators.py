"""On a site that groups digits, links and number fields have numbers that can be read back."""

import re

import pytest

from tests.admin.conftest import EVENTS, SNAPSHOTS, event_at, page, snapshot_of

pytestmark = pytest.mark.django_db

FIRST = 1234567


@pytest.mark.parametrize("language", ["en", "de"])
def test_numbers_in_attributes_have_no_separators(admin_client, settings, language):
    settings.LANGUAGE_CODE = language
    settings.USE_THOUSAND_SEPARATOR = True
    before = snapshot_of(("flag", 1, 2), pk=FIRST)
    snapshot = snapshot_of(("flag", 2, 3), pk=FIRST + 1)
    event_at(outcome="changed", snapshot=before, pk=FIRST)
    event_at(outcome="changed", snapshot=snapshot, pk=FIRST + 1)
    urls = [EVENTS, SNAPSHOTS, f"{EVENTS}{FIRST}/change/"]
    urls += [f"{SNAPSHOTS}{snapshot.pk}/change/{query}" for query in ("", f"?compare_to={FIRST}")]
    for url in urls:
        attributes = re.findall(r'(?:href|value|action|max|min)="([^"]*)"', page(admin_client, url))
        assert any(str(FIRST)[:-1] in value for value in attributes), url
        assert [value for value in attributes if re.search(r"\d[.,\u00a0]234", value)] == []
