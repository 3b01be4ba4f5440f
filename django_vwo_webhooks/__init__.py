"""VWO webhooks for Django: fresh feature flags in every process, and a trail that says so."""

__version__ = "1.0.0rc1"
