"""What the mypy plugin of django-stubs sets Django up with."""

SECRET_KEY = "types"
INSTALLED_APPS = ["rest_framework", "django_vwo_webhooks"]
