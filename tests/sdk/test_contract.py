"""Each name of the SDK's that it does not document and that this app uses, in one list.

Where a release of the SDK moves one, its test fails and prints what would happen to a site.
"""

import ast
import importlib
import inspect
from pathlib import Path

import pytest
from vwo import VWOClient
from wingify.constants.Constants import Constants
from wingify.models.campaign.variable_model import VariableModel
from wingify.packages.logger.core.log_manager import LogManager
from wingify.packages.network_layer.client.network_client import NetworkClient
from wingify.packages.network_layer.manager.network_manager import NetworkManager
from wingify.packages.segmentation_evaluator.core.segmentation_manager import SegmentationManager
from wingify.packages.storage.storage import Storage
from wingify.services.settings_manager import SettingsManager
from wingify.services.url_service import UrlService
from wingify.wingify import Wingify

import django_vwo_webhooks.sdk
from django_vwo_webhooks.sdk import lifecycle, services
from django_vwo_webhooks.sdk.logs import SparingLogManager
from django_vwo_webhooks.sdk.services import (
    DeadlineSettingsManager,
    SingleThreadNetworkManager,
    ThreadLocalSegmentationManager,
)
from django_vwo_webhooks.sdk.singletons import register_client
from django_vwo_webhooks.testing import build_settings, feature
from tests.conftest import configure

USER = {"id": "u"}

CONTRACT = {
    # how a client is made
    "vwo:init(options)": "No client can be made, and every use of get_client() fails.",
    "vwo:VWOBuilder(options)": "No client can be made, and every use of get_client() fails.",
    "vwo:VWOBuilder.set_logger()": "The SDK prints its log lines, and the SDK key with them.",
    "vwo:VWOBuilder.set_settings_manager()": "Each evaluation validates the whole document.",
    "vwo:VWOBuilder.set_storage()": "A storage stays in use after an option has removed it.",
    "vwo:VWOBuilder.set_network_manager()": "A request that fails is retried for 14 s.",
    "vwo:VWOBuilder.set_segmentation()": "Threads that evaluate at once mix up their visitors.",
    "vwo:VWOBuilder.init_polling()": "Each process polls VWO, from a thread that never ends.",
    "vwo:VWOBuilder.get_settings(force)": "Making a client fetches from VWO, for up to 214 s.",
    "vwo:VWOBuilder.build(settings)": "get_client() returns the SDK's own client.",
    "vwo:VWOBuilder.init_batching()": "The SDK's own queue keeps each process alive.",
    # evaluating and tracking
    "vwo:VWOClient(settings, options)": "No settings can be built, so that each refresh fails.",
    "vwo:VWOClient.get_flag(feature_key, context)": "No flag can be evaluated.",
    "vwo:VWOClient._get_uuid_from_context(context, api_name)": (
        "A flag that a kill switch has switched off can't be answered."
    ),
    "vwo:VWOClient.track_event(event_name, context, event_properties)": "No event is tracked.",
    "vwo:VWOClient.set_attribute(key_or_map, value_or_context, context)": "No attribute is set.",
    "vwo:VWOClient.update_settings()": "The SDK can update one process past the others.",
    "vwo:VWOClient.flush_events()": "flush_events() sends nothing.",
    "vwo:VWOClient.batch_event_queue": "Each impression is posted from a thread pool of its own.",
    "vwo.models.user.get_flag:GetFlag(is_enabled, variables, session_id, uuid)": (
        "override_flags and a client without settings can't answer."
    ),
    "vwo.models.user.get_flag:GetFlag.get_variable(variable_key, default_value)": (
        "Visitors share the values of JSON variables."
    ),
    "vwo.models.user.get_flag:GetFlag.get_variables()": (
        "Visitors share the values of JSON variables."
    ),
    "wingify.models.campaign.variable_model:VariableModel(id, key, type, value)": (
        "override_flags can't set variables."
    ),
    # fetching and validating
    "wingify.services.settings_manager:SettingsManager(options)": "Nothing can be fetched.",
    "wingify.services.settings_manager:SettingsManager.get_instance()": "Nothing can be fetched.",
    "wingify.services.settings_manager:SettingsManager.get_settings_path()": (
        "VWO refuses each fetch, since account and SDK key are missing in its URL."
    ),
    "wingify.services.settings_manager:SettingsManager.is_settings_valid(settings)": (
        "Each evaluation validates the whole document: 77 ms at 100 features."
    ),
    "wingify.models.schemas.settings_schema:SETTINGS_FILE_SCHEMA": (
        "A document can't be checked before it is stored."
    ),
    "wingify.constants.Constants:Constants.SDK_VERSION": "Nothing can be fetched.",
    "wingify.packages.network_layer.models.global_request_model:GlobalRequestModel()": (
        "No client can be made, and every use of get_client() fails."
    ),
    (
        "wingify.packages.network_layer.models.global_request_model:"
        "GlobalRequestModel.get_development_mode()"
    ): "Nothing can be fetched.",
    (
        "wingify.packages.network_layer.models.global_request_model:"
        "GlobalRequestModel.set_development_mode(is_development_mode)"
    ): "No client can be made, and every use of get_client() fails.",
    # sending
    "wingify.enums.headers_enum:HeadersEnum.USER_AGENT": "No impression reaches a gateway.",
    "wingify.enums.headers_enum:HeadersEnum.IP": "No impression reaches a gateway.",
    "wingify.utils.function_util:get_random_number()": "No impression reaches a gateway.",
    "wingify.enums.url_enum:UrlEnum.BATCH_EVENTS": "No impression reaches VWO.",
    "wingify.enums.url_enum:UrlEnum.EVENTS": "No impression reaches a gateway.",
    (
        "wingify.services.url_service:"
        "UrlService.get_endpoint_with_collection_prefix(endpoint, is_gateway_service)"
    ): "No impression reaches VWO.",
    "wingify.services.settings_manager:SettingsManager.get_account_id()": (
        "No impression reaches VWO."
    ),
    "wingify.services.settings_manager:SettingsManager.get_sdk_key()": "No impression reaches VWO.",
    "wingify.services.settings_manager:SettingsManager.get_sdk_name()": (
        "No impression reaches VWO."
    ),
    "wingify.services.settings_manager:SettingsManager.get_events_hostname()": (
        "No impression reaches VWO."
    ),
    "wingify.utils.event_util:send_sdk_init_event()": "VWO does not show that the SDK is in use.",
    "wingify.services.url_service:UrlService(collection_prefix)": (
        "Impressions go to the wrong path, where VWO's settings have a collectionPrefix."
    ),
    "wingify.packages.network_layer.client.network_client:NetworkClient()": (
        "A request that fails is retried for 14 s."
    ),
    "wingify.packages.network_layer.manager.network_manager:NetworkManager(threading)": (
        "No client can be made, and every use of get_client() fails."
    ),
    "wingify.packages.network_layer.manager.network_manager:NetworkManager.get_config()": (
        "Nothing can be fetched."
    ),
    (
        "wingify.packages.network_layer.manager.network_manager:"
        "NetworkManager.execute_in_background(func)"
    ): "Each request of the SDK's is made from a thread pool of its own.",
    # process-wide objects
    "vwo:VWOClient._client_instance": "Impressions are queued by another client, or by none.",
    "wingify:wingify": "Flags can be off for a moment when options change in a living process.",
    "wingify.wingify:refresh_log_messages(is_via_vwo)": (
        "Flags can be off for a moment when options change in a living process."
    ),
    "wingify.wingify:Wingify.instance": "Diagnostics are sampled by an outdated client's settings.",
    "wingify.packages.network_layer.manager.network_manager:NetworkManager._instance": (
        "A request that fails is retried for 14 s."
    ),
    (
        "wingify.packages.segmentation_evaluator.core.segmentation_manager:"
        "SegmentationManager._instance"
    ): "Threads that evaluate at once mix up their visitors.",
    (
        "wingify.packages.segmentation_evaluator.core.segmentation_manager:"
        "SegmentationManager.evaluator"
    ): "Threads that evaluate at once mix up their visitors.",
    "wingify.packages.segmentation_evaluator.evaluators.segment_evaluator:SegmentEvaluator()": (
        "No visitor can be matched with a segment, so that each flag with one is off."
    ),
    "wingify.packages.storage.storage:Storage.get_instance()": (
        "No client can be made, and every use of get_client() fails."
    ),
    "wingify.packages.storage.storage:Storage.attach_connector(connector)": (
        "The site's storage connector is not used."
    ),
    "wingify.packages.logger.core.log_manager:LogManager.__init__(config)": (
        "The SDK prints its log lines, and the SDK key with them."
    ),
    "wingify.packages.logger.core.log_manager:LogManager._instance": (
        "The SDK prints the errors whose texts it can't put together."
    ),
    "wingify.packages.logger.core.log_manager:LogManager.error(message)": "Errors are not logged.",
    (
        "wingify.packages.logger.core.log_manager:"
        "LogManager.error_log(template, data, debug_data, should_send_log_to_vwo)"
    ): "The SDK prints the errors whose texts it can't put together.",
    "wingify.utils.log_message_util:error_messages": "Errors are not logged.",
}
"""What the app uses: module, name and parameters, and what would happen without it."""


def test_the_list_names_every_import_from_the_sdk():
    listed = {tuple(name.split("(")[0].split(":")) for name in CONTRACT}
    listed |= {(module, name.split(".")[0]) for module, name in listed}
    for path in Path(django_vwo_webhooks.sdk.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and not node.level:
                module = node.module or ""
                if module.split(".")[0] in ("vwo", "wingify"):
                    for alias in node.names:
                        assert (module, alias.name) in listed, f"{path.name} imports it"
            if isinstance(node, ast.Import):
                for alias in node.names:
                    assert not alias.name.startswith(("vwo.", "wingify")), path.name


@pytest.mark.parametrize(("name", "sentence"), CONTRACT.items(), ids=lambda text: text[-50:])
def test_a_name_is_where_it_was(name, sentence):
    module, _, rest = name.partition(":")
    path, _, parameters = rest.partition("(")
    try:
        found = importlib.import_module(module)
        for step in path.split("."):
            found = getattr(found, step)
    except (ImportError, AttributeError):
        pytest.fail(f"{name} is gone. {sentence}")
    if rest.endswith(")"):
        accepted = inspect.signature(found).parameters
        wanted = [each for each in parameters.rstrip(")").split(", ") if each]
        missing = [each for each in wanted if each not in accepted]
        assert not missing, f"{name} does not accept {missing}. {sentence}"
        required = {
            each.name
            for each in accepted.values()
            if each.default is each.empty
            and each.kind not in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        }
        assert required <= {*wanted, "self"}, f"{name} needs {required}. {sentence}"


@pytest.fixture
def plain():
    """Objects of the SDK's own classes."""
    builder = Wingify.wingify_builder
    return {
        "client": VWOClient(lifecycle.validate(build_settings(feature("one"))), {"a": 1}),
        "flag": VWOClient.get_flag(lifecycle.client(), "no such flag", USER),
        "settings manager": SettingsManager({"sdk_key": "k", "account_id": "1"}),
        "network client": NetworkClient(),
        "network manager": NetworkManager({}),
        "variable": VariableModel(1, {"a": 1}, "json", "style"),
        "builder": builder,
    }


ATTRIBUTES = {
    "client._settings": "A new state can't be put into the living client, so no refresh arrives.",
    "client.original_settings": "Impressions go to the wrong path at VWO.",
    "client.options": "Other options can't be given to the living client.",
    "flag.__dict__": "No flag can be evaluated, since its class can't be changed.",
    "settings manager.protocol": "Nothing can be fetched.",
    "settings manager.settings_hostname": "Nothing can be fetched.",
    "settings manager.sdk_name": "Nothing can be fetched.",
    "settings manager.is_gateway_service_provided": "No impression reaches VWO.",
    "network manager.should_use_threading": "A flag that is gone costs its caller a round trip.",
    "settings manager.settings_fetch_time": "No client can be made.",
    "settings manager.is_settings_valid_on_init": "VWO is told twice that the SDK is in use.",
    "network client.max_retries": "A request that fails is retried for 14 s.",
    "network manager.client": "A request that fails is retried for 14 s.",
    "network manager.config": "Nothing can be fetched.",
    "variable._value": "Visitors share the values of JSON variables.",
    "builder.options": "No client can be made.",
    "builder.client_instance": "The SDK does not find the client that was made.",
    "builder.setting_file_manager": "No client can be made.",
}


@pytest.mark.parametrize(("name", "sentence"), ATTRIBUTES.items())
def test_an_object_has_its_attribute(plain, name, sentence):
    owner, _, attribute = name.rpartition(".")
    assert hasattr(plain[owner], attribute), f"{name} is gone. {sentence}"


@pytest.mark.parametrize("name", ["WEBHOOK_SETTINTS_ENDPOINT", "WEBHOOK_SETTINGS_ENDPOINT", None])
def test_settings_are_fetched_whatever_the_sdk_calls_their_path(vwo, monkeypatch, name):
    path = Constants.WEBHOOK_SETTINTS_ENDPOINT
    assert path == "/server-side/v2-pull", "VWO serves the settings elsewhere."
    monkeypatch.delattr(Constants, "WEBHOOK_SETTINTS_ENDPOINT")
    if name is not None:
        monkeypatch.setattr(Constants, name, path, raising=False)
    assert lifecycle.fetch(5).document["features"]
    assert [fetch.path for fetch in vwo.fetches] == [path]


def test_a_release_may_move_the_settings(monkeypatch):
    monkeypatch.setattr(Constants, "WEBHOOK_SETTINTS_ENDPOINT", "/v3-pull")
    assert services._pull_path() == "/v3-pull"
    monkeypatch.delattr(Constants, "WEBHOOK_SETTINTS_ENDPOINT")
    monkeypatch.setattr(Constants, "WEBHOOK_SETTINGS_ENDPOINT", "/v4-pull", raising=False)
    assert services._pull_path() == "/v4-pull"


def test_errors_are_logged_by_our_log_manager():
    """By ``LogManager._instance``; else the SDK prints those that it can't put together."""
    assert type(LogManager.get_instance()) is SparingLogManager


def test_diagnostics_are_sampled_by_our_client(client, settings):
    """By ``Wingify.instance``; else by the settings of a client that is not in use."""
    configure(settings, SDK_OPTIONS={})
    assert lifecycle.client() is client
    assert Wingify.getInstance() is client


def test_a_storage_is_asked_through_its_holder():
    """By ``Storage.connector``; else the site's storage connector would not be used."""
    Storage.get_instance().attach_connector("a connector")
    assert Storage.get_instance().get_connector() == "a connector"


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


def test_no_request_is_made_in_the_thread_that_evaluates_a_flag():
    """By ``should_use_threading``; else a flag that is gone would cost a round trip."""
    assert NetworkManager.get_instance().should_use_threading


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
