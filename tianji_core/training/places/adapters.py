"""The five acts at a place: submit, state, log, stop and fetch. ``state`` carries the end of the log."""

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, field_validator

from tianji_core.errors import MissingBaseError, PlaceError, PlaceUnreachableError
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _, language
from tianji_core.training.places.profile import Place
from tianji_core.training.places.ssh_client import HASHED_IN_A_SECOND, QUESTION, SshClient, one_line
from tianji_core.workspace import Workspace

SIGN = "TIANJI-THERE "
"""Begins the line with the answer of :mod:`tianji_core.training.places.there`."""
HASHED_AT_ONCE = 5_000_000_000
"""Bytes of files whose hashes one question asks for; a larger file is asked for alone."""
SUPPORTED = ("3.11", "3.12")
"""The versions of Python that the studio runs on."""
_PYTHON = "TIANJI-PYTHON "
_VERSION = f"import sys; print('{_PYTHON}%d.%d' % sys.version_info[:2])"
"""A line that every Python understands, and what begins its answer."""


def _rooted(path: str) -> str:
    """A folder on another machine: absolute, in one line."""
    if not path.startswith("/") or not one_line(path):
        raise ValueError(_("要填一行路径"))
    return path


def _sentence(text: str) -> str:
    """One line without what a terminal obeys."""
    return "".join(sign if sign.isprintable() else " " for sign in clean_sentence(text))


Said = Annotated[str, AfterValidator(_sentence)]
"""A sentence of another machine."""
FarFolder = Annotated[str, Field(max_length=2000), AfterValidator(_rooted)]
FarSize = Annotated[int, Field(ge=0)]


class FarCheckpoint(BaseModel):
    """A complete checkpoint there; ``name`` is its path in the work folder, ``size`` in bytes."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int = Field(ge=0)
    iteration: int = Field(ge=0)


class FarState(BaseModel):
    """A training as it is at its place. ``state`` is as in
    :class:`~tianji_core.training.progress.TrainingState`, 'unknown' before it arrived; ``files`` are the
    sizes in bytes of what can be fetched from ``folder``, by path; ``home`` is the workspace
    there, ``versions`` those of the packages there."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    state: str = Field(max_length=40)
    folder: FarFolder | Literal[""] = ""
    active: bool = False
    finished: bool = False
    exit_code: int | None = None
    reason: Said = ""
    iteration: int = Field(default=0, ge=0)
    total: int | None = None
    loss: float | None = None
    ahead: int = 0
    checkpoints: tuple[FarCheckpoint, ...] = ()
    files: dict[str, FarSize] = Field(default={}, max_length=5000)
    home: FarFolder | Literal[""] = ""
    rsync: bool = False
    versions: dict[str, Said] = Field(default={}, max_length=100)

    @field_validator("files")
    @classmethod
    def _below(cls, value: dict[str, int]) -> dict[str, int]:
        for name in value:
            parts = name.split("/")
            if not name.isprintable() or any(part in ("", ".", "..") or part[0] == "." for part in parts):
                raise ValueError(name)
        return value


class FarCard(BaseModel):
    """A graphics card there; ``total`` is its memory in bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: Said = ""
    total: FarSize = 0


class FarFacts(BaseModel):
    """What a machine says of itself; ``disk`` is its free space in bytes."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    versions: dict[str, Said] = Field(max_length=100)
    cards: tuple[FarCard, ...] = Field(default=(), max_length=1000)
    disk: FarSize = 0
    rsync: bool = False
    home: FarFolder
    partitions: tuple[Said, ...] = Field(default=(), max_length=1000)


class Adapter(Protocol):
    """One training at one engine: the five acts, and the hashes of what was fetched. ``state`` carries the
    end of the log."""

    def submit(self, bundle: Path, again: bool) -> FarState:
        """Sends the training unless it is there, and starts it unless it was; ``again`` resumes one that has
        ended early."""

    def state(self) -> FarState:
        """Returns how the training is."""

    def stop(self) -> FarState:
        """Stops the training and returns how it is."""

    def hashes(self, sizes: Mapping[str, int]) -> dict[str, str]:
        """Returns the SHA-256 of files of the training, given by name with their sizes in bytes."""

    def fetch(self, state: FarState, names: Sequence[str], target: Path) -> None:
        """Copies files of the training into a folder here."""

    def let_go(self) -> str:
        """Gives back what was rented for the training, whose results are all here; returns what is to be said
        of it, '' for nothing."""


class SshAdapter:
    """A machine behind SSH on which the studio is installed: it trains itself, or submits to its Slurm.
    ``bundle_id`` is the
    training's, '' for asking only for facts. ``described`` is that of the client."""

    def __init__(
        self, workspace: Workspace, place: Place, bundle_id: str = "", described: bool = False
    ) -> None:
        self._place, self._id = place, bundle_id
        self.client = SshClient(workspace, place, described)

    def facts(self) -> FarFacts:
        """Returns what the machine has.

        Raises:
            PlaceError, PlaceUnreachableError: it cannot be used.
        """
        told = self._asked("facts", [])
        try:
            return FarFacts.model_validate(told)
        except ValidationError as error:
            raise self._unread(error) from error

    def submit(self, bundle: Path, again: bool) -> FarState:
        """Sends the training unless it is there, and starts it unless it was.

        Raises:
            MissingBaseError: the base is not there. PlaceError: the place lacks something else.
            PlaceUnreachableError: the connection failed.
        """
        far = self.state()
        if far.state == "unknown":
            self.client.send([(bundle, f"{far.home}/incoming/{self._id}.tar")])
        extra = ["--again"] if again else []
        if self._place.kind == "slurm":
            extra += ["--slurm", self._place.slurm.model_dump_json()]
        return self._state("submit", ["--base", self._place.base, *extra])

    def send_base(self, base: Path, fingerprint: str) -> None:
        """Sends the files of a base to where the other side looks for it."""
        folder = f"{self.state().home}/incoming/base-{fingerprint}"
        self.client.run(f"mkdir -p {shlex.quote(folder)}")
        files = sorted(path for path in base.iterdir() if path.is_file() and not path.name.startswith("."))
        self.client.send([(path, f"{folder}/{path.name}") for path in files])

    def state(self) -> FarState:
        """Returns how the training is."""
        return self._state("state", [])

    def stop(self) -> FarState:
        """Stops the training and returns how it is."""
        return self._state("stop", [])

    def hashes(self, sizes: Mapping[str, int]) -> dict[str, str]:
        """Returns the SHA-256 of files of the training, given by name with their sizes in bytes."""
        hashes: dict[str, str] = {}
        for names, size in _questions(sizes):
            told = self._asked("hashes", [], json.dumps(names), QUESTION + size / HASHED_IN_A_SECOND)
            found = told.get("hashes")
            if isinstance(found, dict):
                hashes |= {str(name): str(value) for name, value in found.items()}
        return hashes

    def fetch(self, state: FarState, names: Sequence[str], target: Path) -> None:
        """Copies files of a training into a folder here."""
        self.client.fetch(state.folder, names, target, state.rsync)

    def let_go(self) -> str:
        """Returns '': nothing was rented."""
        return ""

    def _state(self, act: str, extra: list[str]) -> FarState:
        try:
            return FarState.model_validate(self._asked(act, extra))
        except ValidationError as error:
            raise self._unread(error) from error

    def _asked(
        self, act: str, extra: list[str], given: str = "", patience: float = QUESTION
    ) -> dict[str, Any]:
        place = self._place
        words = [place.python, "-m", "tianji_core.training.places.there", act]
        words += ["--workspace", place.folder, "--language", language(), *extra]
        words += ["--id", self._id] if self._id else []
        if place.project:
            words = ["env", f"PYTHONPATH={place.project}", *words]
        command = shlex.join(words)
        code, out, err = self.client.run(command, given, patience)
        for line in out.split("\n"):
            if line.startswith(SIGN):
                return self._told(line.removeprefix(SIGN))
        raise self._silent(code, err or out)

    def _told(self, text: str) -> dict[str, Any]:
        try:
            told = json.loads(text)
            if not isinstance(told, dict):
                raise ValueError(type(told).__name__)
        except ValueError as error:
            raise self._unread(error) from error
        if "error" in told:
            kinds = {"MissingBaseError": MissingBaseError, "PlaceUnreachableError": PlaceUnreachableError}
            raise kinds.get(str(told.get("kind")), PlaceError)(
                _("{place} 那边：{reason}", place=self._place.name, reason=clean_sentence(told["error"]))
            )
        return told

    def _unread(self, error: Exception) -> PlaceError:
        detail = clean_sentence(error)
        return PlaceError(
            _(
                "{place}：听不懂那边的回答（{detail}），多半是那边的工坊版本不同",
                place=self._place.name,
                detail=detail,
            )
        )

    def _silent(self, code: int, said: str) -> PlaceError | PlaceUnreachableError:
        """The error where no answer came; asks the program there what it is."""
        facts = {"place": self._place.name, "python": self._place.python}
        detail = clean_sentence(said.strip().splitlines()[-1] if said.strip() else "")
        if code < 0 or code > 128:
            return PlaceUnreachableError(
                _("{place}：那边的程序被中断了（退出码 {code}）", code=code, **facts)
            )
        known, version = self.client.run(shlex.join([self._place.python, "-c", _VERSION]))[:2]
        found = version.strip().rpartition(_PYTHON)[2]
        if known in (126, 127):
            return PlaceError(
                _("{place}：那边没有 {python}；请在运行位置里写上装了工坊的 Python 的路径", **facts)
            )
        if known != 0 or _PYTHON not in version:
            return PlaceError(
                _("{place}：那边的 {python} 不是 Python；请在运行位置里写上装了工坊的 Python 的路径", **facts)
            )
        if found not in SUPPORTED:
            return PlaceError(
                _(
                    "{place}：那边的 {python} 是 Python {found}，工坊要 {wanted}；请在那边用合适的 Python 安装工坊，再把它的路径写进运行位置",
                    found=clean_sentence(found, 20),
                    wanted=_("、").join(SUPPORTED),
                    **facts,
                )
            )
        if "No module named" in said or "SyntaxError" in said:
            return PlaceError(
                _(
                    "{place}：那边的 {python} 里没有能用的工坊（{detail}）；请在那边安装工坊，或写对 Python 和工坊文件夹",
                    detail=detail,
                    **facts,
                )
            )
        return PlaceError(_("{place}：那边出错了（{detail}）", detail=detail or code, **facts))


def _questions(sizes: Mapping[str, int]) -> Iterator[tuple[list[str], int]]:
    """Yields the names of at most :data:`HASHED_AT_ONCE` bytes of files, at least one, and their bytes."""
    names: list[str] = []
    total = 0
    for name, size in sizes.items():
        if names and total + size > HASHED_AT_ONCE:
            yield names, total
            names, total = [], 0
        names.append(name)
        total += size
    if names:
        yield names, total
