from django.urls import path

from benchmarks.sites.pages import empty, five_flags, flag

from .views import webhook

urlpatterns = [
    path("empty/", empty),
    path("flag/", flag),
    path("flags/", five_flags),
    path("naive/", webhook),
]
