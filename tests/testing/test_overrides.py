"""Flags are overridden in tests, whatever VWO serves."""

import asyncio
import threading

import pytest
from django.test import SimpleTestCase

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.testing import override_flags

USER = {"id": "u"}


def flag(key="new_checkout"):
    return get_client().get_flag(key, USER)


@pytest.mark.django_db(transaction=True)
def test_flags_are_on_off_or_on_with_variables(vwo):
    refresh_settings()
    with override_flags(new_checkout=False, banner=True):
        assert not flag().is_enabled()
        assert flag("banner").is_enabled()
        with override_flags({"new_checkout": {"color": "blue"}}):
            assert flag().is_enabled()
            assert flag().get_variable("color") == "blue"
            assert flag().get_variables()[0]["value"] == "blue"
            assert flag("banner").is_enabled()
        assert not flag().is_enabled()
    assert flag().get_variable("color") == "red"


@override_flags(new_checkout={"color": "green"})
def test_as_a_decorator(vwo):
    assert flag().get_variable("color") == "green"


@pytest.mark.django_db(transaction=True)
def test_as_a_decorator_of_an_async_test():
    @override_flags(new_checkout=True)
    async def enabled():
        return flag().is_enabled()

    assert asyncio.run(enabled())
    assert not flag().is_enabled()


@override_flags(new_checkout=True)
class AsADecoratorOfAClassTests(SimpleTestCase):
    def test_it_applies_to_each_test(self):
        assert flag().is_enabled()


def test_classes_that_are_not_test_cases_are_refused():
    with pytest.raises(TypeError, match="TestCase"):

        @override_flags(new_checkout=True)
        class TestPlain:
            pass


@pytest.mark.django_db(transaction=True)
def test_nothing_is_reported_to_vwo(vwo):
    refresh_settings()
    with override_flags(new_checkout=True):
        flag()
    get_client().flush_events()
    assert not [e for e in vwo.impressions if e["d"]["event"]["name"] == "vwo_variationShown"]


def test_a_value_of_another_type_is_an_error():
    with pytest.raises(TypeError, match="True, False or a dict"):
        override_flags(new_checkout="on")


@override_flags(new_checkout=True)
def test_no_follower_starts_and_vwo_is_not_asked(vwo):
    assert flag().is_enabled()
    assert "vwo-follower" not in [thread.name for thread in threading.enumerate()]
    assert not vwo.fetches
