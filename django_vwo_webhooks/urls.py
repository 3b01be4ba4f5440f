from django.urls import path

from .views import WebhookView

app_name = "django_vwo_webhooks"

urlpatterns = [path("", WebhookView.as_view(), name="webhook")]
