import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from vwo import VWOClient
from vwo.models.user.get_flag import GetFlag
from wingify.models.campaign.variable_model import VariableModel

from ..conf import overridden_flags
from .impressions import ImpressionQueue, impression_queue


def _do_nothing() -> None:
    """The default of ``before_use``, until ``get_client()`` sets another function."""


class Client(VWOClient):
    """The SDK's client; it stays the same object after forks and refreshes."""

    snapshot_id: int | None = None
    """The number of the ``SettingsSnapshot`` that it runs; None before the first."""

    snapshot_digest: str | None = None
    """Its digest: a restored database may have other settings under the same number."""

    applied_at: datetime | None = None
    """When that snapshot was applied."""

    made_from: dict[str, Any] = {}
    """The options that it was made from."""

    before_use: Callable[[], None] = staticmethod(_do_nothing)
    """Called before each evaluation, so that a forked child begins to follow the settings."""

    def runs(self, snapshot_id: int | None, digest: str | None) -> bool:
        """Whether this is the snapshot that it runs."""
        return (self.snapshot_id, self.snapshot_digest) == (snapshot_id, digest)

    @property
    def batch_event_queue(self) -> ImpressionQueue:
        return impression_queue()

    def get_flag(self, feature_key: str, context: dict[str, Any]) -> GetFlag:
        if feature_key in overridden_flags:
            return _flag(overridden_flags[feature_key], context)
        self.before_use()
        if self.snapshot_id is None and isinstance(context, dict):
            # the SDK would log an error and post it to VWO for each evaluation
            return _flag(False, context)
        return super().get_flag(feature_key, context)

    def update_settings(self, *args: Any, **kwargs: Any) -> None:
        """Refused: settings that are not stored would reach this process only."""
        raise RuntimeError(
            "This client follows the stored settings by itself. To fetch them from VWO now, write: "
            "from django_vwo_webhooks.refresh import refresh_settings; refresh_settings()"
        )

    def track_event(
        self, event_name: str, context: dict[str, Any], event_properties: Any = None
    ) -> dict[str, Any]:
        self.before_use()
        answer: dict[str, Any] = super().track_event(event_name, context, event_properties or {})
        return answer

    def set_attribute(self, key_or_map: Any, value_or_context: Any, context: Any = None) -> None:
        self.before_use()
        super().set_attribute(key_or_map, value_or_context, context)


def _flag(value: bool | dict[str, Any], context: dict[str, Any]) -> GetFlag:
    """A flag that the SDK does not evaluate: off, on, or on with these variables."""
    variables = value if isinstance(value, dict) else {}
    return GetFlag(
        is_enabled=value is not False,
        variables=[
            VariableModel(id=number, key=key, type=type(each).__name__, value=each)
            for number, (key, each) in enumerate(variables.items(), start=1)
        ],
        session_id=context.get("session_id", int(time.time())),
        uuid=None,
    )
