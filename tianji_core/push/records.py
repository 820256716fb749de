"""What this workspace has pushed, in ``pushes.json``: which repositories it made, and how fast a push was."""

import json
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.files import write_json
from tianji_core.locks import FileLock
from tianji_core.push.target import Kind, PushTarget
from tianji_core.store.database import now
from tianji_core.workspace import Workspace

_FILE = "pushes.json"


class Pushed(BaseModel):
    """A repository that this workspace made or was allowed to write into. ``item`` is the name of the model
    or the dataset version last pushed, '' before the first push has ended; ``files`` are its paths there.
    ``rate`` is the bytes per second of that push, 0 where nothing was sent. ``pushed_at`` in UTC."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    hub: str
    endpoint: str
    kind: Kind
    repo: str
    private: bool = True
    item: str = ""
    url: str = ""
    files: tuple[str, ...] = ()
    rate: float = 0
    pushed_at: datetime = Field(default_factory=now)

    def is_of(self, target: PushTarget) -> bool:
        """Returns whether this is the record of a target."""
        same = (target.hub, target.endpoint, target.kind, target.repo)
        return (self.hub, self.endpoint, self.kind, self.repo.lower()) == (*same[:3], target.repo.lower())


def records(workspace: Workspace) -> list[Pushed]:
    """Returns all records, the newest last; none where the file cannot be read."""
    try:
        values = json.loads((workspace.home / _FILE).read_text(encoding="utf-8"))
        return [Pushed.model_validate(value) for value in values]
    except (OSError, ValueError, TypeError, ValidationError):
        return []


def record_for(workspace: Workspace, target: PushTarget) -> Pushed | None:
    """Returns the record of a target, None where this workspace has nothing to do with it."""
    return next((record for record in records(workspace) if record.is_of(target)), None)


def last_push(workspace: Workspace, kind: Kind, item: str) -> Pushed | None:
    """Returns where a model or a dataset version was pushed last, None where it never was."""
    own = [record for record in records(workspace) if (record.kind, record.item) == (kind, item)]
    return own[-1] if own else None


def last_rate(workspace: Workspace, hub: str) -> float:
    """Returns the bytes per second of the last push to a hub, 0 where unknown."""
    rates = [record.rate for record in records(workspace) if record.hub == hub and record.rate > 0]
    return rates[-1] if rates else 0.0


def remember(workspace: Workspace, target: PushTarget, record: Pushed) -> None:
    """Stores the record of a target in place of its earlier one."""
    with FileLock(workspace.home / f".{_FILE}.lock"):
        others = [each for each in records(workspace) if not each.is_of(target)]
        kept = [json.loads(each.model_dump_json()) for each in (*others, record)]
        write_json(workspace.home / _FILE, kept)
