from django.db import models
from django.utils.translation import gettext_lazy as _


class Outcome(models.TextChoices):
    """What became of an event."""

    PENDING = "pending", _("pending")
    CHANGED = "changed", _("changed")
    UNCHANGED = "unchanged", _("unchanged")
    FAILED = "failed", _("failed")
