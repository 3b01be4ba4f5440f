from django_vwo_webhooks.broadcast.database import DatabaseBroadcast
from tests.broadcast.contract import Contract


class TestDatabase(Contract):
    def make(self):
        return DatabaseBroadcast(poll_seconds=0.1)
