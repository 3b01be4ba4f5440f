from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles.views import serve
from django.urls import include, path, re_path
from shop.views import shop

urlpatterns = [
    path("", shop, name="shop"),
    path("admin/", admin.site.urls),
    path("webhooks/vwo/", include("django_vwo_webhooks.urls")),
    # this example serves its static files itself; a real site leaves that to its web server
    re_path(r"^static/(?P<path>.*)$", login_not_required(serve), {"insecure": True}),
]
