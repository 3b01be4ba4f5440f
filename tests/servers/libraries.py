"""gunicorn's configuration where many workers start: the master imports what needs no settings.

Each worker still loads the site, the app and its models for itself, in half the time.
"""

import django.contrib.admin
import django.core.handlers.wsgi
import django.db.backends.sqlite3.base
import django.forms
import django.views
import rest_framework
import vwo

__all__ = ["django", "rest_framework", "vwo"]
