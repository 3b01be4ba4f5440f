from django.urls import include, path

urlpatterns = [path("webhooks/vwo/", include("django_vwo_webhooks.urls"))]
