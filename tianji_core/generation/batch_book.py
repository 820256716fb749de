"""What a run has sent to a provider as batches: kept in the run's folder before anything is sent, so that a
killed process finds every batch again."""

import json
import uuid
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from tianji_core.dispatch import Usage
from tianji_core.errors import InputError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.ownership import discard
from tianji_core.recipe import Task
from tianji_core.workspace import Workspace


class SentBatch(BaseModel):
    """One batch. ``tag`` is our number for it; ``file`` and ``batch`` are the provider's for the file of
    requests and for itself, '' until the provider has said them; ``positions`` are those of its tasks;
    ``prompt`` and ``completion`` the tokens that it is expected to use. ``cancelled`` says that the person
    has given it up."""

    tag: str = Field(pattern=r"^[0-9a-f]{32}$")
    teacher: int = 0
    file: str = ""
    batch: str = ""
    positions: list[int] = []
    prompt: int = 0
    completion: int = 0
    cancelled: bool = False

    @property
    def expected(self) -> Usage:
        """The tokens that it is expected to use."""
        return Usage(self.prompt, self.completion)


class BatchBook(BaseModel):
    """The batches of a run whose answers are not stored yet, and how often a task without an answer was
    tried."""

    open: list[SentBatch] = []
    tries: dict[int, int] = {}


def _path(workspace: Workspace, run_id: int) -> Path:
    return workspace.run_folder(run_id) / "batches.json"


def requests_path(workspace: Workspace, run_id: int, tag: str) -> Path:
    """Returns the path of the file of requests of a batch."""
    return workspace.run_folder(run_id) / f"batch-{tag}.jsonl"


def read_book(workspace: Workspace, run_id: int) -> BatchBook:
    """Returns what a run has sent and not received.

    Raises:
        InputError: the file is not what the studio wrote.
    """
    path = _path(workspace, run_id)
    if not path.exists():
        return BatchBook()
    try:
        return BatchBook.model_validate_json(path.read_text("utf-8"))
    except (OSError, ValueError, ValidationError) as error:
        raise InputError(
            _("{path} 读不出来了；把它移走再继续，没有取回的批次会重新提交", path=path)
        ) from error


def save_book(workspace: Workspace, run_id: int, book: BatchBook) -> None:
    """Replaces the book of a run in one step."""
    write_text(_path(workspace, run_id), book.model_dump_json())


def drop_requests(workspace: Workspace, run_id: int, tags: Collection[str]) -> None:
    """Removes the files of requests of a run, except for those of the batches ``tags``."""
    kept = {requests_path(workspace, run_id, tag) for tag in tags}
    for path in workspace.run_folder(run_id).glob("batch-*.jsonl"):
        if path not in kept:
            discard(path)


def write_requests(
    workspace: Workspace, run_id: int, url: str, bodies: Iterable[tuple[Task, dict[str, Any]]]
) -> str:
    """Writes the requests of a batch, one JSON object per line; returns the batch's new tag."""
    tag = uuid.uuid4().hex
    lines = [
        {"custom_id": custom_id(task.position), "method": "POST", "url": url, "body": body}
        for task, body in bodies
    ]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    write_text(requests_path(workspace, run_id, tag), text)
    return tag


def sent_prompts(workspace: Workspace, run_id: int, tag: str) -> dict[int, str]:
    """Returns the prompt of each request of a batch, by the position of its task."""
    prompts = {}
    for line in requests_path(workspace, run_id, tag).read_text("utf-8").split("\n"):
        if not line:
            continue
        request = json.loads(line)
        position = position_of(request["custom_id"])
        if position is not None:
            prompts[position] = str(request["body"]["messages"][-1]["content"])
    return prompts


def custom_id(position: int) -> str:
    """Returns the name of a task's request; some providers want at least six characters."""
    return f"task-{position:06d}"


def position_of(name: str) -> int | None:
    """Returns the position in the name of a request; None where it is no name of ours."""
    digits = name.removeprefix("task-")
    return (
        int(digits) if digits != name and digits.isascii() and digits.isdigit() and len(digits) < 12 else None
    )
