"""What this version of the studio will change in a workspace that an older one made. Looking changes nothing.

A studio that opens a workspace writes down with what it runs (:func:`record_environment`), so that the next
one can compare.
"""

import json
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.errors import RecipeError
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.release import version
from tianji_core.store.database import HEAD
from tianji_core.store.recipes import from_stored
from tianji_core.store.upgrading import database_state, outdated_releases, waiting_revisions
from tianji_core.workspace import Settings, Workspace

RECORD = "environment.json"
"""The file of a workspace with the :class:`Environment` of the last studio."""
BACKUP_RATE = 100e6
"""Bytes per second that a backup copies, checks and hashes; 205 to 287 MB/s were measured, with two cores."""


class Environment(BaseModel):
    """What a studio runs with: its own version, Python's, and those of its packages by name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    version: str
    python: str
    packages: dict[str, str]


@dataclass(frozen=True)
class ChangedPackage:
    """A version that differs from that of the last studio; '' for a package that is not there."""

    name: str
    before: str
    now: str


@dataclass(frozen=True)
class UpgradeReport:
    """What will change in a workspace. ``revisions`` maps the numbers of the schema's revisions that wait to
    a sentence each. ``recipes`` and ``settings`` name the fields that their stored form lacks and gets when
    they are saved next, by the recipe's key; ``unknown_settings`` those of another version, which a save
    drops; ``refused`` says why a stored recipe is not valid any more. ``closed_to`` are the releases that
    cannot open the database afterwards. Sizes are in bytes, ``backup_seconds`` an estimate; no backup is made
    where no revision waits, or on a server."""

    workspace: Path
    version: str
    version_before: str
    schema: str
    schema_after: str
    revisions: dict[str, str]
    recipes: dict[str, list[str]]
    refused: dict[str, str]
    settings: list[str]
    unknown_settings: list[str]
    closed_to: list[str]
    backup_size: int
    backup_seconds: float
    free: int
    differences: list[ChangedPackage] = field(default_factory=list)

    @property
    def space_needed(self) -> int:
        """Bytes that the backup and the log of the migration take, at most."""
        return 2 * self.backup_size

    @property
    def waits(self) -> bool:
        """Whether opening the workspace with this version changes anything, or anything else runs it."""
        return bool(self.revisions or self.refused or self.differences)


def upgrade_report(workspace: Workspace, packages: Iterable[str]) -> UpgradeReport:
    """Returns what this version will change in a workspace; compares the versions of ``packages``.

    Raises:
        SettingsError: the database or the settings cannot be read, or a newer version made the database.
    """
    state = database_state(workspace.database_url)
    revisions = waiting_revisions(state.revision)
    before = _recorded(workspace)
    recipes, refused = _recipe_changes(state.recipes)
    known, stored = set(Settings.model_fields), _stored_settings(workspace)
    size = (state.size or 0) if revisions else 0
    return UpgradeReport(
        workspace=workspace.home,
        version=version(),
        version_before=before.version if before else "",
        schema=state.revision or "",
        schema_after=HEAD,
        revisions=revisions,
        recipes=recipes,
        refused=refused,
        settings=sorted(known - stored) if stored else [],
        unknown_settings=sorted(stored - known),
        closed_to=outdated_releases(state.revision),
        backup_size=size,
        backup_seconds=size / BACKUP_RATE,
        free=shutil.disk_usage(workspace.home).free,
        differences=_differences(before, environment(packages)) if before else [],
    )


def environment(packages: Iterable[str]) -> Environment:
    """Returns what this program runs with."""
    found = {}
    for name in packages:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Environment(version=version(), python=sys.version.split()[0], packages=found)


def record_environment(workspace: Workspace, packages: Iterable[str]) -> None:
    """Writes down with what the workspace is opened now."""
    now = environment(packages)
    if now != _recorded(workspace):
        write_json(workspace.home / RECORD, now.model_dump())


def _recorded(workspace: Workspace) -> Environment | None:
    """What the last studio wrote down; None where it did not, or where it cannot be read."""
    try:
        return Environment.model_validate_json((workspace.home / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError, ValidationError):
        return None


def _differences(before: Environment, now: Environment) -> list[ChangedPackage]:
    old = {_("工坊"): before.version, "Python": before.python, **before.packages}
    new = {_("工坊"): now.version, "Python": now.python, **now.packages}
    return [
        ChangedPackage(str(name), old.get(name, ""), new.get(name, ""))
        for name in {**old, **new}
        if old.get(name) != new.get(name)
    ]


def _recipe_changes(stored: dict[str, dict[str, Any]]) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The fields that each stored recipe lacks, and why one is refused, by the recipe's key."""
    lacking, refused = {}, {}
    for key, body in stored.items():
        try:
            whole = from_stored(body, _("工作区里的配方 {key}", key=key)).model_dump(mode="json")
        except RecipeError as error:
            refused[key] = str(error)
        else:
            if fields := _added(body, whole):
                lacking[key] = fields
    return lacking, refused


def _added(stored: Any, whole: Any, place: str = "") -> list[str]:
    """The names of the fields that ``whole`` has and ``stored`` lacks, such as 'styles.several_lines'."""
    if isinstance(stored, dict) and isinstance(whole, dict):
        found = [f"{place}{name}" for name in whole if name not in stored]
        for name in whole:
            if name in stored:
                found += _added(stored[name], whole[name], f"{place}{name}.")
    elif isinstance(stored, list) and isinstance(whole, list):
        found = [
            name for one, other in zip(stored, whole, strict=False) for name in _added(one, other, place)
        ]
    else:
        found = []
    return sorted(set(found))


def _stored_settings(workspace: Workspace) -> set[str]:
    """The fields in the file of the settings, none where there is no file.

    Raises:
        SettingsError: the file is not valid.
    """
    workspace.settings()
    path = workspace.home / "settings.json"
    return set(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else set()
