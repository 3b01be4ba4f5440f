import logging

from django_vwo_webhooks.log_once import LogOnce, OnceInAWhile


def messages(caplog):
    return [record.getMessage() for record in caplog.records]


def test_a_lasting_problem_is_logged_when_it_begins_and_when_it_has_ended(caplog):
    log = LogOnce("doing something", "it is retried")
    log.succeeded()
    for _ in range(3):
        log.failed(OSError("the reason"))
    for _ in range(3):
        log.succeeded()
    log.failed(ValueError())
    assert messages(caplog) == [
        "Failed: doing something (OSError); it is retried.",
        "Recovered: doing something.",
        "Failed: doing something (ValueError); it is retried.",
    ]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}
    assert "the reason" in caplog.text, "with its traceback"


def test_many_threads_that_fail_at_once_log_once(caplog, in_thread):
    log = LogOnce("doing something", "it is retried")
    threads = [in_thread(lambda: log.failed(OSError())) for _ in range(16)]
    for thread in threads:
        thread.join()
    assert len(messages(caplog)) == 1


class TestOnceInAWhile:
    def test_the_same_is_admitted_once_and_counted(self, monkeypatch):
        sparing = OnceInAWhile()
        assert [sparing.admit("a") for _ in range(3)] == [0, None, None]
        assert sparing.admit("b") == 0
        monkeypatch.setattr(OnceInAWhile, "SECONDS", 0.0)
        assert [sparing.admit("a") for _ in range(2)] == [2, 0]

    def test_it_remembers_a_thousand_at_most(self):
        sparing = OnceInAWhile()
        assert [sparing.admit(number) for number in range(1500)] == [0] * 1500
        assert sparing.admit(1499) is None
        assert sparing.admit(0) == 0
        assert len(sparing._admitted) == 1000
