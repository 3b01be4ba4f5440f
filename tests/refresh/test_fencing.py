"""A process that comes too late with its settings, as the whole fleet sees it."""

import contextlib
import os
import signal

import pytest

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import RefreshBusy
from django_vwo_webhooks.models import SettingsSnapshot
from django_vwo_webhooks.refresh import refresh_settings
from tests.conftest import configure, start_site, wait_until

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_process_that_slept_through_a_newer_refresh_overwrites_nothing(vwo, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=1)
    refresh_settings()
    vwo.set_flag("new_checkout", variables={"color": "old"})
    code = """
import os, signal
from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.exceptions import RefreshFailed
from django_vwo_webhooks.refresh import refresh_settings
build = lifecycle.build
def fall_asleep(settings):
    lifecycle.build = build
    os.kill(os.getpid(), signal.SIGSTOP)
    return build(settings)
lifecycle.build = fall_asleep
try:
    refresh_settings()
except RefreshFailed as failure:
    print(type(failure).__name__)
"""
    with start_site(code) as sleeper:
        os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED)
        vwo.set_flag("new_checkout", variables={"color": "new"})
        wait_until(refreshed)
        sleeper.send_signal(signal.SIGCONT)
        assert sleeper.communicate()[0] == "Superseded\n"
    assert get_client().get_flag("new_checkout", {"id": "u"}).get_variable("color") == "new"
    assert SettingsSnapshot.objects.count() == 2


def refreshed():
    with contextlib.suppress(RefreshBusy):
        return refresh_settings()
