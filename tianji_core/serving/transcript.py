"""What was said on the chat page, kept in the workspace so that a refresh shows it again."""

from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from tianji_core.files import write_text
from tianji_core.serving.client import Message
from tianji_core.workspace import Workspace

KEPT = 60
"""Turns kept; a person tests one wording after the other, and old tests lose their worth."""


class Turn(BaseModel):
    """A question and its answer. ``continues`` says that the turns before it were sent along. ``first`` and
    ``seconds`` are seconds until the first text and until the end."""

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

    @property
    def rate(self) -> float | None:
        """Tokens per second after the first one."""
        if self.tokens is None or self.first is None or self.seconds is None or self.tokens < 2:
            return None
        return (self.tokens - 1) / max(self.seconds - self.first, 1e-6)


class Transcript(BaseModel):
    """The turns of the chat page, oldest first."""

    turns: list[Turn] = Field(default_factory=list)

    def history(self, before: int | None = None) -> list[Turn]:
        """The answered turns of the conversation that ends before position ``before`` (None: at the end)."""
        turns = self.turns[:before]
        start = next((at for at in range(len(turns) - 1, -1, -1) if not turns[at].continues), 0)
        return [turn for turn in turns[start:] if turn.answer]


def messages(system: str, history: list[Turn], request: str) -> list[Message]:
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
        return Transcript.model_validate_json(_path(workspace).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return Transcript()


def save_transcript(workspace: Workspace, transcript: Transcript) -> None:
    """Keep the newest turns."""
    kept = Transcript(turns=transcript.turns[-KEPT:])
    write_text(_path(workspace), kept.model_dump_json(indent=1) + "\n")
