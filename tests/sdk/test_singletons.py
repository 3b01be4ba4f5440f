"""What breaks where a release of the SDK keeps its process-wide objects elsewhere."""

import pytest
from vwo import VWOClient
from wingify.packages.network_layer.manager.network_manager import NetworkManager
from wingify.packages.segmentation_evaluator.core.segmentation_manager import SegmentationManager
from wingify.services.settings_manager import SettingsManager
from wingify.services.url_service import UrlService

from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.sdk.services import (
    DeadlineSettingsManager,
    SingleThreadNetworkManager,
    ThreadLocalSegmentationManager,
)
from django_vwo_webhooks.sdk.singletons import register_client
from django_vwo_webhooks.testing import build_settings, feature


@pytest.fixture(autouse=True)
def client(vwo, monkeypatch):
    """Made anew, although another client was registered before."""
    monkeypatch.setattr(lifecycle, "_client", None)
    register_client(VWOClient(None, {}))
    return lifecycle.client()


def test_impressions_are_queued_by_our_client(client):
    """By ``VWOClient._client_instance``; else the SDK would post each from a new thread pool."""
    assert VWOClient.get_instance() is client


def test_requests_are_made_by_our_network_manager():
    """By ``NetworkManager._instance``; else they would be retried with sleeps of 14 s in all."""
    manager = NetworkManager.get_instance()
    assert type(manager) is SingleThreadNetworkManager
    assert manager.client.max_retries == 0


def test_segments_are_judged_by_our_segmentation_manager():
    """By ``SegmentationManager._instance``; else two threads could mix up their visitors."""
    assert type(SegmentationManager.get_instance()) is ThreadLocalSegmentationManager


def test_settings_are_validated_by_our_settings_manager():
    """The SDK registers it itself; else each evaluation would validate the whole document."""
    assert type(SettingsManager.get_instance()) is DeadlineSettingsManager


@pytest.mark.django_db
def test_the_state_of_a_client_is_what_its_constructor_sets(client):
    """Else applying settings, which copies the attributes of a second client, would not work."""
    flag = build_settings(feature("new_checkout", variables={"color": "green"}))
    built = lifecycle.build(lifecycle.validate(flag))
    client.__dict__.update(vars(built), snapshot_id=1)
    client.before_use = lambda: None
    assert client.get_flag("new_checkout", {"id": "u"}).get_variable("color") == "green"


def test_only_what_is_applied_decides_where_impressions_are_posted(client):
    """The SDK's constructor sets ``UrlService``'s prefix, also for a client that is not used."""
    document = {**build_settings(feature("new_checkout")), "collectionPrefix": "eu01"}
    before = UrlService.get_endpoint_with_collection_prefix("/events/t")
    built = lifecycle.build(lifecycle.validate(document))
    assert built.original_settings is not client.original_settings
    assert UrlService.get_endpoint_with_collection_prefix("/events/t") == before == "/events/t"
