from django.urls import include, path
from django_github_app.views import SyncWebhookView

urlpatterns = [
    path("github/", SyncWebhookView.as_view()),
    path("stripe/", include("djstripe.urls", namespace="djstripe")),
]
