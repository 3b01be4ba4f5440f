"""This process's queue, and how what it holds is sent when the process ends.

``atexit`` is enough for most processes. Those that end by ``os._exit`` skip it: children of
multiprocessing and of its copy billiard, which run finalizers, and Celery's workers, which send a
signal. A process registers with them when it queues its first event: by then it has imported
them, and a child clears what it inherited.
"""

import atexit
import sys
from typing import Any

from ...process import PerProcess
from .queue import ImpressionQueue


def close_queue(**kwargs: Any) -> None:
    """Send what this process has queued; what its parent has queued is the parent's to send."""
    queue = impression_queue.peek()
    if queue is not None:
        queue.close()


def _register() -> None:
    for library in ("multiprocessing", "billiard"):
        util = sys.modules.get(f"{library}.util")
        if util is not None:
            util.Finalize(None, close_queue, exitpriority=0)
    signals = sys.modules.get("celery.signals")
    if signals is not None:
        signals.worker_process_shutdown.connect(close_queue, weak=False)


impression_queue = PerProcess(lambda: ImpressionQueue(at_start=_register))


def discard_impressions() -> None:
    """Drop what is queued, and end the thread, as tests do; the next use starts anew."""
    queue = impression_queue.peek()
    if queue is not None:
        queue.discard()
        impression_queue.forget()


atexit.register(close_queue)
