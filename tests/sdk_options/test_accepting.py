"""What is wrong with options is reported, and the SDK is given the others."""

import pytest

from django_vwo_webhooks.sdk_options import Batching, accepted_options, batching
from tests.sdk_options.examples import (
    FINE,
    GATEWAY_URLS,
    IGNORED,
    IGNORED_ALONE,
    INVALID,
    INVALID_ALONE,
    PROXY_URLS,
    UNKNOWN,
    UNKNOWN_ALONE,
    batch,
    callback,
    gateway,
    label,
)


def kinds(problems):
    return [problem.kind for problem in problems]


@pytest.mark.parametrize("options", INVALID_ALONE, ids=label)
def test_an_invalid_option_is_left_out_and_reported_with_the_line_to_write(options):
    accepted, [problem] = accepted_options(options)
    [name] = options
    assert problem.kind == INVALID
    assert problem.message.startswith(f'VWO_WEBHOOKS["SDK_OPTIONS"]["{name}"]')
    assert problem.hint.startswith('Write: VWO_WEBHOOKS = {…, "SDK_OPTIONS": {…, ')
    assert not any(accepted.values())
    assert batching(options) == Batching()


@pytest.mark.parametrize("options", IGNORED_ALONE, ids=label)
def test_an_option_that_is_ignored_is_left_out_and_reported(options):
    accepted, [problem] = accepted_options(options)
    [name] = options
    assert problem.kind == IGNORED
    assert problem.message.startswith(f'VWO_WEBHOOKS["SDK_OPTIONS"]["{name}"] is ignored: ')
    assert problem.hint
    assert accepted == {}


@pytest.mark.parametrize(("options", "near"), UNKNOWN_ALONE, ids=label)
def test_an_unknown_option_is_reported_with_the_nearest_known_one(options, near):
    _, [problem] = accepted_options(options)
    assert problem.kind == UNKNOWN
    if near:
        assert problem.hint == f'Did you mean "{near}"?'
    else:
        assert problem.hint.startswith("Known options: ")


def test_an_unknown_option_is_passed_on_since_a_newer_sdk_may_know_it():
    accepted, _ = accepted_options({"new": 1, 5: 6, **batch(new=1)})
    assert accepted == {"new": 1, "batch_event_data": {}}


@pytest.mark.parametrize(("options", "accepted"), FINE, ids=label)
def test_what_is_fine_is_accepted(options, accepted):
    found, problems = accepted_options(options)
    assert problems == []
    # False is the default of each switch
    assert {key: value for key, value in found.items() if value is not False} == accepted


@pytest.mark.parametrize(("value", "url"), PROXY_URLS, ids=label)
def test_a_proxy_url_is_accepted(value, url):
    assert accepted_options({"proxy_url": value}) == ({"proxy_url": url}, [])


@pytest.mark.parametrize(("value", "url"), GATEWAY_URLS, ids=label)
def test_the_url_of_a_gateway_is_put_together(value, url):
    accepted, problems = accepted_options({"gateway_service": value})
    assert problems == []
    assert accepted == {"gateway_service": {"url": url}}


@pytest.mark.parametrize(
    ("value", "part"),
    [
        ("http://proxy.example/vwo?x=1", "query"),
        ("http://proxy.example/vwo#x", "fragment"),
        ("http://ada:s3cret-word@proxy.example/vwo", "user name or password"),
    ],
)
@pytest.mark.parametrize("make", [lambda url: {"proxy_url": url}, lambda url: gateway(url=url)])
def test_parts_of_a_url_that_are_not_used_are_reported_without_a_password(value, part, make):
    accepted, [problem] = accepted_options(make(value))
    assert problem.kind == IGNORED
    assert f"has a {part}, which is ignored" in problem.message
    assert "http://proxy.example/vwo" in str(accepted)
    assert "s3cret-word" not in str((accepted, problem))


@pytest.mark.parametrize("value", [0, 65536, -1, True, "x", "", 80.0, "٣"], ids=label)
def test_a_wrong_port_of_a_gateway_is_left_out(value):
    accepted, [problem] = accepted_options(gateway(url="http://gateway.example", port=value))
    assert problem.message.startswith('VWO_WEBHOOKS["SDK_OPTIONS"]["gateway_service"]["port"] sho')
    assert accepted == {"gateway_service": {"url": "http://gateway.example"}}


@pytest.mark.parametrize("value", ["ftp", "HTTP", "", 5, []], ids=label)
def test_a_wrong_protocol_of_a_gateway_is_left_out(value):
    accepted, [problem] = accepted_options(gateway(url="gateway.example", protocol=value))
    assert problem.kind == INVALID
    assert accepted == {"gateway_service": {"url": "https://gateway.example"}}


def test_a_gateway_makes_other_options_useless():
    options = {
        "proxy_url": "http://proxy.example",
        **gateway(),
        **batch(flush_callback=callback),
        "is_aliasing_enabled": True,
    }
    accepted, problems = accepted_options(options)
    assert accepted == {**gateway(), "is_aliasing_enabled": True}
    assert [problem.message.split('"')[3] for problem in problems] == [
        "proxy_url",
        "batch_event_data",
    ]
    assert kinds(problems) == [IGNORED, IGNORED]
    assert batching(options) == Batching(events_per_request=1)


def test_aliasing_is_not_enabled_where_the_gateway_is_invalid():
    accepted, problems = accepted_options({"gateway_service": "x", "is_aliasing_enabled": True})
    assert accepted == {}
    assert kinds(problems) == [INVALID, INVALID]


def test_each_problem_is_reported_and_what_is_right_is_accepted():
    accepted, problems = accepted_options(
        batch(events_per_request="50", request_time_interval=5, interval=1, flush_callback=5)
    )
    assert accepted == batch(request_time_interval=5)
    assert kinds(problems) == [INVALID, UNKNOWN, INVALID]
    assert batching(batch(events_per_request=0, request_time_interval=5)) == Batching(
        request_time_interval=5
    )
