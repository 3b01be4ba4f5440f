"""A Celery app on this test's site: one task that tells which flag its process serves."""

import os

from celery import Celery

app = Celery("tests", broker=os.environ["TEST_REDIS_URL"], backend=os.environ["TEST_REDIS_URL"])
app.conf.task_default_queue = f"vwo-tests{os.environ.get('PYTEST_XDIST_WORKER', '')}"
# loaded by the parent, before it forks the workers
app.conf.imports = ["tests.servers.tasks"]
