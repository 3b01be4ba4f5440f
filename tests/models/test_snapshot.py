"""In force is the snapshot that the lease names, whatever its number is."""

import pytest
from django.db import connection
from django.utils import translation

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import RefreshLease, SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings

pytestmark = pytest.mark.django_db(transaction=True)


def change_and_refresh(vwo, color):
    vwo.set_flag("new_checkout", variables={"color": color})
    return refresh_settings()


def color():
    return get_client().get_flag("new_checkout", {"id": "u"}).get_variable("color")


def restart_sequence(number):
    """Let the next snapshot have this number, as after a restore of data alone."""
    table = SettingsSnapshot._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            sql = "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s, false)"
            cursor.execute(sql, [table, number])
        elif connection.vendor == "sqlite":
            sql = "UPDATE sqlite_sequence SET seq = %s WHERE name = %s"
            cursor.execute(sql, [number - 1, table])


def test_changes_are_stored_without_the_words_that_they_are_loaded_with(vwo, deliver):
    refresh_settings()
    vwo.set_flag("new_checkout", enabled=False)
    deliver()
    stored = SettingsSnapshot.objects.in_force()
    table = SettingsSnapshot._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT changes, headline FROM {table} WHERE id = {stored.pk}")  # noqa: S608
        changes, headline = cursor.fetchone()
    assert "switched off" not in changes + headline
    assert stored.changes[0]["text"] == stored.first_change == "new_checkout switched off"
    with translation.override("de"):
        stored = SettingsSnapshot.objects.in_force()
        assert stored.changes[0]["text"] == stored.first_change == "new_checkout ausgeschaltet"


def test_a_sequence_that_is_behind_changes_nothing_about_what_is_in_force(vwo):
    pks = [change_and_refresh(vwo, str(number)).pk for number in range(6)]
    SettingsSnapshot.objects.filter(pk__in=pks[2:4]).delete()
    restart_sequence(pks[2])
    for number in range(6, 12):
        snapshot = change_and_refresh(vwo, str(number))
        assert snapshot == SettingsSnapshot.objects.in_force()
        assert color() == str(number)
        assert get_client().snapshot_id == snapshot.pk
    assert SettingsSnapshot.objects.count() == 10


def test_the_greatest_number_is_not_in_force_if_the_lease_names_another(vwo):
    first = change_and_refresh(vwo, "red")
    second = change_and_refresh(vwo, "green")
    RefreshLease.objects.update(snapshot=first, digest=first.digest)
    assert SettingsSnapshot.objects.in_force() == first
    in_force = {row.pk: row.is_in_force for row in SettingsSnapshot.objects.with_in_force()}
    assert in_force == {first.pk: True, second.pk: False}


def test_without_the_lease_the_newest_snapshot_is_in_force_while_vwo_is_down(vwo):
    change_and_refresh(vwo, "red")
    newest = change_and_refresh(vwo, "green")
    RefreshLease.objects.all().delete()
    vwo.refuse()
    assert color() == "green"
    assert SettingsSnapshot.objects.in_force() == newest
