from django.core.asgi import get_asgi_application
from django.urls import get_resolver

application = get_asgi_application()
_ = get_resolver().url_patterns
