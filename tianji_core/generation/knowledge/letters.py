"""The letters of an eml or mbox file, with signs for the people in them."""

import email
import email.policy
import re
from collections.abc import Iterator
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import getaddresses
from typing import cast

from tianji_core.generation.knowledge.people import People

_FROM = re.compile(rb"(?:\A|(?<=\n)\r?\n)From [^\n]*\n")
_QUOTED = re.compile(r"^\s*(?:>|＞)")
_BEGINS_QUOTE = re.compile(
    r"^\s*-{2,}\s*(?:原始邮件|Original Message|Forwarded message|转发的邮件)", re.IGNORECASE
)
_WROTE = re.compile(r"^\s*(?:在|On ).{4,80}(?:写道|wrote)[:：]\s*$", re.IGNORECASE)
_SIGNATURE = re.compile(r"^-- ?$")
_NARROW = ("gb2312", "gbk", "gb_2312-80", "euc-cn")
"""Names under which letters in GB18030 come."""


def text_of_letters(data: bytes) -> str:
    """Returns the subjects and own words of every letter, quotes and signatures left out."""
    people, letters = People(), []
    for raw in _raw(data):
        letter = cast(EmailMessage, email.message_from_bytes(raw, policy=email.policy.default))
        for name, _address in getaddresses(
            [value for field in ("from", "to", "cc") for value in _headers(letter, field)]
        ):
            people.sign(name)
        words = _own_words(_body(letter))
        if words:
            subject = " ".join(" ".join(_headers(letter, "subject")[:1]).split())
            letters.append(f"{subject}\n{words}" if subject else words)
    return people.without("\n\n".join(letters))


def _headers(letter: EmailMessage, field: str) -> list[str]:
    """Returns the values of a header, as they stand in the file where they cannot be read."""
    try:
        return [str(value) for value in letter.get_all(field, [])]
    except Exception:  # the parser of headers raises whatever a broken one leads to
        return [_read_loosely(str(value)) for name, value in letter.raw_items() if name.lower() == field]


def _read_loosely(value: str) -> str:
    try:
        return str(make_header(decode_header(value)))
    except (ValueError, LookupError):  # neither an encoding nor characters in it
        return value


def _raw(data: bytes) -> Iterator[bytes]:
    """Yields the letters of a mailbox; a file that does not begin with its separator is one letter."""
    if not data.startswith(b"From "):
        yield data
        return
    yield from (part.replace(b"\n>From ", b"\nFrom ") for part in _FROM.split(data) if part.strip())


def _body(letter: EmailMessage) -> str:
    part = letter.get_body(preferencelist=("plain", "html"))
    if part is None:
        return ""
    if str(part.get_content_charset()) in _NARROW:  # programs name the older, narrower one
        part.set_param("charset", "gb18030")
    try:
        text = str(part.get_content())
    except (LookupError, UnicodeError, KeyError):  # a charset that nobody knows
        payload = part.get_payload(decode=True)
        text = payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
    if part.get_content_subtype() == "html":
        from bs4 import BeautifulSoup

        text = BeautifulSoup(text, "html.parser").get_text("\n")
    return text


def _own_words(text: str) -> str:
    """Leaves out quotes: marked lines, and all of the rest where nothing marks their end."""
    lines, given = [], text.replace("\r\n", "\n").split("\n")
    for number, line in enumerate(given):
        if _SIGNATURE.match(line) or _BEGINS_QUOTE.match(line):
            break
        if _WROTE.match(line):
            follows = next((each for each in given[number + 1 :] if each.strip()), "")
            if not _QUOTED.match(follows):
                break
        elif not _QUOTED.match(line):
            lines.append(line.strip())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
