"""What a report may say: no key, no credentials in addresses, no name of this user or machine; and, where
texts are left out, of a log only what programs wrote."""

import contextlib
import functools
import getpass
import re
import socket
from pathlib import Path

from babel.messages.pofile import read_po

from tianji_core.addresses import without_credentials
from tianji_core.gate import MASK, without_secrets
from tianji_core.project import LOCALE

GONE = "…"
"""Stands for what was left out of a line."""
SHORTEST_NAME = 3
"""Characters of a user's or machine's name that is replaced as a word; a shorter one is in every text."""
_KEY_FORMS = re.compile(
    r"\b(?:sk|pk|rk|hf|ms|gh[pousr]|glpat|xox[abprs]|AIza|AKIA|ASIA|tk|ark|key)[-_]?[A-Za-z0-9_\-.]{12,}"
    r"|\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?"  # a JSON web token
    r"|\b[0-9a-f]{32}\.[A-Za-z0-9]{16}\b"  # Zhipu
)
_LINK = re.compile(r"[0-9a-f]{16}\.\d{1,11}\.[A-Za-z0-9_-]{43}")
"""The secret part of the link of a shared model."""
_NAMED_KEY = re.compile(
    r"""(?isx)((?<![\w-])[\w-]*(?:api[-_]?key|access[-_]?key|secret|token|passw(?:or)?d|credential
    |one[-_]?time)s?\b
    (?:\\*["']?\s*[:=]|\\*["']\s*,)\s*)  # JSON inside JSON has a backslash before each quote
    (?:[bru]{0,2}(?P<bars>\\*)(?P<quote>["'])  # up to a quote that is written as the first one is
       (?:(?!(?<!\\)(?P=bars)(?P=quote)).){0,4000}?(?<!\\)(?P=bars)(?P=quote)
    |\\*["'][^\n]*
    |[^\s,;&}]+)"""
)
_WHOLE_LINE = re.compile(
    r"""(?ix)((?<![\w-])[\w-]*(?:authorization|cookie)s?\b(?:\\*["']?\s*[:=]|\\*["']\s*,)\s*)[^\n]+"""
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HOMES = re.compile(r"(/home/|/Users/|[A-Za-z]:\\Users\\)[^/\\\s'\":]+")

_CHINESE = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_FRAME = re.compile(r'\s*File "[^"\n]+", line \d+(?:, in [\w<>.]+)?')
_STAMPED = re.compile(
    r"(?:\d{4}[-/])?\d\d[-/]\d\d[ T]\d\d:\d\d:\d\d(?:[.,]\d+)?(?: - [\w.]+ - [A-Z]+ -)?"
    r"|(?:INFO|WARNING|WARN|ERROR|CRITICAL|DEBUG)\b[: ]"
    r"|Traceback \(most recent call last\)|[A-Za-z0-9_.]+(?:Error|Exception|Warning|Interrupt)\b"
)
_LIBRARY_WORD = re.compile(
    r"\d{1,6}(?:\.\d+)?(?:e[-+]?\d+)?%?|\d{1,6}(?:[/x:]\d{1,6}){1,3}"
    r"|[A-Za-z0-9_.]*(?:Error|Exception|Warning)"
    r"|(?:torch|transformers|peft|bitsandbytes|safetensors|numpy|tianji_core)\.[A-Za-z0-9_.]+"
)
_LIBRARY_WORDS = frozenset(
    f"""
    - {GONE}
    allocate allocated already argument argv array assert attribute bad base batch bfloat16 bind bits bus
    bytes cache call cannot capability card channels checkpoint child closed code column compute config
    connect connection convert core corrupt cpu crashed cublas cuda cudnn cuda:0 data database dataset
    decode denied device devices dimension directory disk does dns download driver dtype empty end eof
    epoch errno error exceeded exist exists exit exited expected export failed fatal file float16 float32
    folder forbidden format found free full gb gib gpu gradient gradients half header host http https
    illegal import index inf info init input int instead int64 integer internal interrupted invalid io is
    json kb kernel key keyerror kib killed layer layers length libcuda.so limit line load loaded loading
    lock locked loss main many map match max mb memory message method mib mismatch missing model module
    name named nan nccl network no none not null number object of offload only open opened operation
    option order os out output overflow parameter parameters path permission pid pipe platform port
    position process protocol python quantization quota range read refused remote request requires
    reserved reset resource response return returned row runtime save saved schema segmentation server
    shape shapes shared signal size socket space ssl start started state step stop stopped storage
    supported support syntax system temporary tensor tensors terminated than thread timed timeout token
    tokenizer tokens too torch train training tried triton type unable unavailable undefined unexpected
    unicode unknown unsupported unused usage utf-8 value values version warn warning weight weights while
    with worker workers write debug critical a an and at by for from in on or such the to total was
""".split()
)
"""Words that libraries use of a computation and a machine, in lower case. Others may be a person's."""
_FIGURE = re.compile(r"[A-Za-z_][\w./()%-]{0,30}[:=] ?[-+]?\d[\w.,:+%-]*")
_QUOTED = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'|“[^”\n]*”|「[^」\n]*」|`[^`\n]*`")


def without_private(text: str) -> str:
    """Returns a text without keys (known ones, and whatever is written like one), credentials in addresses,
    mail addresses, and the names of this user, their home folder and this machine."""
    # What is known whole goes first: a looser form would leave the rest of it.
    text = _KEY_FORMS.sub(MASK, without_secrets(_LINK.sub(MASK, text)))
    text = _NAMED_KEY.sub(rf"\1{MASK}", _WHOLE_LINE.sub(rf"\1{MASK}", text))
    text = _MAIL.sub(MASK, _BEARER.sub(rf"\1 {MASK}", without_credentials(text)))
    text = _HOMES.sub(r"\1user", text)
    if (home := str(Path.home())) not in ("/", ""):
        text = text.replace(home, "~")
    for name, shown in _own_names():
        text = re.sub(rf"(?<![A-Za-z0-9]){re.escape(name)}(?![A-Za-z0-9])", shown, text)
    return text


def without_texts(log: str) -> str:
    """Returns a log without what people or models wrote: of a line of a program its words, figures and the
    places in source code; the others are counted."""
    kept: list[str] = []
    left_out = 0
    after_frame = False
    for line in log.splitlines():
        shown = _program_words(line, after_frame)
        after_frame = _FRAME.match(line) is not None
        if shown is None:
            left_out += 1
            continue
        if left_out:
            kept.append(f"[{left_out} lines left out]")
            left_out = 0
        kept.append(shown)
    if left_out:
        kept.append(f"[{left_out} lines left out]")
    return "\n".join(kept) + ("\n" if kept else "")


def _program_words(line: str, after_frame: bool) -> str | None:
    """What a program wrote in a line; None where it is not known to be a program's."""
    if not line.strip() or _FRAME.fullmatch(line):
        return line
    if after_frame and line.startswith("    ") and not _CHINESE.search(line):
        return line  # the source at that place
    if found := _STAMPED.match(line):
        rest = line[found.end() :]
        own = _own_words(rest)
        return line[: found.end()] + (own if own is not None else _words_of_libraries(rest))
    if _FIGURE.search(line) and not _FIGURE.sub("", line).strip(" \t,|;"):
        return line
    return _own_words(line)


def _words_of_libraries(rest: str) -> str:
    """What follows a time, a level or the name of an error: figures and the words that libraries use."""
    kept: list[str] = []
    for part in re.finditer(rf"{_FIGURE.pattern}|(?P<other>\S+)", _QUOTED.sub(f"'{GONE}'", rest)):
        word = (part["other"] or "").strip("[](){}<>'\",.;:!?=")
        known = not word or word.lower() in _LIBRARY_WORDS or _LIBRARY_WORD.fullmatch(word)
        if known or kept[-1:] != [GONE]:
            kept.append(part.group() if known else GONE)
    return (" " if rest[:1].isspace() else "") + " ".join(kept)


def _own_words(line: str) -> str | None:
    """The words of this program's messages in a line, each gap marked; None where it has none."""
    found = [match for match in _message_words().finditer(line) if match.end() > match.start()]
    if not found:
        return None
    parts, at = [], 0
    for match in found:
        if line[at : match.start()].strip():
            parts.append(GONE)
        parts.append(match.group())
        at = match.end()
    return "".join(parts) + (GONE if line[at:].strip() else "")


@functools.cache
def _message_words() -> re.Pattern[str]:
    """A pattern of what stands between the placeholders of this program's messages, longest first."""
    with (LOCALE / "en" / "LC_MESSAGES" / "studio.po").open("rb") as file:
        messages = [str(message.id) for message in read_po(file) if message.id]
    words = {part.strip() for text in messages for part in re.split(r"\{[^{}]*\}", text)}
    whole = sorted(
        (word for word in words if len(word) >= 6 and _CHINESE.search(word)), key=len, reverse=True
    )
    return re.compile("|".join(map(re.escape, whole)) or r"(?!)")


def _own_names() -> list[tuple[str, str]]:
    names = [(Path.home().name, "user"), (socket.gethostname(), "host")]
    with contextlib.suppress(KeyError, OSError):  # a container without a name for its user
        names.append((getpass.getuser(), "user"))
    kept = {(name, shown) for name, shown in names if len(name) >= SHORTEST_NAME and name != "root"}
    return sorted(kept, key=lambda pair: -len(pair[0]))
