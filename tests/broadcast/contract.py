"""What a backend has to fulfil beside what third parties inherit."""

import time

from django_vwo_webhooks.testing.broadcast import CHANNEL, BroadcastContract


class Contract(BroadcastContract):
    def test_a_timeout_of_zero_subscribes(self):
        publishing, listening = self.pair()
        listening.listen(CHANNEL, 0)
        publishing.publish(CHANNEL)
        assert listening.listen(CHANNEL, 5.0 if listening.pushes else 0) == listening.pushes
        self._close(publishing, listening)

    def test_a_timeout_of_zero_does_not_wait(self):
        _, listening = self.pair()
        listening.listen(CHANNEL, 0)
        started = time.monotonic()
        assert not listening.listen(CHANNEL, 0)
        assert time.monotonic() - started < 1
        self._close(listening)

    def test_a_closed_one_listens_no_more(self):
        _, listening = self.pair()
        listening.listen(CHANNEL, 0)
        listening.close()
        started = time.monotonic()
        assert not listening.listen(CHANNEL, 30.0)
        assert time.monotonic() - started < 5
