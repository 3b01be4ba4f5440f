"""Each language that is shipped is complete, compiled, and all that its reader sees."""

import io
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings as site
from django.test import Client
from django.utils import timezone, translation
from django.utils.translation.template import templatize

import django_vwo_webhooks
from django_vwo_webhooks.models import Flag, WebhookEvent
from tests.admin.conftest import EVENTS, FLAG_LIST, SNAPSHOTS
from tests.changes.conftest import FLAGS, TARGETED

PACKAGE = Path(django_vwo_webhooks.__file__).parent
KEYWORDS = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
FILES = sorted((PACKAGE / "locale").glob("*/LC_MESSAGES/django.po"))
PLACEHOLDER = re.compile(r"%(?:\(\w+\))?[.\d]*[a-z%]")

each_language = pytest.mark.parametrize("path", FILES, ids=lambda path: path.parts[-3])


def messages_in_code():
    """The context and the message of each text that is marked; of a plural both forms."""
    found = set()
    for path in sorted([*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.html")]):
        text = path.read_text()
        code = text if path.suffix == ".py" else templatize(text, origin=str(path))
        for _line, message, _comments, context in extract(
            "python", io.BytesIO(code.encode()), KEYWORDS, options={"encoding": "utf-8"}
        ):
            found.add((context, message))
    return found


def read(path):
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def strings(message):
    return message.string if isinstance(message.string, tuple) else (message.string,)


def test_german_is_shipped():
    assert [path.parts[-3] for path in FILES] == ["de"]


@each_language
def test_each_text_of_the_code_is_translated(path):
    catalog = read(path)
    translated = {
        (message.context, message.id)
        for message in catalog
        if message.id and all(strings(message)) and not message.fuzzy
    }
    assert messages_in_code() == translated, "run makemessages, translate, run compilemessages"


@each_language
def test_translations_have_the_placeholders_of_their_texts(path):
    for message in read(path):
        if message.id:
            expected = message.id if isinstance(message.id, tuple) else (message.id,)
            for string in strings(message):
                assert sorted(PLACEHOLDER.findall(string)) == sorted(
                    PLACEHOLDER.findall(expected[-1])
                )


@each_language
def test_the_compiled_file_is_that_of_the_text(path):
    compiled = io.BytesIO()
    write_mo(compiled, read(path))
    assert entries(path.with_suffix(".mo").read_bytes()) == entries(compiled.getvalue())


def entries(compiled):
    """What a compiled file translates, whichever tool compiled it."""
    from_file = translation.trans_real.gettext_module.GNUTranslations(io.BytesIO(compiled))
    return {key: text for key, text in from_file._catalog.items() if key}


@each_language
def test_no_other_app_of_django_translates_a_text_differently(path):
    """Apps share one catalogue, in which the first one wins; a context keeps a text apart."""
    catalog: Catalog = read(path)
    with translation.override(path.parts[-3]):
        for message in catalog:
            if isinstance(message.id, str) and message.id:
                shown = (
                    translation.pgettext(message.context, message.id)
                    if message.context
                    else translation.gettext(message.id)
                )
                assert shown == message.string


class Texts(HTMLParser):
    """The texts of a page that people read, also those of attributes; without blocks of JSON."""

    def __init__(self, page):
        super().__init__()
        self.texts, self.skipped, self.tags = set(), 0, []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.skipped += tag in ("script", "style", "pre")
        for name, value in attributes:
            if name in ("aria-label", "title", "placeholder", "alt"):
                self.handle_data(value or "")

    def handle_endtag(self, tag):
        self.skipped -= tag in ("script", "style", "pre")

    def handle_data(self, data):
        if not self.skipped and re.search("[a-zA-Z]{2}", data):
            self.texts.add(" ".join(data.split()))


SAME = {"JSON", "Flag", "Flags", "Filter", "Rollout", "Name", "Status", "admin", "default", "vwo"}
SAME |= {"one", "two", "color", "asked", "size", "integer", "string", "green"}
SAME |= {"color: red, size: 1", "color: green, size: 1"}
# Django's own, which it has no translation of, or had none in 5.2
SAME |= {"Search", "Run", "- Select an option -"}
SAME |= {"Model name", "Add link", "Change or view list link"}
"""What is the same in both languages, or is a value and no text."""


@pytest.fixture
def pages(admin_client, vwo, deliver, settings):
    """Returns the texts of each page in a language; the rows are stored in English."""
    vwo.settings = {**FLAGS, "accountId": vwo.settings["accountId"]}
    deliver(action="1")
    vwo.set_flag("two", percentage=70, variables={"color": "green"})
    changed = vwo.settings
    changed["campaigns"][2]["segments"] = TARGETED
    changed["campaigns"][2]["isForcedVariationEnabled"] = True
    del changed["groups"], changed["campaignGroups"]
    vwo.settings = changed
    deliver(action="2")
    deliver(action="2")
    vwo.refuse()
    deliver(action="3")
    first, second, *_ = WebhookEvent.objects.order_by("pk")
    urls = [EVENTS, SNAPSHOTS, *(f"{EVENTS}{event.pk}/change/" for event in (first, second))]
    urls.append(f"{SNAPSHOTS}{second.snapshot_id}/change/?compare_to={first.snapshot_id}")
    urls.append(f"{SNAPSHOTS}{second.snapshot_id}/change/")
    urls += [FLAG_LIST, *(f"{FLAG_LIST}{Flag.named(key).pk}/change/" for key in ("two", "asked"))]
    Flag.objects.note_asked(["two", "asked"], timezone.now())

    def read_pages(language):
        settings.LANGUAGE_CODE = language
        found = {}
        for url in urls:
            response = admin_client.get(url)
            assert response.status_code == 200
            found[url] = Texts(response.content.decode()).texts
        return found

    return read_pages


@pytest.mark.django_db(transaction=True)
def test_a_german_page_has_no_english_text(pages):
    english, german = pages("en"), pages("de")
    for url, texts in german.items():
        assert {text for text in texts & english[url] if not is_value(text)} == set(), url


def is_value(text):
    """Whether it is a value or the same word; keys and digests have no blank."""
    return text.strip("› :()") in SAME or bool(
        re.fullmatch(r"[0-9a-f]{64}|\w+(_\w+)+|\w+Rule\w*|Rollout-rule-\d", text)
    )


@pytest.mark.django_db(transaction=True)
def test_old_rows_speak_the_language_of_their_reader(pages):
    german = set().union(*pages("de").values())
    assert "Zielgruppe der Testregel testingRule11" in german
    assert "price enthält 20" in german
    assert "Webhook-Ereignis ansehen" in german
    assert any("one: Zielgruppe der Testregel testingRule11: alle →" in text for text in german)
    english = set().union(*pages("en").values())
    assert "targeting of testing rule testingRule11" in english


BROKEN = [
    ("missing secret", 401, {}, "{}", "application/json"),
    ("wrong secret", 401, {"x-vwo-auth": "wrong"}, "{}", "application/json"),
    ("not JSON's type", 415, None, "a=b", "text/plain"),
    ("not JSON", 400, None, "{", "application/json"),
    ("not an object", 400, None, "[]", "application/json"),
    ("no event", 400, None, "{}", "application/json"),
    ("too large", 413, None, "x" * 70_000, "application/json"),
    ("fine", 200, None, '{"event": "x"}', "application/json"),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("status", "headers", "body", "content_type"), [one[1:] for one in BROKEN],
                         ids=[one[0] for one in BROKEN])  # fmt: skip
def test_answers_to_vwo_are_in_english(vwo, settings, status, headers, body, content_type):
    settings.MIDDLEWARE = ["django.middleware.locale.LocaleMiddleware", *settings.MIDDLEWARE]
    settings.LANGUAGE_CODE = "en"
    expected = post(headers, body, content_type)
    assert expected.status_code == status
    settings.LANGUAGE_CODE = "de"
    for accepted in ({}, {"accept-language": "de"}, {"accept-language": "ar"}):
        answer = post(headers, body, content_type, **accepted)
        assert answer.status_code == status
        assert without_id(answer) == without_id(expected)
        assert answer.headers["Content-Language"] == "en"


def post(headers, body, content_type, **more):
    secret = {"x-vwo-auth": site.VWO_WEBHOOKS["SECRET"]} if headers is None else headers
    return Client().post("/webhooks/vwo/", body, content_type, headers={**secret, **more})


def without_id(answer):
    return {key: value for key, value in answer.json().items() if key != "event" or value is None}
