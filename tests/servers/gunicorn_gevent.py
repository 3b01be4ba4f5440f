"""As the docs have it for ``gunicorn -k gevent --preload``: patched before anything is imported."""

from gevent import monkey

monkey.patch_all()
