"""System checks: what is wrong with the site, and what to write instead."""

from .database import check_database, check_kill_switches, check_retention, check_tables
from .settings import check_settings
from .urls import check_redirects, check_urls

__all__ = [
    "check_database",
    "check_kill_switches",
    "check_redirects",
    "check_retention",
    "check_settings",
    "check_tables",
    "check_urls",
]
