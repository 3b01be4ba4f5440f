import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from vwo import VWOClient
from vwo.models.user.get_flag import GetFlag
from wingify.models.campaign.variable_model import VariableModel

from ..conf import overridden_flags
from .impressions import Impressions, impressions


def _nothing() -> None:
    """What a client does before each use until ``get_client()`` has handed it out."""


class Client(VWOClient):
    """The SDK's client; it outlives forks and refreshes as one and the same object."""

    snapshot_id: int | None = None
    """The number of the ``SettingsSnapshot`` that is applied; None before the first."""

    snapshot_digest: str | None = None
    """Its digest: a restored database may have other settings under the same number."""

    applied_at: datetime | None = None
    """When it was applied."""

    made_from: dict[str, Any] = {}
    """The options that it was made from."""

    before_use: Callable[[], None] = staticmethod(_nothing)
    """Called before each evaluation, so that a forked child begins to follow the settings."""

    def runs(self, snapshot_id: int | None, digest: str | None) -> bool:
        """Whether it serves this snapshot."""
        return (self.snapshot_id, self.snapshot_digest) == (snapshot_id, digest)

    @property
    def batch_event_queue(self) -> Impressions:
        return impressions()

    def get_flag(self, feature_key: str, context: dict[str, Any]) -> GetFlag:
        if feature_key in overridden_flags:
            return _answer(overridden_flags[feature_key], context)
        self.before_use()
        if self.snapshot_id is None and isinstance(context, dict):
            # the SDK would log and report an error for each evaluation
            return _answer(False, context)
        return super().get_flag(feature_key, context)

    def update_settings(self, *args: Any, **kwargs: Any) -> None:
        """Not for this client: settings that are not stored would be this process's alone."""
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


def _answer(flag: bool | dict[str, Any], context: dict[str, Any]) -> GetFlag:
    """An answer without the SDK's evaluation: off, on, or on with these variables."""
    values = flag if isinstance(flag, dict) else {}
    return GetFlag(
        is_enabled=flag is not False,
        variables=[
            VariableModel(id=number, key=key, type=type(value).__name__, value=value)
            for number, (key, value) in enumerate(values.items(), start=1)
        ],
        session_id=context.get("session_id", int(time.time())),
        uuid=None,
    )
