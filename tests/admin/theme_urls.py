from django.apps import apps
from django.urls import include, path

from tests.urls import urlpatterns as of_the_site

urlpatterns = [*of_the_site]
if apps.is_installed("grappelli"):
    urlpatterns.append(path("grappelli/", include("grappelli.urls")))
