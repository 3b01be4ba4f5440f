"""What an answer means to what waits: nothing is lost by it but what VWO will never take."""

import json
import random
import time

import pytest

from django_vwo_webhooks.sdk.impressions import outbox, posting
from django_vwo_webhooks.sdk.impressions.outbox import Outbox
from django_vwo_webhooks.sdk.impressions.posting import Answer, Destination, Outcome
from django_vwo_webhooks.testing.fault_injection import HANG_SECONDS
from tests.conftest import wait_until
from tests.sdk.impressions.conftest import USER, batches, names, orders

ANYWHERE = Destination("1", "key", "https", "vwo.example", "/batch")
KEEPING = [{"status": s} for s in (301, 401, 403, 404, 408, 429, 500, 502, 503)]


@pytest.fixture(autouse=True)
def quick_retries(monkeypatch):
    monkeypatch.setattr(outbox, "FIRST_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(outbox, "LONGEST_PAUSE_SECONDS", 0.2)


@pytest.fixture
def impatient(monkeypatch):
    """A time-out of 0.2 s, where the SDK has 3 s."""
    monkeypatch.setattr(posting, "POST_TIMEOUT_SECONDS", 0.2)


def purchase(client, *numbers):
    for number in numbers:
        assert client.track_event("purchase", USER, {"order": number}) == {"purchase": True}


def purchase_with_bad_ones(client, bad, of):
    """``of`` events in a row, those with the numbers in ``bad`` being some that VWO refuses."""
    for number in range(of):
        client.track_event("bad" if number in bad else "purchase", USER, {"order": number})


def has_bad(request):
    return b'"bad"' in request.body


@pytest.mark.parametrize("how", [*KEEPING, {"reset": True, "times": 3}], ids=str)
def test_any_other_answer_loses_nothing_and_keeps_the_order(vwo, client, queue, how):
    vwo.misbehave_events(**how)
    purchase(client, *range(30))
    vwo.wait_for(lambda: len(batches(vwo)) >= 3)
    purchase(client, *range(30, 40))
    vwo.behave()
    vwo.wait_for(lambda: len(orders(vwo)) >= 40)
    assert orders(vwo) == list(range(40))
    wait_until(lambda: not queue.waiting)
    assert not queue.dropped


def test_a_request_that_was_never_sent_is_retried_without_limit(vwo, client, queue, monkeypatch):
    posts = []
    post = outbox.Outbox.settle
    monkeypatch.setattr(outbox.Outbox, "settle", lambda *args: posts.append(args[2]) or post(*args))
    vwo.refuse()
    purchase(client, *range(30))
    wait_until(lambda: len(posts) >= 8)
    assert {answer.outcome for answer in posts} == {Outcome.UNSENT}
    vwo.accept()
    vwo.wait_for(lambda: orders(vwo) == list(range(30)))
    assert not queue.dropped


@pytest.mark.parametrize("status", [400, 413, 422])
@pytest.mark.parametrize("bad", [{0}, {7}, {29}, {3, 20}, {0, 1, 2, 3, 4, 5, 6}, set(range(20))])
def test_events_that_vwo_refuses_cost_themselves_only(vwo, client, queue, caplog, status, bad):
    vwo.misbehave_events(status=status, when=has_bad)
    purchase_with_bad_ones(client, bad, of=30)
    vwo.wait_for(lambda: len(orders(vwo)) == 30 - len(bad), timeout=20)
    assert sorted(orders(vwo)) == sorted(set(range(30)) - bad)
    if len(bad) <= 2:
        assert orders(vwo) == sorted(orders(vwo))
    number = 30
    while queue.waiting:
        # another event has to show that VWO does not refuse everything
        purchase(client, number)
        vwo.wait_for(lambda n=number: n in orders(vwo))
        number += 1
    assert queue.dropped == {"refused": len(bad)}
    assert "bad" not in names(vwo)
    assert caplog.text.count("bad is not sent to VWO: VWO refuses it") == 1


def test_one_bad_event_is_found_by_halving(vwo, client, queue):
    vwo.misbehave_events(status=400, when=has_bad)
    purchase_with_bad_ones(client, {77}, of=99)
    assert client.flush_events()
    assert orders(vwo) == sorted(set(range(99)) - {77})
    assert len(batches(vwo)) <= 15, "and not one by one"


def test_a_batch_that_is_too_large_is_halved_until_it_fits(vwo, client, queue):
    vwo.misbehave_events(status=413, when=lambda request: len(request.body) > 10_000)
    for number in range(50):
        client.track_event("purchase", USER, {"order": number, "text": "x" * 1000})
    client.track_event("large", USER, {"text": "x" * 10_000})
    purchase(client, 50)
    vwo.wait_for(lambda: len(orders(vwo)) == 51)
    assert orders(vwo) == list(range(51))
    wait_until(lambda: not queue.waiting)
    assert queue.dropped == {"refused": 1}


def test_a_refusal_of_everything_costs_three_events(vwo, client, queue):
    vwo.misbehave_events(status=400)
    purchase(client, *range(40))
    wait_until(lambda: queue.dropped["refused"] == 3)
    so_far = len(batches(vwo))
    vwo.wait_for(lambda: len(batches(vwo)) >= so_far + 5)
    assert set(batches(vwo)[so_far + 1 :]) == {1}
    vwo.behave()
    vwo.wait_for(lambda: len(orders(vwo)) == 37)
    wait_until(lambda: not queue.waiting)
    assert sorted(orders(vwo)) == list(range(3, 40))
    assert queue.dropped == {"refused": 3}


def test_single_events_that_are_all_refused_cost_three_events(vwo, client, queue):
    """One by one, as on a site with few visitors."""
    vwo.misbehave_events(status=400)
    for number in range(10):
        before = len(batches(vwo))
        purchase(client, number)
        vwo.wait_for(lambda b=before: len(batches(vwo)) > b)
    assert queue.dropped == {"refused": 3}
    vwo.behave()
    vwo.wait_for(lambda: sorted(orders(vwo)) == list(range(3, 10)))


def test_what_was_sent_without_an_answer_is_sent_three_times_more(
    vwo, client, queue, impatient, caplog
):
    vwo.misbehave_events(delay=HANG_SECONDS)
    purchase(client, 1, 2)
    wait_until(lambda: queue.dropped)
    assert queue.dropped == {"unanswered": 2}
    assert orders(vwo) == [1, 2] * 4
    assert caplog.text.count("sent 4 times without an answer") == 1
    vwo.behave()
    purchase(client, 3)
    vwo.wait_for(lambda: orders(vwo)[-1] == 3)
    assert len(orders(vwo)) == 9


def test_what_is_answered_late_is_sent_once_more_and_not_for_ever(vwo, client, queue, impatient):
    vwo.misbehave_events(delay=0.4, times=1)
    purchase(client, 1)
    vwo.wait_for(lambda: orders(vwo) == [1, 1])
    purchase(client, 2)
    vwo.wait_for(lambda: orders(vwo) == [1, 1, 2])
    assert not queue.dropped


def test_a_batch_without_an_answer_gets_no_more_events(vwo, client, queue):
    """Else an event would be sent more often than four times, or dropped after one time."""
    queue.options = queue.options._replace(request_time_interval=60)
    vwo.misbehave_events(reset=True)
    purchase(client, 1, 2)
    assert not client.flush_events()
    purchase(client, 3, 4, 5)
    wait_until(lambda: queue.dropped)
    assert batches(vwo)[:4] == [2] * 4
    assert queue.dropped["unanswered"] == 2
    vwo.behave()
    vwo.wait_for(lambda: orders(vwo) == [3, 4, 5])


@pytest.mark.parametrize("between", [Outcome.NOT_NOW, Outcome.UNSENT])
def test_other_answers_in_between_change_nothing_about_that(between):
    box = Outbox(ANYWHERE)
    box.events.extend([b"{}", b"{}"])
    for _ in range(3):
        assert box.settle(box.next_batch(100), Answer(Outcome.UNANSWERED), 100, 2.0) is None
        assert box.settle(box.next_batch(100), Answer(between), 100, 2.0) is None
        box.add(b"[]", 100, 2.0)
    dropped = box.settle(box.next_batch(100), Answer(Outcome.UNANSWERED), 100, 2.0)
    assert dropped.events == [b"{}", b"{}"]
    assert list(box.events) == [b"[]"] * 3


def test_resets_count_as_sent(vwo, client, queue):
    vwo.misbehave_events(reset=True)
    purchase(client, 1, 2)
    wait_until(lambda: queue.dropped)
    assert queue.dropped == {"unanswered": 2}
    assert batches(vwo) == [2] * 4


def test_a_vwo_that_hangs_costs_one_batch_and_then_single_events():
    box = Outbox(ANYWHERE)
    box.events.extend([b"{}"] * 300)
    silence, sizes = Answer(Outcome.UNANSWERED), []
    for _ in range(12):
        batch = box.next_batch(100)
        sizes.append(batch.size)
        box.settle(batch, silence, 100, 2.0)
    assert sizes == [100] * 4 + [1] * 8
    for answer in (Answer(Outcome.UNSENT), Answer(Outcome.ACCEPTED)):
        assert box.next_batch(100).size == 1
        box.settle(box.next_batch(100), answer, 100, 2.0)
    assert box.next_batch(100).size == 100
    assert box.removed == 103


def test_the_pause_grows_with_jitter_to_15_s(monkeypatch):
    monkeypatch.undo()
    box, answer = Outbox(ANYWHERE), Answer(Outcome.NOT_NOW)
    pauses = []
    random.seed(1)
    for _ in range(10):
        box.events.append(b"{}")
        started = time.monotonic()
        box.settle(box.next_batch(100), answer, 100, 2.0)
        pauses.append(box.due_at - started)
    assert pauses == [pytest.approx(p, rel=0.51) for p in [1, 2, 4, 8, 15, 15, 15, 15, 15, 15]]
    assert max(pauses) <= 15.1
    assert len({round(pause, 3) for pause in pauses[6:]}) == 4
    box.settle(box.next_batch(100), Answer(Outcome.ACCEPTED), 100, 2.0)
    assert not box.is_pausing


def test_whatever_vwo_answers_no_good_event_is_lost_or_doubled(monkeypatch):
    """Random answers, of a VWO that has what it answers with 200 and refuses what is bad."""
    for seed in range(100):
        chosen = random.Random(seed)
        box, arrived, dropped, number = Outbox(ANYWHERE), [], [], 0
        rounds = 0
        while number < 60 or box.events:
            rounds += 1
            for _ in range(chosen.choice([0, 0, 1, 5, 20])) if number < 60 else ():
                bad = chosen.random() < 0.2
                box.add(json.dumps({"number": number, "bad": bad}).encode(), 10, 2.0)
                number += 1
            if not box.events:
                continue
            batch = box.next_batch(10)
            events = [json.loads(event) for event in box.content(batch)]
            assert 0 < len(events) == batch.size <= 10
            fails = rounds < 200 and chosen.random() < 0.3
            if fails:
                outcome = chosen.choice([Outcome.NOT_NOW, Outcome.UNSENT])
            elif any(event["bad"] for event in events):
                outcome = Outcome.REFUSED
            else:
                outcome = Outcome.ACCEPTED
                arrived += [event["number"] for event in events]
            for _ in range(chosen.choice([0, 1, 2])) if number < 60 else ():
                box.add(json.dumps({"number": number, "bad": False}).encode(), 10, 2.0)
                number += 1
            lost = box.settle(batch, Answer(outcome), 10, 2.0)
            dropped += [json.loads(event) for event in lost.events] if lost else []
            if box.events and all(json.loads(event)["bad"] for event in box.events):
                # bad ones alone wait, since everything may be refused
                box.add(json.dumps({"number": number, "bad": False}).encode(), 10, 2.0)
                number += 1
            assert rounds < 2000, seed
        assert all(event["bad"] for event in dropped), seed
        assert sorted(arrived + [event["number"] for event in dropped]) == list(range(number)), seed
        assert box.removed == number
