"""The SDK's services as a Django site needs them, made through the SDK's own builder."""

import threading
from typing import Any

from vwo import VWOBuilder
from wingify.constants.Constants import Constants
from wingify.packages.network_layer.client.network_client import NetworkClient
from wingify.packages.network_layer.manager.network_manager import NetworkManager
from wingify.packages.network_layer.models.global_request_model import GlobalRequestModel
from wingify.packages.segmentation_evaluator.core.segmentation_manager import (
    SegmentationManager,
)
from wingify.packages.segmentation_evaluator.evaluators.segment_evaluator import SegmentEvaluator
from wingify.services.settings_manager import SettingsManager

from ..conf import app_settings
from ..process import PerProcess
from .client import Client
from .download import download
from .impressions import impressions
from .logs import LOGGER


class ValidSettings(dict[str, Any]):
    """A settings document that has passed the SDK's schema, so that nobody checks it again."""


class OneFetch(SettingsManager):
    """Fetches under a deadline and without repeats; validates once a document.

    The SDK's own one blocks a worker for up to 214 s, swallows the error, and validates the whole
    document on every evaluation (77 ms at 100 features).
    """

    def fetch_bytes(self, timeout_seconds: float) -> bytes:
        """What VWO serves now. Raises a child of ``FetchFailed``."""
        port = f":{self.port}" if self.port else ""
        path = Constants.WEBHOOK_SETTINTS_ENDPOINT
        params = {
            **self.get_settings_path(),
            "platform": "server",
            "api-version": 1,
            "sn": self.sdk_name,
            "sv": Constants.SDK_VERSION,
        }
        if not NetworkManager.get_instance().get_config().get_development_mode():
            params["s"] = "prod"
        return download(
            f"{self.protocol}://{self.settings_hostname}{port}{path}",
            params,
            timeout_seconds=timeout_seconds,
        )

    def is_settings_valid(self, settings: Any) -> bool:
        return isinstance(settings, ValidSettings) or super().is_settings_valid(settings)


class OneAttempt(NetworkClient):
    """Posts once: the impressions' sender repeats what matters, and nothing sleeps for 14 s."""

    def __init__(self) -> None:
        super().__init__()
        self.max_retries = 0


sessions = PerProcess(OneAttempt)


class OneSender(NetworkManager):
    """Posts from the one thread that sends impressions, not from a new pool each time."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options.get("threading") or {})
        self.config = GlobalRequestModel()

    @property
    def client(self) -> OneAttempt:
        """A session that no other process shares a socket with."""
        return sessions()

    @client.setter
    def client(self, value: Any) -> None:
        """The SDK attaches one at construction; each process has its own instead."""

    def execute_in_background(self, func: Any) -> None:
        impressions().run(func)


class OwnEvaluator(SegmentationManager):
    """Gives each thread an evaluator of its own.

    The SDK keeps the visitor's context in one for the whole process, so two threads that evaluate
    at once could judge a visitor by another one's address.
    """

    def __init__(self) -> None:
        # looked up on first use: gevent may patch threading after a preloading master made this
        self._local = PerProcess(lambda: threading.local())

    @property
    def evaluator(self) -> Any:
        return self._local().__dict__.setdefault("evaluator", SegmentEvaluator())

    @evaluator.setter
    def evaluator(self, value: Any) -> None:
        self._local().evaluator = value


class Builder(VWOBuilder):
    """Builds a client that asks nobody, polls nothing and starts no thread."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__({**options, "logger": LOGGER, "is_via_vwo": True})

    def set_settings_manager(self) -> "Builder":
        self.setting_file_manager = OneFetch(self.options)
        return self

    def set_network_manager(self) -> "Builder":
        NetworkManager._instance = OneSender(self.options)
        development = self.options.get("isDevelopmentMode", False)
        NetworkManager._instance.get_config().set_development_mode(development)
        return self

    def set_segmentation(self) -> "Builder":
        SegmentationManager._instance = None
        SegmentationManager._instance = OwnEvaluator()
        return self

    def init_polling(self) -> "Builder":
        return self

    def get_settings(self, force: bool = False) -> ValidSettings:
        """An empty document: the SDK builds a whole client from it, with every flag off.

        Built without any settings, a client never recovers.
        """
        return ValidSettings(
            version=1,
            accountId=app_settings.account_id,
            sdkKey=app_settings.sdk_key,
            features=[],
            campaigns=[],
        )

    def build(self, settings: ValidSettings) -> Client:
        self.client_instance = Client(settings, self.options)
        return self.client_instance

    def init_batching(self) -> "Builder":
        return self
