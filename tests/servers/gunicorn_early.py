"""As the docs have it for ``--preload``: not in the master, but in each worker."""


def post_worker_init(worker: object) -> None:
    from django_vwo_webhooks.client import get_client

    get_client()
