"""What the site's code imports."""

from typing import TYPE_CHECKING

from .conf import overridden_flags
from .follower import ensure_following

if TYPE_CHECKING:
    from .sdk import Client


def get_client() -> "Client":
    """This process's VWO client, which follows the settings by itself.

    The same object for the life of the process and in its forks, made on first use; hold on to it
    or ask again, as you like. The first use waits for the first look at the database, a few
    seconds at most; without any settings every flag is off until some arrive. Works in threads,
    in async views and inside transactions.
    """
    # the SDK costs each manage.py command 0.3 s and 26 MB
    from . import sdk

    client = sdk.client()
    client.before_use = follow
    if not overridden_flags:
        # a test that needs no VWO gets no thread that asks it
        follow()
    return client


def follow() -> None:
    """Make sure that this process follows the settings; in a forked child it starts anew."""
    ensure_following()
