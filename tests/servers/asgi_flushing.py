"""The site as docs/impressions.md has it for uvicorn, which ends by a signal."""
# isort: skip_file

from asgiref.sync import sync_to_async

from tests.servers.asgi import application as django_application

# once Django has been set up
from django_vwo_webhooks.client import get_client


async def application(scope, receive, send):
    if scope["type"] != "lifespan":
        await django_application(scope, receive, send)
        return
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await sync_to_async(get_client().flush_events)()
    await send({"type": "lifespan.shutdown.complete"})
