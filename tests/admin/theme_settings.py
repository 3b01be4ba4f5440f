"""The tests' site with the theme of the admin that ``SITE_THEME`` names."""

import os

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

THEME = os.environ["SITE_THEME"]

if THEME != "django":
    INSTALLED_APPS = [THEME, *INSTALLED_APPS]

ROOT_URLCONF = "tests.admin.theme_urls"
