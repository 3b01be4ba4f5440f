import time

from celery import shared_task

from tests.servers.site import served


@shared_task
def flag(visitor: str = "u") -> dict[str, object]:
    time.sleep(0.01)  # long enough for another process to take the next one
    return served(visitor)
