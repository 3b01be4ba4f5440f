"""How a webhook is sent when the site does not answer."""

import socket

from django_vwo_webhooks.testing import VWOSimulator

QUICK = (0.01, 0.02)


def test_a_site_that_is_down_is_retried_until_the_time_is_up() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with VWOSimulator(webhook_url=url, retry_seconds=QUICK, give_up_seconds=0.1) as vwo:
            delivery = vwo.send_webhook()
            vwo.wait_for(lambda: len(delivery.attempts) >= 2)
            assert delivery.wait(5) is False
    assert delivery.attempts[0].status is None
    assert delivery.attempts[0].error == "connection refused"
