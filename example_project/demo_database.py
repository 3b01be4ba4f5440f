"""The rows that the demo adds to a database, and deletes at the end."""

import contextlib
import io
import secrets
import sys
from collections.abc import Iterator

import django


@contextlib.contextmanager
def staff() -> Iterator[tuple[str, str]]:
    """Add a superuser, and yield name and password; at the end only the tables remain."""
    _set_up()

    from django.conf import settings
    from django.contrib.auth.models import User
    from django.db import connections

    from django_vwo_webhooks import models

    name, password = settings.VWO_WEBHOOKS["ENVIRONMENT"], secrets.token_urlsafe(9)
    user = User.objects.create_superuser(name, password=password)
    connections.close_all()
    try:
        yield name, password
    finally:
        user.delete()
        models.WebhookEvent.objects.ours().delete()
        models.FleetProcess.objects.ours().delete()
        models.SettingsSnapshot.objects.ours().delete()
        models.KillSwitch.objects.ours().delete()
        models.Flag.objects.ours().delete()
        models.RefreshLease.objects.ours().delete()


def _set_up() -> None:
    from django.core.management import call_command

    from django_vwo_webhooks.broadcast import channel, get_broadcast

    try:
        django.setup()
        call_command("check", stdout=io.StringIO())
        call_command("migrate", verbosity=0)
        get_broadcast().publish(channel())
    except Exception as error:
        sys.exit(f"The demo can't start. {type(error).__name__}: {error}")
