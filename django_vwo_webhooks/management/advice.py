"""What a refused or unanswered webhook means, and what to do about it."""

from http import HTTPStatus
from urllib.parse import urljoin, urlsplit

from .outgoing import DeliveryAttempt

STATUSES: dict[int, str] = {
    401: "The secret is not accepted by the site that answered. Put the key that VWO generated "
    'into VWO_WEBHOOKS["SECRET"] there, and restart the site; to send another secret, add '
    "--secret.",
    405: "What is at this URL does not accept POST. Give the webhook's URL: what you included "
    "django_vwo_webhooks.urls under, with its trailing slash.",
    411: "The request reached the site without its length. Have the proxy pass Content-Length.",
    413: "The body is larger than is accepted. Raise the limit of the proxy in front of the site "
    '(nginx: client_max_body_size), or VWO_WEBHOOKS["MAX_BODY_BYTES"] and, where that is smaller, '
    "Django's DATA_UPLOAD_MAX_MEMORY_SIZE.",
    429: "Something in front of the site limits the number of requests. Exempt the webhook's URL.",
    503: "The webhook works, but the settings could not be refreshed; the reason is above, and "
    "manage.py vwo_status shows more. To develop without VWO, run: "
    "python -m django_vwo_webhooks.testing --help",
}
"""For answers of the webhook's own."""

FOREIGN_STATUSES: dict[int, str] = {
    400: "This answer is not the webhook's. Django answers so for a host that is not in "
    'ALLOWED_HOSTS: add "{host}" to it. A server may also expect HTTPS here: try https://.',
    401: "This answer is not the webhook's: something in front of it, such as HTTP basic "
    "authentication, wants other credentials. Exempt the webhook's URL there.",
    403: "This answer is not the webhook's: a firewall, a list of addresses, a middleware or "
    "CSRF protection in front of it refuses the request. Exempt {path} there. The webhook itself "
    "needs no csrf_exempt, unless it is wrapped in a view of your own.",
    404: "There is nothing at this URL. Write in the site's URLs: "
    'path("webhooks/vwo/", include("django_vwo_webhooks.urls")), and give this URL with its '
    "trailing slash.",
    410: "There is nothing at this URL any more. Give the webhook's URL.",
    413: "A proxy in front of the site refuses bodies of this size. Raise its limit (nginx: "
    "client_max_body_size).",
    421: "The server does not serve this host. Check the host in the URL, and its certificate.",
    500: "The site failed with an error of its own: see its log.",
    502: "A proxy answered, since it could not reach the site. Start the site, and check the "
    "proxy's upstream.",
    503: "A proxy or a maintenance page answered, not the webhook. Start the site, and exempt "
    "{path} from maintenance mode.",
    504: "A proxy gave up waiting for the site. Give it more time than "
    'VWO_WEBHOOKS["REFRESH_TIMEOUT_SECONDS"] + 1 (nginx: proxy_read_timeout).',
}
"""For answers of something else: a proxy, a middleware, another view."""


def advice(url: str, attempt: DeliveryAttempt) -> str:
    """What went wrong with this attempt, and what to do; "" for a delivery that succeeded."""
    if attempt.status is None:
        return f"{attempt.error}. {_unanswered(url, attempt.error or '')}"
    if attempt.succeeded:
        return "" if attempt.is_from_webhook else _not_the_webhook(url, attempt.status)
    return f"HTTP {attempt.status}. {_refused(url, attempt, attempt.status)}"


def _refused(url: str, attempt: DeliveryAttempt, status: int) -> str:
    if 300 <= status < 400:
        return _redirected(url, attempt.location)
    if attempt.is_from_webhook:
        if status == 400:
            return "The site accepted the secret and refused the body; the reason is above."
        text = STATUSES.get(status) or FOREIGN_STATUSES.get(status)
    else:
        text = FOREIGN_STATUSES.get(status) or STATUSES.get(status)
    if text is None:
        text = f"{_phrase(status)}: see the logs of the site, and of what is in front of it."
    address = urlsplit(url)
    if status == 500 and not address.path.endswith("/"):
        text += " With DEBUG, Django fails so where the trailing slash is missing: give {path}/."
    return text.format(host=address.hostname, path=address.path or "/")


def _redirected(url: str, location: str | None) -> str:
    intro = "The URL redirects, and VWO does not follow redirects."
    before = urlsplit(url)
    try:
        target = urljoin(url, location or "")
        after = urlsplit(target)
    except ValueError:
        location = None
    if not location:
        return f"{intro} Give the URL that answers by itself."
    moved = (after.netloc, after.path, after.query) != (before.netloc, before.path, before.query)
    if after.hostname == before.hostname and after.path == f"{before.path}/":
        return f"{intro} The trailing slash is missing. Give: {target}"
    if not moved and after.scheme == before.scheme:
        return f"{intro} It redirects to itself: check what the proxy and the site redirect."
    secure = before.scheme == "http" and after.scheme == "https"
    if secure and after.hostname == before.hostname and after.path == before.path:
        return (
            f"{intro} The site wants HTTPS. Give: {target} (if this is the site behind its proxy, "
            "set SECURE_PROXY_SSL_HEADER and have the proxy send that header)"
        )
    if after.path == before.path:
        return f"{intro} The site uses another host. Give: {target}"
    return (
        f"{intro} It leads to {_without_query(target)}, which is not the webhook: a middleware or "
        f"a proxy wants a login, a language or the like there. Exempt {before.path or '/'} from it."
    )


def _without_query(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _not_the_webhook(url: str, status: int) -> str:
    return (
        f"HTTP {status}, but this answer is not the webhook's, so the site was not refreshed. Give "
        "the webhook's URL: what you included django_vwo_webhooks.urls under."
    )


def _unanswered(url: str, error: str) -> str:
    address = urlsplit(url)
    if error == "connection refused":
        return f"Is the server running there? Start it, or give its address: --host {_example(url)}"
    if error == "unknown host":
        return f'Check the name "{address.hostname}": it has no address in DNS.'
    if error.startswith("TLS: "):
        return (
            "VWO needs a certificate that is valid for this host and complete with its "
            "intermediates. A development server speaks plain HTTP: give http://."
        )
    if error.startswith("no response within"):
        return "Is the address right, and does a firewall drop the request?"
    return "Is the address right? A port that speaks HTTPS or another protocol closes like this."


def _example(url: str) -> str:
    return f"{urlsplit(url).scheme}://{urlsplit(url).netloc}"


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"
