"""The words that are gone stay gone, in identifiers as in sentences: one word for one thing."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ["benchmarks", "django_vwo_webhooks", "docs", "example_project", "tests"]
SUFFIXES = {".cfg", ".css", ".html", ".md", ".py", ".toml", ".yaml"}
NAMES = {"Dockerfile", "Makefile"}

GONE = {
    "attempt": "flight, flights, take off, takes off, took off, taking off, taken off, land, "
    "lands, landed, landing, landings, crash, crashes, crashed, crashing",
    "SingleFlight": "tower, towers",
    "Deadline, or max wait": "patience, clock clock, clock starting",
    "backoff": "breath, breather, breathers",
    "batch delay, or contention": "gather, gathers, gathered, gathering, crowd, crowds, crowded",
    "broadcast: publish, listen, notify": "bell, bells, ring, rings, rang, rung, ringing, hear, "
    "hears, heard, hearing",
    "heartbeat": "presence",
    "in force, or applied here": "fresh here",
    "authenticated by, or accepted": "let in, lets in, let it in, lets it in, door, doors, vouch, "
    "vouches, vouched",
    "fault injection": "mood, moods",
    "log once": "troubles",
    "refresh": "look at VWO, looks at VWO, looked at VWO, looking at VWO",
    "retry": "VWO repeats, VWO s repeat, VWO s repeats, VWO may repeat, VWO may still repeat, "
    "VWO will repeat, repeats what got, a repeat, the repeat, of repeats",
    "delivery": "VWO calls, VWO s call, VWO s calls",
}
"""The word for a thing, and the words and phrases that it replaced."""

KEPT = re.compile(r"single[ _-]?flight|asyncio\.gather", re.IGNORECASE)
"""Established names, and names in other libraries, in which such a word may be."""

TOKEN = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
"""A word of a sentence, or of an identifier in snake_case or CamelCase."""


def tokens(text):
    return [(token[0].lower(), token.start()) for token in TOKEN.finditer(text)]


def words(text):
    return [word for word, _ in tokens(text)]


BY_FIRST_WORD = defaultdict(list)
for replacement, phrases in GONE.items():
    for phrase in phrases.split(", "):
        BY_FIRST_WORD[words(phrase)[0]].append((words(phrase), replacement))


def find(text):
    """What is gone and found in a text: the offset, the phrase, and what replaces it."""
    found = tokens(KEPT.sub(lambda kept: " " * len(kept[0]), text))
    for place, (word, offset) in enumerate(found):
        for phrase, replacement in BY_FIRST_WORD.get(word, []):
            if [word for word, _ in found[place : place + len(phrase)]] == phrase:
                yield offset, " ".join(phrase), replacement


def files():
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    for path in sorted([*ROOT.iterdir(), *inside]):
        if (path.suffix in SUFFIXES or path.name in NAMES) and path != Path(__file__):
            yield path


def test_no_file_has_a_word_that_is_gone():
    texts = {path: f"{path.relative_to(ROOT)}\n{path.read_text()}" for path in files()}
    found = [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, offset)}: {phrase!r}, now {replacement}"
        for path, text in texts.items()
        for offset, phrase, replacement in find(text)
    ]
    assert not found, "\n".join(["", *found])


@pytest.mark.parametrize(
    "text",
    [
        "the first flight",
        "take_off",
        "first_flight = 1",
        "TakingABreath",
        "landed_at",
        "PATIENCE_SECONDS",
        "class Tower:",
        "broadcast/bell.py",
        "who is let\n    # in",
        "It looks at\nVWO.",
        "VWO’s repeat",
        "clock: Clock",
        "Clock.starting()",
    ],
)
def test_a_word_that_is_gone_is_found(text):
    assert len(list(find(text))) == 1


@pytest.mark.parametrize(
    "text",
    [
        "SingleFlight",
        "single_flight().run()",
        "await asyncio.gather(*tasks)",
        "the database's clock",
        "an island, a doorway, a string, shearing, impatience",
        "repeat the call, and look again",
    ],
)
def test_a_word_that_stays_is_not_found(text):
    assert not list(find(text))
