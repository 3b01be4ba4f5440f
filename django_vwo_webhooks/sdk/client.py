import time
from collections.abc import Callable
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

from vwo import VWOClient
from vwo.models.user.get_flag import GetFlag
from wingify.models.campaign.variable_model import VariableModel

from ..conf import app_settings
from ..under_test import overridden_flags
from .asked_for import asked_keys, note_asked
from .copying import copy_containers
from .impressions import ImpressionQueue, impression_queue
from .logs import logger
from .switched_off import switched_off

NOTHING = object()
"""Differs from every value of a setting."""


def _do_nothing() -> None:
    """The default of ``before_use``, until ``get_client()`` sets another function."""


class Client(VWOClient):
    """The SDK's client; it stays the same object after forks, refreshes and changes of options."""

    snapshot_id: int | None = None
    """The number of the ``SettingsSnapshot`` that it runs; None before the first."""

    snapshot_digest: str | None = None
    """Its digest: a restored database may have other settings under the same number."""

    applied_at: datetime | None = None
    """When that snapshot was applied."""

    fits: object = NOTHING
    """The value of ``VWO_WEBHOOKS`` that it was fitted out for."""

    made_from: dict[str, Any] = {}
    """The SDK's options of that value."""

    owner: tuple[str, str] = ("", "")
    """Its environment, and the digest of its account id and SDK key."""

    before_use: Callable[[], None] = staticmethod(_do_nothing)
    """Called before each evaluation, so that a forked child begins to follow the settings, and that
    the site's settings are noticed where they have changed."""

    def runs(self, snapshot_id: int | None, digest: str | None) -> bool:
        """Whether this is the snapshot that it runs."""
        return (self.snapshot_id, self.snapshot_digest) == (snapshot_id, digest)

    @property
    def batch_event_queue(self) -> ImpressionQueue:
        return impression_queue()

    def get_flag(self, feature_key: str, context: dict[str, Any]) -> "Flag":
        """Evaluate a flag; never raises because of its arguments.

        What the SDK refuses, such as a key that is not a string or a context that is not a dict
        with the visitor's "id", is logged as an error, and the flag is off.
        """
        if not isinstance(context, dict):
            # the SDK refuses both, but raises for all but a dict
            context = {}
        # a key that is not a string may not be hashable
        if overridden_flags and isinstance(feature_key, str) and feature_key in overridden_flags:
            return _flag(overridden_flags[feature_key], context)
        self.before_use()
        if isinstance(feature_key, str) and feature_key not in asked_keys:
            note_asked(feature_key)
        if self.snapshot_id is None or (switched_off.ends_at and switched_off.covers(feature_key)):
            # without settings the SDK would log an error and post it to VWO for each evaluation
            return _flag(False, context, self._uuid(context))
        flag = super().get_flag(feature_key, context)
        # not a new object: that would need the SDK's private attributes, and take ten times as long
        flag.__class__ = Flag
        return cast("Flag", flag)

    def _uuid(self, context: dict[str, Any]) -> str | None:
        """The visitor's UUID at VWO, or None where the context is not one that the SDK takes."""
        if not isinstance(context.get("id"), str):
            return None
        try:
            uuid: str | None = self._get_uuid_from_context(context, "getFlag")
        except ValueError:
            return None
        return uuid

    def update_settings(self, *args: Any, **kwargs: Any) -> None:
        """Refused: settings that are not stored would reach this process only."""
        raise RuntimeError(
            "This client follows the stored settings by itself. To fetch them from VWO now, write: "
            "from django_vwo_webhooks.refresh import refresh_settings; refresh_settings()"
        )

    def track_event(
        self, event_name: str, context: dict[str, Any], event_properties: Any = None
    ) -> dict[str, Any]:
        """Track an event; never raises because of its arguments.

        Returns ``{event_name: whether it was queued}``.
        """
        try:
            hash(event_name)
        except TypeError:
            # the SDK would raise, since it can't be a key of the answer
            logger.error("An event's name should be a string, not a %s.", type(event_name).__name__)
            return {}
        self.before_use()
        if app_settings.offline:
            # the SDK would log that no flag has this event
            return {event_name: False}
        answer: dict[str, Any] = super().track_event(event_name, context, event_properties or {})
        if answer.get(event_name) and self.batch_event_queue.last_event_was_dropped():
            return {event_name: False}
        return answer

    def set_attribute(self, key_or_map: Any, value_or_context: Any, context: Any = None) -> None:
        self.before_use()
        super().set_attribute(key_or_map, value_or_context, context)


class Flag(GetFlag):
    """An evaluated flag. Each caller gets its own copy of a variable's value that is JSON.

    The SDK hands out the value that is in its settings: whoever changed it would change it for all
    visitors.
    """

    if TYPE_CHECKING:
        # the SDK says so to nobody but those who read its source
        def is_enabled(self) -> bool: ...

    def get_variable(self, variable_key: str, default_value: Any = None) -> Any:
        """The variable's value, or ``default_value`` where the flag has no such variable."""
        value = super().get_variable(variable_key, NOTHING)
        return default_value if value is NOTHING else copy_containers(value)

    def get_variables(self) -> list[dict[str, Any]]:
        """All variables, each as a dict with "id", "key", "type" and "value"."""
        return [copy_containers(variable) for variable in super().get_variables()]


def _flag(value: bool | dict[str, Any], context: dict[str, Any], uuid: str | None = None) -> Flag:
    """A flag that the SDK does not evaluate: off, on, or on with these variables."""
    # JSON is copied again when it is handed out, but a test may use other types as well
    variables = deepcopy(value) if isinstance(value, dict) else {}
    return Flag(
        is_enabled=value is not False,
        variables=[
            VariableModel(id=number, key=key, type=type(each).__name__, value=each)
            for number, (key, each) in enumerate(variables.items(), start=1)
        ],
        session_id=context.get("session_id", int(time.time())),
        uuid=uuid,
    )
