from django_vwo_webhooks.broadcast.local import LocalBroadcast
from tests.broadcast.contract import Contract


class TestLocal(Contract):
    def make(self):
        return LocalBroadcast()

    # it publishes within one object of one process
    def pair(self):
        broadcast = self.make()
        return broadcast, broadcast
