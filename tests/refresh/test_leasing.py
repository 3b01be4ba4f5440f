"""One attempt of the fleet at a time, and which one serves whom."""

import time

import pytest
from django.db import transaction
from django.db.models import F

from django_vwo_webhooks.client import get_client
from django_vwo_webhooks.exceptions import (
    RefreshBusy,
)
from django_vwo_webhooks.models import RefreshLease, WebhookEvent
from django_vwo_webhooks.refresh import refresh_settings
from django_vwo_webhooks.refresh.deadline import Deadline
from django_vwo_webhooks.refresh.leasing import batch_delay, refresh
from django_vwo_webhooks.refresh.single_flight import SingleFlight
from tests.conftest import configure, only_event, wait_until
from tests.refresh.another_process import another_process_starts, another_process_succeeds

pytestmark = pytest.mark.django_db(transaction=True)


def color():
    return get_client().get_flag("new_checkout", {"id": "u"}).get_variable("color")


def test_a_delivery_during_a_slow_fetch_is_served_by_a_later_one(vwo, deliver, in_thread):
    """Two identical deliveries, the settings changed between them, the first fetch slow."""
    deliver()
    vwo.misbehave(delay=0.7, times=1)
    answers = []
    before = len(vwo.fetches)
    in_thread(lambda: answers.append(deliver(action="same")))
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    vwo.set_flag("new_checkout", variables={"color": "green"})
    answers.append(deliver(action="same"))
    wait_until(lambda: len(answers) == 2)
    assert [answer.status_code for answer in answers] == [200, 200]
    assert color() == "green"
    event = WebhookEvent.objects.get(action="same")
    assert (event.outcome, event.deliveries) == ("changed", 2)
    assert event.finished_at is not None


def test_many_deliveries_at_once_share_fetches(vwo, deliver, in_thread):
    deliver()
    vwo.misbehave(delay=0.2)
    before = len(vwo.fetches)
    answers = []
    for number in range(12):
        in_thread(lambda number=number: answers.append(deliver(action=str(number))))
    wait_until(lambda: len(answers) == 12)
    assert {answer.status_code for answer in answers} == {200}
    assert len(vwo.fetches) - before <= 4
    assert not WebhookEvent.objects.filter(finished_at=None).exists()


def test_an_attempt_that_began_too_early_is_waited_for_only_a_second(vwo, deliver, in_thread):
    deliver()
    vwo.misbehave(delay=3)
    before = len(vwo.fetches)
    in_thread(lambda: deliver(action="slow"))
    vwo.wait_for(lambda: len(vwo.fetches) > before)
    started = time.monotonic()
    response = deliver(action="late")
    assert 0.9 < time.monotonic() - started < 2.7
    assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
    wait_until(lambda: not WebhookEvent.objects.filter(outcome="pending").exists())


def test_an_attempt_with_an_outdated_view_of_the_lease_does_not_start():
    """Another one, whose lease had run out, succeeded between the read and the start."""
    late = another_process_starts()
    RefreshLease.objects.update(expires_at=0)
    seen = RefreshLease.objects.read()
    assert RefreshLease.objects.succeed(late)
    assert RefreshLease.objects.start(seen) is None
    assert another_process_starts().attempt == late.attempt + 1


def test_too_little_time_is_not_vwos_failure(vwo, settings):
    configure(settings, REFRESH_TIMEOUT_SECONDS=2)
    late = Deadline.starting(time.monotonic() - 2)
    lease = RefreshLease.objects.read()
    result = refresh(lease, noted=lease.attempt, cause="manual", deadline=late)
    with pytest.raises(RefreshBusy, match="database"):
        result.in_force()
    assert RefreshLease.objects.get().failures == 0
    assert not vwo.fetches


def test_an_attempt_of_another_process_that_began_too_early_is_followed_by_one_here(
    vwo, deliver, in_thread
):
    refresh_settings()
    attempt = another_process_starts()
    asked = len(vwo.fetches)

    def succeed_soon():
        wait_until(lambda: WebhookEvent.objects.exists())
        another_process_succeeds(attempt)

    in_thread(succeed_soon)
    assert deliver().status_code == 200
    assert len(vwo.fetches) == asked + 1


def test_another_process_serves_what_came_before_its_attempt_started(vwo, deliver, in_thread):
    refresh_settings()
    asked = len(vwo.fetches)
    early = another_process_starts()

    def succeed_soon():
        wait_until(lambda: WebhookEvent.objects.exists())
        with transaction.atomic():
            lease = RefreshLease.objects.lock()
            assert RefreshLease.objects.succeed(early)
            attempt = RefreshLease.objects.start(lease._replace(succeeded_attempt=lease.attempt))
            assert attempt is not None
        another_process_succeeds(attempt)

    in_thread(succeed_soon)
    assert deliver().status_code == 200
    assert len(vwo.fetches) == asked
    event = only_event()
    assert (event.outcome, event.fingerprint) == ("unchanged", None)
    assert event.finished_at is not None


def test_another_process_that_takes_too_long_is_not_waited_for(vwo, deliver):
    refresh_settings()
    another_process_starts()
    started = time.monotonic()
    response = deliver()
    assert response.status_code == 503
    assert "another process" in response.json()["message"]
    assert 0.9 < time.monotonic() - started < 5
    event = only_event()
    assert (event.outcome, event.error) == ("failed", response.json()["message"])


def test_a_process_that_was_killed_during_its_attempt_blocks_the_others_for_a_moment(
    vwo, deliver, settings
):
    configure(settings, REFRESH_TIMEOUT_SECONDS=0.1)
    refresh_settings()
    another_process_starts()
    wait_until(lambda: deliver().status_code == 200)
    event = only_event()
    assert event.deliveries > 1
    assert event.outcome == "unchanged"


def test_a_lease_of_a_clock_that_was_set_back_is_over(vwo, deliver):
    refresh_settings()
    another_process_starts()
    RefreshLease.objects.update(expires_at=F("expires_at") + 3600)
    assert deliver().status_code == 200


def test_a_lease_lives_as_long_as_its_holder_said(vwo, deliver, settings):
    """A process with a shorter limit does not take the lease of one with a longer limit."""
    configure(settings, REFRESH_TIMEOUT_SECONDS=60)
    refresh_settings()
    another_process_starts()
    configure(settings, REFRESH_TIMEOUT_SECONDS=1)
    asked = len(vwo.fetches)
    assert deliver().status_code == 503
    assert len(vwo.fetches) == asked


@pytest.mark.parametrize(
    ("waited", "attempt", "delay"),
    [
        (0.0, 0.0, 0.004),
        (0.0, 0.06, 0.03),  # the first to arrive after an attempt starts no other one at once
        (0.08, 0.06, 0.04),
        (0.0, 3.0, 0.1),
        (1.0, 0.06, 0.1),
    ],
)
def test_an_attempt_lets_others_join_for_a_share_of_what_it_takes(waited, attempt, delay):
    single_flight = SingleFlight()
    single_flight.took(attempt)
    assert batch_delay(waited, single_flight.average_seconds) == pytest.approx(delay)
