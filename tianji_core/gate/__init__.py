"""The gate: every answer, error and text that comes from outside passes it and leaves it bounded, typed and
clean, without the secrets that this process knows. It knows HTTP and JSON, but nothing of teachers or model
servers."""

from tianji_core.gate.characters import standard_characters
from tianji_core.gate.complaint import Complaint, read_complaint
from tianji_core.gate.completion import (
    Completion,
    Finish,
    read_chunk,
    read_completion,
    read_finish,
    read_models,
    too_long,
)
from tianji_core.gate.events import END, events, is_event_stream, is_json_lines
from tianji_core.gate.limits import REASONING_CHARACTERS, RESULT_BYTES, TEXT_CHARACTERS, TOKENS
from tianji_core.gate.secrets import (
    MASK,
    StreamMask,
    remember_secret,
    remember_secrets,
    without_secrets,
)
from tianji_core.gate.structure import decoded, json_parts, read_json, read_loose_json
from tianji_core.gate.text import (
    clean_beginning,
    clean_name,
    clean_sentence,
    clean_text,
    first_line,
    shortened,
)
from tianji_core.gate.transcript import read_transcript
from tianji_core.gate.transport import bounded_async_client, bounded_client

__all__ = [
    "END",
    "MASK",
    "REASONING_CHARACTERS",
    "RESULT_BYTES",
    "TEXT_CHARACTERS",
    "TOKENS",
    "Complaint",
    "Completion",
    "Finish",
    "StreamMask",
    "bounded_async_client",
    "bounded_client",
    "clean_beginning",
    "clean_name",
    "clean_sentence",
    "clean_text",
    "decoded",
    "events",
    "first_line",
    "is_event_stream",
    "is_json_lines",
    "json_parts",
    "read_chunk",
    "read_complaint",
    "read_completion",
    "read_finish",
    "read_json",
    "read_loose_json",
    "read_models",
    "read_transcript",
    "remember_secret",
    "remember_secrets",
    "shortened",
    "standard_characters",
    "too_long",
    "without_secrets",
]
