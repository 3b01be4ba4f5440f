"""What the SDK reports to VWO: made JSON, queued, and sent in batches by one thread a process.

``encoding`` makes JSON, ``posting`` posts a batch, or for a ``gateway`` one event, ``outbox``
decides what an answer means to what is queued, ``queue`` has the thread, ``process_end`` sends the
rest when the process ends.
"""

from .process_end import discard_impressions, impression_queue
from .queue import ImpressionQueue

__all__ = ["ImpressionQueue", "discard_impressions", "impression_queue"]
