from django_vwo_webhooks.client import get_client


def enabled():
    return get_client().get_flag("new_checkout", {"id": "u"}).is_enabled()
