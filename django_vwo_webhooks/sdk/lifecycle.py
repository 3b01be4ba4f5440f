"""This process's client, and how settings are fetched, validated, built and applied to it."""

import threading
from functools import cached_property
from typing import Any

import jsonschema
import vwo
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from wingify.models.schemas.settings_schema import SETTINGS_FILE_SCHEMA
from wingify.services.settings_manager import SettingsManager
from wingify.services.url_service import UrlService
from wingify.utils.event_util import send_sdk_init_event

from .. import strict_json
from ..changes import digest
from ..conf import app_settings
from ..exceptions import InvalidSettings, NotJSON, UnbuildableSettings
from ..models import SettingsSnapshot
from ..process import PerProcess
from .client import Client
from .logs import LOGGER
from .services import Builder, ValidSettings

_locks = PerProcess(threading.RLock)
_client: Client | None = None


def client() -> Client:
    """The client of this process: made on first use, the same object in forked children.

    Made anew only where the settings name another account, key or options than before.
    """
    global _client
    options = {
        **app_settings.sdk_options,
        "account_id": app_settings.account_id,
        "sdk_key": app_settings.sdk_key,
    }
    living = _client
    if living is None or living.made_from != options:
        with _locks():
            if _client is living or _client is None:
                _client = _make_client(options)
            return _client
    return living


class Fetched:
    """What VWO served, as it came; it is read only as far as somebody asks."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    @cached_property
    def document(self) -> dict[str, Any]:
        """The settings, not validated. Raises ``NotJSON``."""
        try:
            document = strict_json.loads(self.raw)
        except ValueError as error:
            raise NotJSON(f"VWO's answer is not JSON: {app_settings.redact(str(error))}.") from None
        if not isinstance(document, dict):
            raise NotJSON("VWO's answer is not a JSON object.")
        return document

    @cached_property
    def digest(self) -> str:
        """The digest of the document; the same bytes as last time are not read again."""
        global _newest_digest
        raw, known = _newest_digest
        if raw != self.raw:
            known = digest(self.document)
            _newest_digest = (self.raw, known)
        return known


_newest_digest: tuple[bytes, str] = (b"", "")


def fetch(timeout_seconds: float) -> Fetched:
    """VWO's settings as served now. Raises a child of ``FetchFailed``."""
    client()
    return Fetched(SettingsManager.get_instance().fetch_bytes(timeout_seconds))


def validate(document: dict[str, Any]) -> ValidSettings:
    """The document if it fulfils the SDK's schema, else ``InvalidSettings`` that says where."""
    validator = jsonschema.Draft7Validator(SETTINGS_FILE_SCHEMA)
    error = jsonschema.exceptions.best_match(validator.iter_errors(document))
    if error is not None:
        place = "".join(
            f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path
        )
        raise InvalidSettings(
            f"VWO's settings do not fulfil the SDK's schema at {place.lstrip('.') or 'the top'}: "
            f"{_rule(error)}."
        )
    return ValidSettings(document)


def build(settings: ValidSettings) -> vwo.VWOClient:
    """A client of its own with these settings, beside the living one.

    Raises ``UnbuildableSettings``: a document can pass the schema and still break the models.
    """
    living = client()
    try:
        return vwo.VWOClient(settings, living.options)
    except Exception as error:
        raise UnbuildableSettings(
            "VWO's settings fulfil the SDK's schema, but the SDK can't build a client from them: "
            f"{type(error).__name__} in the SDK."
        ) from None


def apply_in_force(built: vwo.VWOClient | None = None) -> SettingsSnapshot | None:
    """Apply the snapshot in force to this process's client, unless it runs that snapshot already.

    What is in force is read inside the lock, so that a thread that comes late never brings back
    older settings. ``built`` may be a client that was built from a snapshot just now; it is used if
    that one is in force. Returns the snapshot if it was applied, None where nothing had to be done.
    """
    living = client()
    with _locks():
        # the document itself is loaded only where it is needed
        unused = ["changes"] if built is None else ["changes", "settings"]
        snapshot = SettingsSnapshot.objects.defer(*unused).in_force()
        if snapshot is None or living.runs(snapshot.pk, snapshot.digest):
            return None
        if built is None or built.snapshot_id != snapshot.pk:
            built = build(ValidSettings(snapshot.document(app_settings.sdk_key)))
        first = living.snapshot_id is None
        # one call in C: no thread ever sees the one attribute new and the other old
        living.__dict__.update(
            _settings=built._settings,
            original_settings=built.original_settings,
            snapshot_id=snapshot.pk,
            snapshot_digest=snapshot.digest,
            applied_at=timezone.now(),
        )
        UrlService(built._settings.get_collection_prefix())
    if first and not (built.original_settings.get("sdkMetaInfo") or {}).get(
        "wasInitializedEarlier"
    ):
        send_sdk_init_event()
    return snapshot


def _make_client(options: dict[str, Any]) -> Client:
    made = vwo.init({**options, "logger": LOGGER, "vwoBuilder": Builder(options)})
    if not isinstance(made, Client):
        raise ImproperlyConfigured(
            "The VWO SDK does not accept VWO_WEBHOOKS, and has printed why: "
            'look at "SDK_OPTIONS", or leave it out.'
        )
    made.made_from = options
    vwo.VWOClient._client_instance = made
    return made


def _rule(error: jsonschema.ValidationError) -> str:
    # the library's own message quotes the document, and with it the SDK key
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return f"{', '.join(missing)} missing"
    if error.validator in ("type", "enum", "const"):
        return f"should be {error.validator_value}"
    return f'breaks the rule "{error.validator}"'
