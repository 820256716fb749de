"""Known keys leave every text, however a server spells them, whole or in the pieces of a stream."""

import base64
import html
import json
import urllib.parse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tianji_core.gate import (
    MASK,
    REASONING_CHARACTERS,
    Completion,
    StreamMask,
    clean_sentence,
    first_line,
    read_chunk,
    read_completion,
    remember_secret,
    remember_secrets,
    without_secrets,
)
from tianji_core.gate.limits import EXAMINED_CHARACTERS

KEY = "sk-gate/Ab+9&x=7f3b9d2c5e8a1046"
SPELLINGS = {
    "plain": KEY,
    "upper case": KEY.upper(),
    "percent-encoded": urllib.parse.quote(KEY, safe=""),
    "every character percent-encoded": "".join(f"%{ord(c):02x}" for c in KEY),
    "percent-encoded twice": urllib.parse.quote(urllib.parse.quote(KEY, safe=""), safe=""),
    "JSON escapes": "".join(f"\\u{ord(c):04x}" for c in KEY),
    "one JSON escape": KEY.replace("-", "\\u002d"),
    "JSON escapes in JSON": json.dumps(KEY.replace("-", "\\u002d")),
    "Python escapes": "".join(f"\\x{ord(c):02x}" for c in KEY),
    "HTML entities": "".join(f"&#{ord(c)};" for c in KEY),
    "HTML": html.escape(KEY),
    "base64": base64.b64encode(KEY.encode()).decode(),
    "base64 of the header": base64.b64encode(f"Bearer {KEY}".encode()).decode(),
    "base64 for addresses": base64.urlsafe_b64encode(f"u:{KEY}".encode()).decode(),
    "hexadecimal": KEY.encode().hex(),
    "hexadecimal in groups": ":".join(f"{c:02X}" for c in KEY.encode()),
    "hexadecimal numbers": ", ".join(f"0x{c:02x}" for c in KEY.encode()),
    "hexadecimal numbers as texts": str([hex(c) for c in KEY.encode()]),
    "a list of bytes": json.dumps(list(KEY.encode())),
    "octal escapes": "".join(f"\\{ord(c):03o}" for c in KEY),
    "one octal escape": KEY.replace("-", "\\055"),
    "quoted-printable": "".join(f"={ord(c):02X}" for c in KEY),
    "quoted-printable line": KEY[:12].replace("&", "=26") + "=\n" + KEY[12:].replace("=", "=3D"),
    "base64 in lines": base64.encodebytes(KEY.encode() * 3).decode(),
    "base64 in lines in JSON": base64.encodebytes(KEY.encode() * 3).decode().replace("\n", "\\n"),
    "right to left": "\u202e" + "\u202c".join(KEY),
    "control characters": "\x01".join(KEY),
    "invisible tags": "\U000e0041".join(KEY),
    "spaces": " ".join(KEY),
    "line breaks": "\n".join(KEY),
    "in two words": KEY[:9] + "  " + KEY[9:],
    "zero-width": "\u200b".join(KEY),
}


def recovered(text: str) -> bool:
    """Whether a person could get the key, or most of its base64 form, out of the text."""
    return any(part in text for part in (KEY, KEY[4:], base64.b64encode(KEY.encode()).decode()[4:-4]))


@pytest.fixture(autouse=True)
def known() -> None:
    remember_secret(KEY)


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_a_key_in_any_spelling_is_masked(spelling: str) -> None:
    shown = without_secrets(f"错误：{spelling}，请重试")
    assert MASK in shown and spelling not in shown and not recovered(shown)
    assert shown.startswith("错误：") and shown.endswith("，请重试")


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("size", [1, 3, 7])
def test_a_key_spread_over_the_pieces_of_a_stream_is_masked(spelling: str, size: int) -> None:
    text, mask = f"祝您{spelling}安康", StreamMask()
    pieces = [mask.feed(text[at : at + size]) for at in range(0, len(text), size)]
    shown = "".join(pieces) + mask.rest()
    assert MASK in shown and spelling not in shown and not recovered(shown)


def test_a_secret_of_other_letters_is_masked_among_its_like() -> None:
    remember_secret("春风十里不如你2026")
    assert without_secrets("口令是春风十里不如你2026，错了") == f"口令是{MASK}，错了"


@given(st.text())
def test_a_text_without_a_key_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text
    mask = StreamMask()
    assert "".join(mask.feed(character) for character in text) + mask.rest() == text


@pytest.mark.parametrize("said", [str, lambda text: text.encode(), lambda text: ValueError(text)])
def test_no_part_of_a_key_is_left_where_a_long_text_is_cut(said) -> None:
    text = f"x{' ' * (EXAMINED_CHARACTERS - len(KEY))}{KEY} and more"
    for sentence in (clean_sentence(said(text)), first_line(ValueError(text))):
        assert KEY[:4] not in sentence and sentence.startswith("x")
    for key in ("message", "delta"):
        thought = f"x{' ' * (REASONING_CHARACTERS - len(KEY))}{KEY}"
        value = {"choices": [{key: {"content": "祝好", "reasoning": thought}}]}
        read = read_completion(value) if key == "message" else read_chunk(value)
        assert isinstance(read, Completion) and KEY[:4] not in read.reasoning


def test_variables_that_are_named_like_a_secret_are_known() -> None:
    remember_secrets(
        {
            "SOME_API_KEY": "first-value-1",
            "HF_TOKEN": "second-value-2",
            "DB_PASSWORD": "third-value-3",
            "KEYBOARD_LAYOUT": "fourth-value-4",
            "SSH_KEY": "/home/somebody/key",
            "SHORT_KEY": "none",
        }
    )
    kept = "fourth-value-4 /home/somebody/key none"
    assert (
        without_secrets(f"first-value-1 second-value-2 third-value-3 {kept}")
        == f"{MASK} {MASK} {MASK} {kept}"
    )


ESCAPES = {
    "percent": lambda c: f"%{ord(c):02X}",
    "JSON": lambda c: f"\\u{ord(c):04x}",
    "Python": lambda c: f"\\x{ord(c):02x}",
    "HTML": lambda c: f"&#{ord(c)};",
    "as it is": lambda c: c,
    "and a space": lambda c: f"{c} ",
}


@given(st.data(), st.text(alphabet="abyzKQ0189-_.", min_size=16, max_size=40))
def test_a_key_is_masked_whichever_escapes_its_characters_have(data: st.DataObject, key: str) -> None:
    remember_secret(key)
    escaped = [ESCAPES[data.draw(st.sampled_from(sorted(ESCAPES)))](letter) for letter in key]
    text = f"{data.draw(st.sampled_from(['', '密钥：', 'key=', 'Bearer ']))}{''.join(escaped)}，请重试"
    assert MASK in without_secrets(text) and "".join(escaped) not in without_secrets(text)
    mask, pieces, at = StreamMask(), [], 0
    while at < len(text):
        size = data.draw(st.integers(1, 9))
        pieces.append(mask.feed(text[at : at + size]))
        at += size
    shown = "".join(pieces) + mask.rest()
    assert MASK in shown and shown.endswith("，请重试") and "".join(escaped) not in shown
