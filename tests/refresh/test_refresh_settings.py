"""``refresh_settings()`` as the site's own code calls it."""

import pytest
from django.db import transaction

from django_vwo_webhooks.exceptions import (
    InsideTransaction,
    VWOUnreachable,
)
from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings

pytestmark = pytest.mark.django_db(transaction=True)


def test_refresh_settings_returns_what_is_in_force(vwo):
    first = refresh_settings()
    assert refresh_settings() == first
    assert first.cause == "manual"
    assert first.settings["features"][0]["key"] == "new_checkout"


def test_refresh_settings_says_why_it_failed(vwo):
    vwo.refuse()
    with pytest.raises(VWOUnreachable, match="connection refused"):
        refresh_settings()


def test_refresh_settings_inside_a_transaction_is_an_error_that_says_so(vwo):
    says = pytest.raises(InsideTransaction, match=r"on_commit\(refresh_settings\)")
    with says, transaction.atomic():
        refresh_settings()
    with transaction.atomic():
        transaction.on_commit(refresh_settings)
    assert SettingsSnapshot.objects.count() == 1


def test_refresh_settings_without_autocommit_is_that_error_too(vwo):
    transaction.set_autocommit(False)
    try:
        with pytest.raises(InsideTransaction):
            refresh_settings()
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
