from django.db import models


class Event(models.Model):
    timestamp = models.BigIntegerField()
    event = models.CharField(max_length=255)
    action = models.CharField(max_length=255)
    triggered_by = models.CharField(max_length=255)
