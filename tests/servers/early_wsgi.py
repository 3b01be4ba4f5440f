"""As the docs have it: a worker's client is made when the worker starts."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django_vwo_webhooks.client import get_client  # noqa: E402

get_client()
