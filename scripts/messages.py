"""The messages of the studio, collected from the code and from the built-in providers and presets, and
brought into the English catalogue: new ones untranslated, translations kept, those that are gone removed."""

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir, extract_from_file
from babel.messages.pofile import read_po, write_po

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT))  # this checkout's code, whichever one is installed

from tianji_core.teachers.providers import BUILT_IN, load_providers  # noqa: E402
from tianji_core.training import presets  # noqa: E402

CATALOGUE = PROJECT / "locale" / "en" / "LC_MESSAGES" / "studio.po"
KEYWORDS = {**DEFAULT_KEYWORDS, "N_": None, "_c": ((1, "c"), 2)}
"""What marks a message; ``_c`` takes a context first."""


def collected() -> Catalog:
    """Every message a person can meet, without translations."""
    found = Catalog(project="Tianji Studio", charset="utf-8")
    texts = [*extract_from_file("python", PROJECT / "app.py", keywords=KEYWORDS)]
    for folder in ("pages", "tianji_core"):
        python = [("**.py", "python")]
        texts += [
            (line, text, comments, context)
            for _file, line, text, comments, context in extract_from_dir(
                PROJECT / folder, python, keywords=KEYWORDS
            )
        ]
    for _line, text, _comments, context in texts:
        found.add(text, context=context)
    shown = [text for each in load_providers(BUILT_IN).values() for text in (each.title, each.note)]
    shown += [text for each in presets() for text in (each.title, each.summary)]
    for text in shown:
        if not text.isascii():
            found.add(text)
    return found


def main() -> None:
    """Update the catalogue file and count what is missing."""
    with CATALOGUE.open("rb") as file:
        english = read_po(file, locale="en", domain="studio")
    created = english.creation_date  # kept: a date that always changes conflicts in every merge
    english.update(collected(), no_fuzzy_matching=True)
    english.creation_date = created
    with CATALOGUE.open("wb") as file:
        write_po(file, english, width=0, sort_output=True, no_location=True, ignore_obsolete=True)
    missing = sum(1 for message in english if message.id and not message.string)
    print(f"{missing} messages without an English text")


if __name__ == "__main__":
    main()
