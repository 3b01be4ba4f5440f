"""Behind VWO's gateway service, requests are those that the SDK would make, from one thread."""

import json
import subprocess
import sys
import threading
from urllib.parse import parse_qs, urlsplit

import pytest

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.models import WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.sdk import lifecycle
from django_vwo_webhooks.sdk.impressions import impression_queue
from django_vwo_webhooks.testing import GatewaySimulator, build_settings, feature
from tests.conftest import configure, run_site, wait_until
from tests.receiver import running_receiver
from tests.sdk.conftest import store

pytestmark = pytest.mark.django_db

USER = {"id": "u"}
VISITOR = {"id": "u", "user_agent": "Browser/1.0 (X; Y)", "ip_address": "203.0.113.7"}


@pytest.fixture
def gateway(settings):
    """A gateway, and a site that uses it."""
    site = settings.VWO_WEBHOOKS
    document = build_settings(
        feature("new_checkout", variables={"color": "red"}),
        account_id=site["ACCOUNT_ID"],
        sdk_key=site["SDK_KEY"],
    )
    with GatewaySimulator(
        document,
        account_id=site["ACCOUNT_ID"],
        sdk_key=site["SDK_KEY"],
        secret=site["SECRET"],
    ) as simulator:
        configure(settings, SDK_OPTIONS={"gateway_service": {"url": simulator.url}})
        yield simulator


@pytest.fixture
def client(gateway):
    """This process's client, which runs the gateway's settings. Nothing refreshes it."""
    store(gateway.settings)
    lifecycle.apply_in_force()
    return lifecycle.client()


def shown(gateway):
    return [e for e in gateway.impressions if e["d"]["event"]["name"] == "vwo_variationShown"]


def test_each_event_is_a_request_of_its_own_from_one_thread(gateway, client):
    before = set(threading.enumerate())
    for number in range(30):
        assert client.get_flag("new_checkout", {"id": str(number)}).is_enabled()
    gateway.wait_for(lambda: len(shown(gateway)) == 30)
    started = {t.name for t in set(threading.enumerate()) - before}
    assert started <= {"vwo-impressions", "vwo-simulator-request"}
    assert {urlsplit(request.path).path for request in gateway.event_requests} == {"/events/t"}
    assert len(gateway.event_requests) == 31  # with the event of a first use
    assert [e["d"]["visId"] for e in shown(gateway)] == [
        client.get_flag("new_checkout", {"id": str(number)}).get_uuid() for number in range(30)
    ]


def test_flush_events_sends_what_is_queued(gateway, client):
    client.get_flag("new_checkout", USER)
    client.get_flag("new_checkout", USER)
    assert client.flush_events()
    gateway.wait_for(lambda: len(shown(gateway)) == 2)


def test_what_the_gateway_does_not_accept_is_sent_again_and_in_order(gateway, client):
    gateway.misbehave_events(status=503)
    users = [str(number) for number in range(5)]
    for user in users:
        client.get_flag("new_checkout", {"id": user})
    gateway.wait_for(lambda: gateway.event_requests)
    gateway.behave()
    gateway.wait_for(lambda: len(shown(gateway)) == 5, timeout=10)
    assert len({e["d"]["visId"] for e in shown(gateway)}) == 5


@pytest.mark.parametrize("text", ["a#b&c=d%20 +", "ünï €", "line\nbreak\r\n", "\ud800", "\0", 5])
def test_whatever_a_visitor_sends_arrives(gateway, client, text):
    visitor = {**VISITOR, "user_agent": text, "ip_address": text}
    assert client.get_flag("new_checkout", visitor).is_enabled()
    gateway.wait_for(lambda: shown(gateway))
    [event] = shown(gateway)
    assert event["d"]["visitor_ua"] == text
    # not the last request: the SDK also posts what it could not make of such a text
    [request] = [request for request in gateway.event_requests if event in request.events]
    query = parse_qs(urlsplit(request.path).query)
    assert query["en"] == ["vwo_variationShown"]
    assert query["sn"] == ["vwo-fme-python-sdk"]


PLAIN = """
import json, sys, time, vwo
options = json.loads(sys.argv[1])
class Builder(vwo.VWOBuilder):
    def check_and_poll(self): pass
    def get_settings(self, force=False): return json.loads(sys.argv[2])
client = vwo.init({**options, "vwoBuilder": Builder({**options, "is_via_vwo": True})})
assert client.get_flag("new_checkout", json.loads(sys.argv[3])).is_enabled()
"""


def test_requests_are_those_of_the_sdk(settings):
    """Ours, and those of a plain client in a process of its own, to the same server."""
    site = settings.VWO_WEBHOOKS
    document = build_settings(
        feature("new_checkout"), account_id=site["ACCOUNT_ID"], sdk_key=site["SDK_KEY"]
    )
    document["sdkMetaInfo"] = {"wasInitializedEarlier": True}
    # prefixes are for VWO's own servers, and not for a gateway
    document["collectionPrefix"] = "eu01"
    with running_receiver() as server:
        options = {"gateway_service": {"url": server.url.removesuffix("/webhooks/vwo/")}}
        configure(settings, SDK_OPTIONS=options)
        store(document)
        lifecycle.apply_in_force()
        lifecycle.client().get_flag("new_checkout", VISITOR)
        wait_until(lambda: len(shown_to(server)) == 1)
        own = {"account_id": site["ACCOUNT_ID"], "sdk_key": site["SDK_KEY"]}
        arguments = [json.dumps(each) for each in ({**options, **own}, document, VISITOR)]
        subprocess.run([sys.executable, "-c", PLAIN, *arguments], check=True, timeout=60)
        wait_until(lambda: len(shown_to(server)) == 2)
    ours, plain = shown_to(server)
    assert shape(ours) == shape(plain)


def shown_to(server):
    # an older SDK asks for the user's details too, and reports that it got none
    return [request for request in server.received if "vwo_variationShown" in request.path]


VARYING = {"eTime", "random", "time", "sessionId", "msgId"}
"""What two requests for the same event differ in."""


def shape(request):
    query = parse_qs(urlsplit(request.path).query)
    body = json.loads(request.body)["d"]
    body["event"].pop("time")
    # which options the SDK runs with: the logger is ours
    body["event"]["props"].pop("vwoMeta", None)
    return (
        urlsplit(request.path).path,
        {name: None if name in VARYING else value for name, value in query.items()},
        {name: None if name in VARYING else value for name, value in body.items()},
        {name: value for name, value in request.headers.items() if name.startswith(("x-", "vwo-"))},
    )


def test_a_visitor_is_located_by_the_gateway(gateway, client):
    document = gateway.settings
    [variation] = document["campaigns"][0]["variations"]
    variation["segments"] = {"or": [{"and": [{"country": "India"}]}]}
    store(document)
    lifecycle.apply_in_force()
    answers = []
    for country in ("India", "Chad"):
        gateway.user_details = {"location": {"country": country}, "userAgent": {}}
        answers.append(client.get_flag("new_checkout", VISITOR).is_enabled())
    assert answers == [True, False]


def test_aliases_are_those_of_the_gateway(settings, gateway):
    options = settings.VWO_WEBHOOKS["SDK_OPTIONS"]
    configure(settings, SDK_OPTIONS={**options, "is_aliasing_enabled": True})
    store(gateway.settings)
    lifecycle.apply_in_force()
    client = lifecycle.client()
    assert client.set_alias("ada", "guest-7")
    assert gateway.aliases == {"guest-7": "ada"}
    assert client.get_flag("new_checkout", {"id": "guest-7"}).is_enabled()
    assert client.get_flag("new_checkout", {"id": "ada"}).is_enabled()


@pytest.mark.django_db(transaction=True)
def test_a_2xx_means_what_the_gateway_has(gateway, deliver):
    refresh_settings()
    gateway.set_flag("new_checkout", enabled=False)
    assert deliver().status_code == 200
    assert WebhookEvent.objects.get().outcome == "unchanged"
    assert get_client().get_flag("new_checkout", USER).is_enabled()
    gateway.poll()
    refresh_settings()
    assert not get_client().get_flag("new_checkout", USER).is_enabled()
    assert {fetch.path for fetch in gateway.fetches} == {"/server-side/v2-pull"}


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_process_sends_what_is_queued(gateway):
    refresh_settings()
    ran = run_site(
        "from django_vwo_webhooks.client import get_client\n"
        "for number in range(5):\n"
        "    assert get_client().get_flag('new_checkout', {'id': str(number)}).is_enabled()\n"
    )
    assert ran.returncode == 0, ran.stderr
    assert len(shown(gateway)) == 5


def test_a_gateway_that_does_not_answer_is_reported_without_the_key(gateway, client, caplog):
    gateway.refuse()
    client.get_flag("new_checkout", USER)
    assert not client.flush_events()
    # refused or reset; the sender, which was first, may be about to log it
    wait_until(lambda: "ImpressionsNotSent: connection re" in caplog.text)
    assert gateway.sdk_key not in caplog.text


def test_what_a_gateway_refuses_costs_nothing_else(gateway, client):
    gateway.misbehave_events(status=400, times=1)
    for number in range(3):
        client.get_flag("new_checkout", {"id": str(number)})
    assert client.flush_events()
    # with the event of a first use, which was refused
    assert (len(gateway.event_requests), len(gateway.impressions)) == (4, 3)
    assert impression_queue().dropped == {"refused": 1}
