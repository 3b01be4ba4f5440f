from django.urls import path

from .views import StatusView, WebhookView

app_name = "django_vwo_webhooks"

urlpatterns = [
    path("", WebhookView.as_view(), name="webhook"),
    path("status/", StatusView.as_view(), name="status"),
]
