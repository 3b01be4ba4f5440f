"""This process's client, and how settings are fetched, validated, built and applied to it.

Tests patch ``fetch``, ``validate``, ``build`` and ``apply_in_force`` here.
"""

import threading
from typing import Any

import vwo
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from wingify.services.settings_manager import SettingsManager
from wingify.services.url_service import UrlService
from wingify.utils.event_util import send_sdk_init_event

from ..conf import app_settings
from ..exceptions import UnbuildableSettings
from ..models import SettingsSnapshot
from ..process import PerProcess
from .client import Client
from .document import Fetched, ValidatedSettings, validate
from .logs import LOGGER_OPTION
from .services import OfflineBuilder

__all__ = ["apply_in_force", "build", "client", "fetch", "validate"]

_locks = PerProcess(threading.RLock)
_client: Client | None = None


def client() -> Client:
    """The client of this process: made on first use, and the same object in forked children.

    A new one is made only where the site's settings have changed the account, the key or the
    SDK's options.
    """
    global _client
    options = {
        **app_settings.sdk_options,
        "account_id": app_settings.account_id,
        "sdk_key": app_settings.sdk_key,
    }
    current = _client
    if current is None or current.made_from != options:
        with _locks():
            # another thread may have made one meanwhile
            if _client is current or _client is None:
                _client = _make_client(options)
            return _client
    return current


def fetch(timeout_seconds: float) -> Fetched:
    """VWO's settings as it serves them now. Raises a child of ``FetchFailed``."""
    client()
    return Fetched(SettingsManager.get_instance().fetch_bytes(timeout_seconds))


def build(settings: ValidatedSettings) -> vwo.VWOClient:
    """A second client with these settings; the one that the process uses does not change.

    Raises ``UnbuildableSettings``: a document can match the schema and still break the models.
    """
    try:
        return vwo.VWOClient(settings, client().options)
    except Exception as error:
        raise UnbuildableSettings(
            "VWO's settings match the SDK's schema, but the SDK can't build a client from them: "
            f"{type(error).__name__} in the SDK."
        ) from None


def apply_in_force(built: vwo.VWOClient | None = None) -> SettingsSnapshot | None:
    """Apply the snapshot in force to this process's client, unless it runs that snapshot already.

    What is in force is read inside the lock, so that a thread that comes late never brings back
    older settings. ``built`` may be a client that was built from a snapshot just now; it is used if
    that snapshot is in force. Returns the snapshot if it was applied, None where nothing was to do.
    """
    current = client()
    with _locks():
        # the document itself is loaded only where it is needed
        unused = ["changes"] if built is None else ["changes", "settings"]
        snapshot = SettingsSnapshot.objects.defer(*unused).in_force()
        if snapshot is None or current.runs(snapshot.pk, snapshot.digest):
            return None
        if built is None or built.snapshot_id != snapshot.pk:
            built = build(ValidatedSettings(snapshot.document(app_settings.sdk_key)))
        is_first = current.snapshot_id is None
        # one call in C: no thread ever sees one attribute new and another one old
        current.__dict__.update(
            _settings=built._settings,
            original_settings=built.original_settings,
            snapshot_id=snapshot.pk,
            snapshot_digest=snapshot.digest,
            applied_at=timezone.now(),
        )
        UrlService(built._settings.get_collection_prefix())
    if is_first:
        _report_first_use(built.original_settings)
    return snapshot


def _report_first_use(settings: dict[str, Any]) -> None:
    """What ``vwo.init`` does where it fetched settings: VWO shows that the SDK is installed."""
    if not (settings.get("sdkMetaInfo") or {}).get("wasInitializedEarlier"):
        send_sdk_init_event()


def _make_client(options: dict[str, Any]) -> Client:
    made = vwo.init({**options, "logger": LOGGER_OPTION, "vwoBuilder": OfflineBuilder(options)})
    if not isinstance(made, Client):
        raise ImproperlyConfigured(
            "The VWO SDK does not accept the options in VWO_WEBHOOKS and has printed the reason. "
            'Check "SDK_OPTIONS", or remove it.'
        )
    made.made_from = options
    vwo.VWOClient._client_instance = made
    return made
