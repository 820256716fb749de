"""The conversation of the chat page, stored in the workspace so that a refresh shows it again, and
conversations saved by name."""

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
from tianji_core.ownership import remove
from tianji_core.sentences import STORED, Sentence
from tianji_core.serving.client import ChatSampling, Message
from tianji_core.workspace import Workspace

KEPT = 60
"""Number of turns stored; old test questions lose their value."""


_WRITING = threading.Lock()


class ChatTurn(BaseModel):
    """A question and its answer. ``key`` identifies it; ``continues`` says that the earlier turns were
    sent along. ``together`` is the same in the answers that several models or styles gave to one question
    at once, '' for others; ``sampling`` is how they were drawn. ``first`` and ``seconds`` are seconds until
    the first text and until the end. ``others`` are the alternative answers; ``sample_id`` is the sample
    made from it, ``bad`` the reason of a rejection."""

    request: str
    answer: str = ""
    model: str = ""
    system: str = ""
    name: str = ""
    scene: str = ""
    style: str = ""
    continues: bool = False
    stopped: bool = False
    error: Sentence = ""
    first: float | None = None
    seconds: float | None = None
    tokens: int | None = None
    sample_id: int | None = None
    others: list[str] = Field(default_factory=list)
    bad: str = ""
    together: str = ""
    sampling: ChatSampling | None = None
    key: str = Field(default_factory=lambda: secrets.token_hex(6))

    def prefer(self, at: int) -> None:
        """Swaps the answer with the one at index ``at`` of :attr:`others`."""
        self.answer, self.others[at] = self.others[at], self.answer
        self.sample_id, self.bad = None, ""

    @property
    def rate(self) -> float | None:
        """Tokens per second after the first one; over the whole time where all arrived at once."""
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
        """Returns the answered turns of the conversation that ends before index ``before`` (None: at the
        end)."""
        turns = self.turns[:before]
        return [turn for turn in turns[self.start(before) :] if turn.answer]

    def place(self, turn: ChatTurn) -> int | None:
        """Returns the index of a turn; None if it was cleared."""
        return next((at for at, stored in enumerate(self.turns) if stored.key == turn.key), None)

    def start(self, before: int | None = None) -> int:
        """Returns the index of the first turn of that conversation."""
        turns = self.turns[:before]
        return next((at for at in range(len(turns) - 1, -1, -1) if not turns[at].continues), 0)

    def groups(self) -> list[list[int]]:
        """Returns the indices of the turns, those that answer one question together in one list."""
        listed: list[list[int]] = []
        for at, turn in enumerate(self.turns):
            if listed and turn.together and turn.together == self.turns[listed[-1][-1]].together:
                listed[-1].append(at)
            else:
                listed.append([at])
        return listed

    def take_back(self, at: int) -> ChatTurn:
        """Prepares to ask the question at index ``at`` again: in the current conversation it removes all
        turns from there on; an older conversation stays unchanged. Returns the turn whose wording can be
        edited."""
        turn = self.turns[at]
        if at >= self.start():
            del self.turns[at:]
            return turn
        return turn.model_copy(update={"continues": False})

    def markdown(self) -> str:
        """Returns the conversation as a Markdown document."""
        parts = []
        for turn in self.turns:
            if not turn.continues:
                parts.append("---")
            parts += [f"**{turn.request}**", turn.answer or turn.error, f"*{turn.model} {turn.style}*"]
        return "\n\n".join(parts[1:]) + "\n"


def messages(system: str, history: list[ChatTurn], request: str) -> list[Message]:
    """Returns the messages of a request: the system prompt, the turns so far, and the question."""
    said = [Message("system", system)]
    for turn in history:
        said += [Message("user", turn.request), Message("assistant", turn.answer)]
    return [*said, Message("user", request)]


def _path(workspace: Workspace) -> Path:
    return workspace.home / "chat.json"


def load_transcript(workspace: Workspace) -> Transcript:
    """Returns the stored conversation; empty where the file cannot be read."""
    try:
        value = json.loads(_path(workspace).read_text(encoding="utf-8"))
        for at, turn in enumerate(value["turns"]):
            turn.setdefault("key", f"turn-{at}")  # older files have no keys
        return Transcript.model_validate(value)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return Transcript()


def save_transcript(workspace: Workspace, transcript: Transcript) -> None:
    """Stores the newest turns."""
    kept = Transcript(turns=transcript.turns[-KEPT:])
    write_text(_path(workspace), kept.model_dump_json(indent=1, context=STORED) + "\n")


@contextlib.contextmanager
def changing(workspace: Workspace) -> Iterator[Transcript]:
    """Yields the stored conversation for a change and stores it afterwards, so that changes of other tabs
    and of a growing answer are not lost."""
    with _WRITING:
        kept = load_transcript(workspace)
        yield kept
        save_transcript(workspace, kept)


def keep_turn(workspace: Workspace, turn: ChatTurn) -> None:
    """Stores one turn in its place among the stored turns. A turn that was cleared meanwhile stays
    cleared."""
    with changing(workspace) as kept:
        at = kept.place(turn)
        if at is not None:
            kept.turns[at] = turn


def put_aside(workspace: Workspace, transcript: Transcript, name: str) -> str:
    """Saves a conversation under a name and overwrites an older one of that name. Returns the name that is
    used.

    Raises:
        InputError: nothing of the name can stand in a file name.
    """
    kept = re.sub(r"[^\w \-]+", "", name).strip()[:60]
    if not kept:
        raise InputError(_("请给这段对话起个名字（文字、数字、空格）"))
    folder = workspace.home / "chats"
    folder.mkdir(exist_ok=True)
    write_text(folder / f"{kept}.json", transcript.model_dump_json(indent=1, context=STORED) + "\n")
    return kept


def names_aside(workspace: Workspace) -> list[str]:
    """Returns the names of the saved conversations, newest first."""
    files = (workspace.home / "chats").glob("*.json")
    return [path.stem for path in sorted(files, key=lambda path: path.stat().st_mtime, reverse=True)]


def take_out(workspace: Workspace, name: str) -> Transcript:
    """Returns a saved conversation.

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
    """Deletes a saved conversation, if it exists."""
    if name in names_aside(workspace):
        remove(workspace.home / "chats" / f"{name}.json")
