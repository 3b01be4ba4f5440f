"""The site that the environment variable ``SITE_SHAPE`` names."""

import os
from importlib import import_module

from tests.settings import *  # noqa: F403
from tests.settings import DATABASES, INSTALLED_APPS, MIDDLEWARE, ROOT_URLCONF, sqlite
from tests.sites.shapes import SHAPES

shape = SHAPES[os.environ["SITE_SHAPE"]]
for module in shape.imports:
    import_module(module)

INSTALLED_APPS = [app for app in INSTALLED_APPS if app not in shape.without] + [*shape.apps]
MIDDLEWARE = [*shape.middleware] + [
    path for path in MIDDLEWARE if not path.startswith(tuple(f"{app}." for app in shape.without))
]
if "django.contrib.sessions" in shape.without:
    MIDDLEWARE = [path for path in MIDDLEWARE if "sessions" not in path]
if not shape.has_admin:
    ROOT_URLCONF = "tests.sites.webhook_alone"

DATABASES["default"]["OPTIONS"] = {**DATABASES["default"].get("OPTIONS", {}), **shape.options}
DATABASES["replica"] = sqlite("replica")
globals().update(shape.settings)
if shape.settings.get("ATOMIC_REQUESTS"):
    for database in DATABASES.values():
        database["ATOMIC_REQUESTS"] = True
