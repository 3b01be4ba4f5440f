from django.contrib import admin
from django.urls import include, path

from .floor.views import FloorView
from .pages import five_flags, flag

urlpatterns = [
    path("admin/", admin.site.urls),
    path("flag/", flag),
    path("flags/", five_flags),
    path("floor/", FloorView.as_view()),
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
]
