import logging
import os

from celery import shared_task

from django_vwo_webhooks.client import get_client

logger = logging.getLogger("shop")


@shared_task  # type: ignore[untyped-decorator]
def log_checkout() -> str:
    """Log which checkout this worker process serves."""
    flag = get_client().get_flag("new_checkout", {"id": "celery"})
    checkout = "new" if flag.is_enabled() else "old"
    logger.info("Worker process %d serves the %s checkout.", os.getpid(), checkout)
    return checkout
