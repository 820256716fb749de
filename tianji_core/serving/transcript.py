"""What was said on the chat page, kept in the workspace so that a refresh shows it again, and talks put aside by name."""

import contextlib
import json
import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from tianji_core.errors import InputError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.serving.client import Message
from tianji_core.workspace import Workspace

KEPT = 60
"""Turns kept; a person tests one wording after the other, and old tests lose their worth."""


_WRITING = threading.Lock()


class ChatTurn(BaseModel):
    """A question and its answer. ``key`` tells it from all others; ``continues`` says that the turns before it were sent along. ``first`` and
    ``seconds`` are seconds until the first text and until the end. ``others`` are the answers drawn beside this one;
    ``sample_id`` is the sample it became, ``bad`` why a person threw it out."""

    request: str
    answer: str = ""
    model: str = ""
    system: str = ""
    name: str = ""
    scene: str = ""
    style: str = ""
    continues: bool = False
    stopped: bool = False
    error: str = ""
    first: float | None = None
    seconds: float | None = None
    tokens: int | None = None
    sample_id: int | None = None
    others: list[str] = Field(default_factory=list)
    bad: str = ""
    key: str = Field(default_factory=lambda: secrets.token_hex(6))

    def prefer(self, at: int) -> None:
        """Make the answer at place ``at`` of :attr:`others` the answer; the one before takes its place."""
        self.answer, self.others[at] = self.others[at], self.answer
        self.sample_id, self.bad = None, ""

    @property
    def rate(self) -> float | None:
        """Tokens per second after the first one; over the whole time where they came all at once."""
        if self.tokens is None or self.first is None or self.seconds is None or self.tokens < 2:
            return None
        after = self.seconds - self.first
        return (
            (self.tokens - 1) / after if after > 0.2 * self.seconds else self.tokens / max(self.seconds, 1e-6)
        )


class Transcript(BaseModel):
    """The turns of the chat page, oldest first."""

    turns: list[ChatTurn] = Field(default_factory=list)

    def history(self, before: int | None = None) -> list[ChatTurn]:
        """The answered turns of the conversation that ends before position ``before`` (None: at the end)."""
        turns = self.turns[:before]
        return [turn for turn in turns[self.start(before) :] if turn.answer]

    def place(self, turn: ChatTurn) -> int | None:
        """Where a turn stands; None where a person cleared it away."""
        return next((at for at, each in enumerate(self.turns) if each.key == turn.key), None)

    def start(self, before: int | None = None) -> int:
        """The place of the first turn of that conversation."""
        turns = self.turns[:before]
        return next((at for at in range(len(turns) - 1, -1, -1) if not turns[at].continues), 0)

    def take_back(self, at: int) -> ChatTurn:
        """Make room to ask the question at place ``at`` anew: of the running conversation everything from there on goes,
        an older one stays as it is. Returns that turn as the wording to change."""
        turn = self.turns[at]
        if at >= self.start():
            del self.turns[at:]
            return turn
        return turn.model_copy(update={"continues": False})

    def markdown(self) -> str:
        """The talk as a document to read or send."""
        parts = []
        for turn in self.turns:
            if not turn.continues:
                parts.append("---")
            parts += [f"**{turn.request}**", turn.answer or turn.error, f"*{turn.model} {turn.style}*"]
        return "\n\n".join(parts[1:]) + "\n"


def messages(system: str, history: list[ChatTurn], request: str) -> list[Message]:
    """What is sent: the system prompt, the turns so far, and the question."""
    said = [Message("system", system)]
    for turn in history:
        said += [Message("user", turn.request), Message("assistant", turn.answer)]
    return [*said, Message("user", request)]


def _path(workspace: Workspace) -> Path:
    return workspace.home / "chat.json"


def load_transcript(workspace: Workspace) -> Transcript:
    """What was kept; an unreadable file counts as nothing said."""
    try:
        value = json.loads(_path(workspace).read_text(encoding="utf-8"))
        for at, turn in enumerate(value["turns"]):
            turn.setdefault("key", f"turn-{at}")  # kept before turns had one
        return Transcript.model_validate(value)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return Transcript()


def save_transcript(workspace: Workspace, transcript: Transcript) -> None:
    """Keep the newest turns."""
    kept = Transcript(turns=transcript.turns[-KEPT:])
    write_text(_path(workspace), kept.model_dump_json(indent=1) + "\n")


@contextlib.contextmanager
def changing(workspace: Workspace) -> Iterator[Transcript]:
    """The talk as it is kept now, to be changed; what another tab or a growing answer wrote meanwhile is in it."""
    with _WRITING:
        kept = load_transcript(workspace)
        yield kept
        save_transcript(workspace, kept)


def keep_turn(workspace: Workspace, turn: ChatTurn) -> None:
    """Keep one turn as it is now, in its place among those that are kept; one that a person cleared away meanwhile
    stays away."""
    with changing(workspace) as kept:
        at = kept.place(turn)
        if at is not None:
            kept.turns[at] = turn


def put_aside(workspace: Workspace, transcript: Transcript, name: str) -> str:
    """Keep a talk under a name, over one of the same name; returns the name as it is kept.

    Raises:
        InputError: nothing of the name can stand in a file name.
    """
    kept = re.sub(r"[^\w \-]+", "", name).strip()[:60]
    if not kept:
        raise InputError(_("请给这段对话起个名字（文字、数字、空格）"))
    folder = workspace.home / "chats"
    folder.mkdir(exist_ok=True)
    write_text(folder / f"{kept}.json", transcript.model_dump_json(indent=1) + "\n")
    return kept


def names_aside(workspace: Workspace) -> list[str]:
    """The talks put aside, newest first."""
    found = (workspace.home / "chats").glob("*.json")
    return [path.stem for path in sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)]


def take_out(workspace: Workspace, name: str) -> Transcript:
    """A talk put aside.

    Raises:
        InputError: there is none, or its file cannot be read.
    """
    path = workspace.home / "chats" / f"{name}.json"
    if name not in names_aside(workspace):
        raise InputError(_("没有叫“{name}”的对话", name=name))
    try:
        return Transcript.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, ValidationError) as error:
        raise InputError(_("{file} 读不出来，请删掉它", file=path)) from error


def throw_away(workspace: Workspace, name: str) -> None:
    """Delete a talk put aside; one that is gone already is no error."""
    if name in names_aside(workspace):
        (workspace.home / "chats" / f"{name}.json").unlink(missing_ok=True)
