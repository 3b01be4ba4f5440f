"""This process's client, and how settings are fetched, validated, built and applied to it.

Tests patch ``fetch``, ``validate``, ``build`` and ``apply_in_force`` here.
"""

import logging
import threading
import time
from typing import Any

import vwo
from django.core.exceptions import ImproperlyConfigured
from wingify.services.settings_manager import SettingsManager
from wingify.services.url_service import UrlService
from wingify.utils.event_util import send_sdk_init_event

from ..conf import app_settings, read_setting
from ..exceptions import FetchFailed, UnbuildableSettings
from ..models import SettingsSnapshot
from ..models.clock import DatabaseClock, UnixNow
from ..process import PerProcess
from ..redaction import RedactedDict
from ..sdk_options import accepted_options, batching
from .asked_for import asked_keys
from .client import NOTHING, Client
from .copying import copy_containers
from .document import Fetched, ValidatedSettings, validate
from .impressions import impression_queue
from .logs import LOGGER_OPTION
from .services import OfflineBuilder
from .singletons import keep_log_messages, register_client
from .switched_off import switched_off

logger = logging.getLogger("django_vwo_webhooks")

__all__ = [
    "apply_in_force",
    "build",
    "client",
    "fetch",
    "forget_settings",
    "impressions",
    "validate",
]

_locks = PerProcess(threading.RLock)
_client: Client | None = None


def client() -> Client:
    """The client of this process: made on first use, and the same object from then on.

    It also stays the same in forked children, and where the site's settings change in a living
    process, as tests change them: then it is fitted out anew for them. A change inside the dict
    ``VWO_WEBHOOKS``, or inside dicts and lists in it, is noticed too; one inside an object that
    the site passes to the SDK, such as a storage connector, is not.
    """
    current = _client
    if current is None or current.fits != read_setting():
        return _fit_out()
    return current


def fetch(timeout_seconds: float) -> Fetched:
    """VWO's settings as it serves them now. Raises ``FetchFailed`` or a child of it."""
    client()
    if app_settings.offline:
        raise FetchFailed(
            "This is a test run, in which VWO is not asked. Use the fixture vwo_simulator, the "
            "attribute vwo_simulator of VWOTestMixin, or the site_settings of a VWOSimulator."
        )
    return Fetched(SettingsManager.get_instance().fetch_bytes(timeout_seconds))


def build(settings: ValidatedSettings) -> Client:
    """A second client with these settings; the one that the process uses does not change.

    Raises ``UnbuildableSettings``: a document can match the schema and still break the models.
    """
    current = client()
    try:
        return Client(settings, current.options)
    except Exception as error:
        raise UnbuildableSettings(
            "VWO's settings match the SDK's schema, but the SDK can't build a client from them: "
            f"{type(error).__name__} in the SDK."
        ) from None
    finally:
        # the SDK's constructor has changed it for the whole process
        _use_collection_prefix(current)


def apply_in_force(built: Client | None = None) -> SettingsSnapshot | None:
    """Apply the snapshot in force to this process's client, unless it runs that snapshot already.

    What is in force is read inside the lock, so that a thread that comes late never brings back
    older settings. ``built`` may be a client that was built just now and that was given the
    ``snapshot_id`` and ``snapshot_digest`` of what it was built from; it is used if that snapshot
    is in force. Returns the snapshot if it was applied, else None.
    """
    with _locks():
        current = client()
        # the document itself is loaded only where it is needed
        unused = ["changes"] if built is None else ["changes", "settings"]
        snapshots = SettingsSnapshot.objects.defer(*unused).annotate(unix_now=UnixNow())
        snapshot = snapshots.in_force()
        read_at = time.monotonic()
        if snapshot is None or current.runs(snapshot.pk, snapshot.digest):
            return None
        if built is None or not built.runs(snapshot.pk, snapshot.digest):
            built = build(ValidatedSettings(snapshot.document(app_settings.sdk_key)))
        is_first = current.snapshot_id is None
        built.snapshot_id, built.snapshot_digest = snapshot.pk, snapshot.digest
        unix_now: float = snapshot.unix_now  # type: ignore[attr-defined]
        built.applied_at = DatabaseClock(unix_now, read_at).now()
        # one call in C: no thread ever sees one attribute new and another one old; the options are
        # its own, since the site's settings may have changed after the other client was built
        current.__dict__.update(vars(built), options=current.options)
        _use_collection_prefix(current)
    if is_first:
        _report_first_use(current.original_settings)
    return snapshot


def forget_settings() -> None:
    """Let the client start without settings, so that no test finds those of another.

    Nor does it follow any until ``get_client()`` is called again.
    """
    with _locks():
        if _client is not None:
            _client.fits, _client.owner = NOTHING, ("", "")
            _client.__dict__.pop("before_use", None)
    asked_keys.clear()


def impressions() -> tuple[int, dict[str, int]]:
    """How many impressions wait here, and how many this process has dropped, by reason."""
    queue = impression_queue()
    return queue.waiting, dict(queue.dropped)


def _use_collection_prefix(current: Client) -> None:
    """Post impressions where these settings want them; the SDK keeps that for the process."""
    UrlService(current.original_settings.get("collectionPrefix"))


def _report_first_use(settings: dict[str, Any]) -> None:
    """What ``vwo.init`` does where it fetched settings: VWO shows that the SDK is installed."""
    if not (settings.get("sdkMetaInfo") or {}).get("wasInitializedEarlier"):
        send_sdk_init_event()


def _fit_out() -> Client:
    """Make the client, or fit it out for the site's settings as they are now.

    Flags have no gap meanwhile: what is in force for another environment or SDK key is not in
    force here, but with other options the client goes on with the settings that it runs.
    """
    global _client
    with _locks():
        options = RedactedDict(app_settings.sdk_options)
        options.update(account_id=app_settings.account_id, sdk_key=app_settings.sdk_key)
        fits = RedactedDict(copy_containers(read_setting()))
        owner = app_settings.owner
        current = _client
        if current is None or (current.made_from, current.owner) != (options, owner):
            if current is not None:
                # should the SDK fail halfway, the way back has to begin from the start, too
                current.fits, current.made_from = NOTHING, {}
            made = _make_client(options)
            if current is None:
                current = made
            elif current.owner == owner:
                current.options = made.options
            else:
                switched_off.forget()
                asked_keys.clear()
                current.__dict__.update(
                    vars(made), snapshot_id=None, snapshot_digest=None, applied_at=None
                )
            current.made_from, current.owner = RedactedDict(copy_containers(options)), owner
            register_client(current)
            _use_collection_prefix(current)
        current.fits = fits
        _client = current
        return current


def _make_client(options: dict[str, Any]) -> Client:
    accepted = RedactedDict(_accepted_options())
    accepted.update(account_id=options["account_id"], sdk_key=options["sdk_key"])
    ours = {"logger": LOGGER_OPTION, "vwoBuilder": OfflineBuilder(accepted)}
    made = vwo.init(RedactedDict({**accepted, **ours}))
    if not isinstance(made, Client):
        raise ImproperlyConfigured(
            "The VWO SDK does not accept the options in VWO_WEBHOOKS and has printed the reason. "
            'Check "SDK_OPTIONS", or remove it.'
        )
    keep_log_messages()
    impression_queue().options = batching(options)
    return made


def _accepted_options() -> dict[str, Any]:
    """The site's options without those that are invalid, which are logged."""
    accepted, problems = accepted_options(app_settings.sdk_options)
    for kind, message, hint in problems:
        if kind == "invalid":
            logger.error("%s Its default is used meanwhile. %s", message, hint)
    return accepted
