"""The SDK's process-wide objects, which it finds through ``get_instance()``, replaced by ours.

The SDK offers no way to replace them: each is made by its own class and kept in a private attribute
of that class. This is the only module that names those attributes; ``tests/sdk/test_contract.py``
fails where a release of the SDK keeps one elsewhere.
"""

from vwo import VWOClient
from wingify import wingify as sdk_init
from wingify.packages.logger.core.log_manager import LogManager
from wingify.packages.network_layer.manager.network_manager import NetworkManager
from wingify.packages.segmentation_evaluator.core.segmentation_manager import SegmentationManager
from wingify.wingify import Wingify


def register_client(client: VWOClient) -> None:
    """Make it the client whose queue gets the impressions, and whose settings limit diagnostics.

    The SDK keeps the first client of a process for ever for the former, which may be one that the
    site's own code made before, and the newest one for the latter.
    """
    VWOClient._client_instance = client
    Wingify.instance = client


def register_log_manager(manager: LogManager) -> None:
    """Make it the manager that each log line of the SDK's goes through."""
    LogManager._instance = manager


def register_network_manager(manager: NetworkManager) -> None:
    """Make it the manager that sends every request of the SDK's but the fetches."""
    NetworkManager._instance = manager


def register_segmentation_manager(manager: SegmentationManager) -> None:
    """Make it the manager that judges whether a visitor belongs to a segment."""
    SegmentationManager._instance = manager


def keep_log_messages() -> None:
    """Have ``vwo.init`` leave the texts of log lines as its first call has loaded them.

    It empties them before it loads them again. An evaluation of another thread at that moment would
    fail for want of a text, and its flag would be off.
    """
    sdk_init.refresh_log_messages = _leave_as_they_are


def _leave_as_they_are(is_via_vwo: bool) -> None:
    pass
