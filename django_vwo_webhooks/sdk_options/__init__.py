"""The options of the SDK: which values ``SDK_OPTIONS`` may have, and what becomes of each here.

One table, ``OPTIONS``, serves the system checks, which report what is wrong, the client, which is
made from what is right, and the documentation. The SDK is not imported.
"""

from .accepting import Batching, Problem, accepted_options, batching
from .table import OPTIONS, Option

__all__ = ["OPTIONS", "Batching", "Option", "Problem", "accepted_options", "batching"]
