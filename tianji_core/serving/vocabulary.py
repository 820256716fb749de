"""The bytes that each token of a tokenizer stands for, and the forms of answers built on them. Imported by
the server process only."""

import json
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.serving.guide import Guide

SPACE = "▁"
"""A space in the tokens of sentencepiece."""

COMPACT = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
"""JSON as Python writes it: between its parts a small model would go on writing spaces for ever."""

JSON_MARKS = '{}[]":,0123456789'

SHOWN_CHARACTERS = 20

SHOWN = 200
"""Characters of a reason in a message."""


class Vocabulary:
    """The tokens of one base. ``size`` is the number of logits; ``stops`` are the tokens that end an
    answer."""

    def __init__(self, tokenizer: Any, size: int, stops: frozenset[int]) -> None:
        self._tokenizer = tokenizer
        self._stops = stops
        self._building = threading.Lock()
        self.size = size

    @cached_property
    def special(self) -> frozenset[int]:
        """The control tokens, which stand for no text."""
        added = getattr(self._tokenizer, "added_tokens_decoder", {})
        return frozenset(self._tokenizer.all_special_ids) | {
            at for at, token in added.items() if getattr(token, "special", False)
        }

    @cached_property
    def bytes_of(self) -> list[bytes]:
        """The bytes of every token, b'' for control tokens and for logits without a token."""
        made = [b""] * self.size
        encodings = _Encodings(self._tokenizer.get_vocab())
        added = set(getattr(self._tokenizer, "added_tokens_decoder", {}))
        for token, at in self._tokenizer.get_vocab().items():
            if at < self.size and at not in self.special:
                made[at] = token.encode() if at in added else encodings.decoded(token)
        return made

    def name(self, token: int) -> str:
        """Returns a token as OpenAI's answers name it: its text, ``bytes:`` and hexadecimal numbers for part
        of a character, its own name for a control token."""
        spelt = self.bytes_of[token]
        if not spelt:
            return str(self._tokenizer.convert_ids_to_tokens(token) or "")
        try:
            return spelt.decode()
        except UnicodeDecodeError:
            return "bytes:" + "".join(f"\\x{byte:02x}" for byte in spelt)

    def guide(self, schema: dict[str, Any]) -> Guide:
        """Returns a guide that limits an answer to JSON of a schema, written on one line.

        Raises:
            InputError: the schema is wrong or too complex, or the model has no tokens for JSON.
        """
        from llguidance import LLMatcher, LLParserLimits

        if missing := self._unspellable(schema):
            shown = "".join(missing[:SHOWN_CHARACTERS])
            raise InputError(_("这个模型的词表里没有 JSON schema 要的字：{characters}", characters=shown))
        limits = LLParserLimits(max_grammar_size=100_000, verbose_errors=False)
        with self._building:
            tokenizer = self._guiding
        form = json.dumps({**schema, "x-guidance": COMPACT})
        # Without forcing, the model itself chooses the tokens that spell a text which has to come.
        grammar = f'%llguidance {{"no_forcing": true}}\nstart: %json {form}\n'
        matcher = LLMatcher(tokenizer, grammar, log_level=0, limits=limits)
        made = Guide(matcher, self.size)
        if matcher.is_error():
            raise _refused(matcher.get_error())
        return made

    def _unspellable(self, schema: dict[str, Any]) -> list[str]:
        """Returns the characters of fixed texts of a schema, and of JSON itself, that no token holds."""
        known = b"\xff".join(set(self.bytes_of))
        whole = all(bytes([byte]) in self._single for byte in range(0x80, 0xF5))
        wanted = sorted({*JSON_MARKS, *"".join(_fixed_texts(schema))})
        return [character for character in wanted if not whole and character.encode() not in known]

    @cached_property
    def _single(self) -> frozenset[bytes]:
        return frozenset(token for token in self.bytes_of if len(token) == 1)

    @cached_property
    def _guiding(self) -> Any:
        from llguidance import LLTokenizer, TokenizerWrapper

        return LLTokenizer(
            TokenizerWrapper(_Tokens(self.bytes_of, sorted(self._stops), sorted(self.special | self._stops))),
            n_vocab=self.size,
            eos_token=sorted(self._stops),
        )


class _Encodings:
    """How the tokens of a vocabulary are written: as bytes disguised as letters (GPT-2), or as text with a
    mark for spaces and names for single bytes (sentencepiece)."""

    def __init__(self, vocabulary: dict[str, int]) -> None:
        letters = _letters_of_bytes()
        self._letters = letters if all(letter in vocabulary for letter in letters) else {}
        self._named = {f"<0x{byte:02X}>": bytes([byte]) for byte in range(256)}
        if not all(name in vocabulary for name in self._named):
            self._named = {}

    def decoded(self, token: str) -> bytes:
        """Returns the bytes of a token."""
        if self._letters:
            return b"".join(self._letters.get(letter, letter.encode()) for letter in token)
        return self._named.get(token, token.replace(SPACE, " ").encode("utf-8", "replace"))


def _letters_of_bytes() -> dict[str, bytes]:
    """Returns the letters by which GPT-2's vocabulary writes bytes: visible ones stand for themselves, the
    others are counted from 256 on (Radford et al., 2019)."""
    visible = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    hidden = [byte for byte in range(256) if byte not in visible]
    return {chr(byte): bytes([byte]) for byte in visible} | {
        chr(256 + at): bytes([byte]) for at, byte in enumerate(hidden)
    }


class _Tokens:
    """A vocabulary in the form that llguidance reads."""

    def __init__(self, tokens: list[bytes], stops: Sequence[int], special: Sequence[int]) -> None:
        self.tokens = tokens
        self.eos_token_id = stops[0]
        self.bos_token_id = None
        self.special_token_ids = special

    def __call__(self, text: str | bytes) -> list[int]:
        """Returns the longest tokens that spell a text, from its beginning on."""
        rest = text.encode() if isinstance(text, str) else text
        known = {token: at for at, token in enumerate(self.tokens) if token}
        longest = max(map(len, known), default=1)
        found: list[int] = []
        while rest:
            piece = next((rest[:n] for n in range(longest, 0, -1) if rest[:n] in known), None)
            if piece is None:
                break
            found.append(known[piece])
            rest = rest[len(piece) :]
        return found


def _fixed_texts(schema: Any) -> Iterator[str]:
    """Yields the texts that an answer to a schema may have to hold: names of properties, and constants."""
    levels = [schema]
    while levels:
        value = levels.pop()
        if isinstance(value, list):
            levels += value
        elif isinstance(value, dict):
            levels += value.values()
            constants = [value.get("const"), *_listed(value.get("enum")), *_listed(value.get("required"))]
            yield from (text for text in constants if isinstance(text, str))


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _refused(detail: str) -> InputError:
    reason = detail.rpartition("JSON schema: ")[2].strip()
    first = next(iter(reason.splitlines()), "")[:SHOWN]
    return InputError(_("response_format 里的 JSON schema 不能用：{detail}", detail=first))
