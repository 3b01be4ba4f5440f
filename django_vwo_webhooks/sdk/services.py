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
from wingify.packages.storage.storage import Storage
from wingify.services.settings_manager import SettingsManager

from ..conf import app_settings
from ..process import PerProcess
from ..redaction import RedactedDict
from .client import Client
from .document import ValidatedSettings
from .download import download
from .impressions import impression_queue
from .logs import LOGGER_OPTION, SparingLogManager
from .singletons import (
    register_log_manager,
    register_network_manager,
    register_segmentation_manager,
)


class DeadlineSettingsManager(SettingsManager):
    """Fetches once, within a deadline, and validates each document once.

    The SDK's own manager blocks a worker for up to 214 s, swallows the error, and validates the
    whole document on every evaluation (77 ms at 100 features).
    """

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        gateway = options.get("gateway_service") or {}
        url: str | None = gateway.get("url") or options.get("proxy_url")
        if url is not None:
            # the SDK drops the path, and the brackets of an IPv6 address
            self.protocol, _, address = url.partition("://")
            self.settings_hostname = self.events_hostname = self.hostname = address
            self.port = None

    def fetch_bytes(self, timeout_seconds: float) -> bytes:
        """What VWO serves now. Raises a child of ``FetchFailed``."""
        params = RedactedDict(self.get_settings_path())
        params |= {
            "platform": "server",
            "api-version": 1,
            "sn": self.sdk_name,
            "sv": Constants.SDK_VERSION,
        }
        if not NetworkManager.get_instance().get_config().get_development_mode():
            params["s"] = "prod"
        return download(
            f"{self.protocol}://{self.settings_hostname}{_pull_path()}",
            params,
            timeout_seconds=timeout_seconds,
        )

    def is_settings_valid(self, settings: Any) -> bool:
        return isinstance(settings, ValidatedSettings) or super().is_settings_valid(settings)


def _pull_path() -> str:
    """Where VWO serves the settings after a webhook.

    The SDK's own constant, whose name is misspelled, so that a release may correct it.
    """
    for name in ("WEBHOOK_SETTINTS_ENDPOINT", "WEBHOOK_SETTINGS_ENDPOINT"):
        path = getattr(Constants, name, None)
        if isinstance(path, str):
            return path
    return "/server-side/v2-pull"


class NoRetryNetworkClient(NetworkClient):
    """Posts once, where the SDK's own client would retry and sleep for 14 s.

    The queue of impressions sends again what matters.
    """

    def __init__(self) -> None:
        super().__init__()
        self.max_retries = 0


network_clients = PerProcess(NoRetryNetworkClient)


class SingleThreadNetworkManager(NetworkManager):
    """Posts from the thread that sends impressions, where the SDK would start a new pool."""

    def __init__(self) -> None:
        super().__init__({})
        # else the SDK posts its debug events in the thread that evaluates a flag
        self.should_use_threading = True
        self.config = GlobalRequestModel()

    @property
    def client(self) -> NoRetryNetworkClient:
        """This process's client, whose sockets no other process shares."""
        return network_clients()

    @client.setter
    def client(self, value: Any) -> None:
        """Ignored: the SDK sets one when it constructs the manager."""

    def execute_in_background(self, func: Any) -> None:
        impression_queue().run_in_background(func)


class ThreadLocalSegmentationManager(SegmentationManager):
    """Gives each thread an evaluator of its own.

    The SDK keeps the visitor's context in one evaluator for the whole process, so that two threads
    that evaluate at the same time could judge one visitor by the address of the other.
    """

    def __new__(cls) -> "ThreadLocalSegmentationManager":
        # the SDK's own returns the manager that is registered already
        made: ThreadLocalSegmentationManager = object.__new__(cls)
        return made

    def __init__(self) -> None:
        # made on first use: gevent may patch threading after a preloading master has made this
        self._local = PerProcess(lambda: threading.local())

    @property
    def evaluator(self) -> Any:
        return self._local().__dict__.setdefault("evaluator", SegmentEvaluator())

    @evaluator.setter
    def evaluator(self, value: Any) -> None:
        self._local().evaluator = value


class OfflineBuilder(VWOBuilder):
    """Builds a client without settings, without polling and without a thread or a request."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(RedactedDict({**options, "logger": LOGGER_OPTION, "is_via_vwo": True}))

    def set_logger(self) -> "OfflineBuilder":
        self.log_manager = SparingLogManager(LOGGER_OPTION)
        register_log_manager(self.log_manager)
        return self

    def set_settings_manager(self) -> "OfflineBuilder":
        self.setting_file_manager = DeadlineSettingsManager(self.options)
        return self

    def set_network_manager(self) -> "OfflineBuilder":
        manager = SingleThreadNetworkManager()
        manager.config.set_development_mode(self.options.get("isDevelopmentMode", False))
        register_network_manager(manager)
        return self

    def set_storage(self) -> "OfflineBuilder":
        # also where there is none, or one that is empty and so false: the SDK would keep that of an
        # earlier client
        Storage.get_instance().attach_connector(self.options.get("storage"))
        return self

    def set_segmentation(self) -> "OfflineBuilder":
        register_segmentation_manager(ThreadLocalSegmentationManager())
        return self

    def init_polling(self) -> "OfflineBuilder":
        return self

    def get_settings(self, force: bool = False) -> ValidatedSettings:
        """An empty document, from which the SDK builds a complete client with every flag off.

        A client that is built without any settings never recovers.
        """
        return ValidatedSettings(
            version=1,
            accountId=app_settings.account_id,
            sdkKey=app_settings.sdk_key,
            features=[],
            campaigns=[],
        )

    def build(self, settings: ValidatedSettings) -> Client:
        self.client_instance = Client(settings, self.options)
        return self.client_instance

    def init_batching(self) -> "OfflineBuilder":
        return self
