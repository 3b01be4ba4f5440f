import logging

from django_vwo_webhooks.log_once import LogOnce


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
