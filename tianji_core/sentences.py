"""Sentences in files that a program keeps for people: each is stored as its message and values, and is read
in the language of its reader, as :class:`~tianji_core.store.schema.SentenceColumn` does in the database."""

from typing import Annotated, Any

from pydantic import PlainSerializer, PlainValidator, SerializationInfo

from tianji_core.i18n import Translated, shown, stored

STORED = {"sentences": "stored"}
"""The context of ``model_dump_json`` for what is stored; without it the reader's language is written, as for
another program."""


def _read(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not a text")
    try:
        return value if isinstance(value, Translated) else shown(value)
    except (TypeError, KeyError, IndexError, AttributeError) as error:
        raise ValueError("not a stored sentence") from error


def _written(value: str, info: SerializationInfo) -> str:
    return stored(value) if info.context == STORED else value[:]


Sentence = Annotated[str, PlainValidator(_read), PlainSerializer(_written)]
"""The type of a field that holds a sentence of the studio, or what a person or another program wrote."""
