"""What the site's code imports."""

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

from .follower import ensure_following, follows
from .log_once import LogOnce
from .process import PerProcess
from .sdk import load_sdk
from .under_test import overridden_flags

if TYPE_CHECKING:
    from .sdk.client import Client


_log = PerProcess(lambda: LogOnce("reading VWO_WEBHOOKS", "flags stay as they are"))


def get_client() -> "Client":
    """This process's VWO client, which follows the settings by itself.

    It is made on first use and stays the same object for the life of the process and in its forks;
    keep it or ask for it again, as you like. The first use waits until the settings in force have
    been read from the database, a few seconds at most; where there are none, every flag is off
    until the first settings arrive. It works in threads, in async views and inside transactions.

    Where ``VWO_WEBHOOKS`` changes in a living process, the next use fits the client out anew.
    With another account, SDK key or environment that use waits as the first one does.
    """
    client = load_sdk().client()
    client.before_use = follow
    if not overridden_flags and not follows(client.owner):
        # a test that overrides flags needs no VWO, and no thread that asks it
        ensure_following(client.owner)
    return client


def follow() -> None:
    """Make sure that this process follows the settings that are for it now.

    Runs before each evaluation, since a site may keep the client: a forked child starts to follow
    anew, and so does a process whose settings have changed. Where these are invalid, or another
    thread is overriding them at this moment, which leaves Django without any, the evaluation goes
    on with the settings that the client runs.
    """
    try:
        client = load_sdk().client()
    except ImproperlyConfigured as error:
        _log().failed(error)
        return
    ensure_following(client.owner)
