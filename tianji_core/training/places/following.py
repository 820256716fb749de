"""The job on this machine that sends a training elsewhere, follows it and brings back what it makes. It may
be ended and started again at any time: what runs there does not notice, and nothing is trained twice."""

import contextlib
import functools
import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType
from typing import TypeVar

from tianji_core.errors import (
    DiskFullError,
    MissingBaseError,
    PlaceError,
    PlaceUnreachableError,
    StudioError,
    TrainingError,
)
from tianji_core.files import write_json
from tianji_core.i18n import _
from tianji_core.jobs import Reporter, worker_of
from tianji_core.model_folders.manifest import size_text
from tianji_core.ownership import claim_folder, discard, discard_draft, replace, sha256
from tianji_core.store import training as training_runs
from tianji_core.store.training import TrainingRun
from tianji_core.training import engine, load
from tianji_core.training.launch import ElsewhereSubject
from tianji_core.training.places.adapters import Adapter, FarState, SshAdapter
from tianji_core.training.places.bundle import NAME, differing
from tianji_core.training.places.profile import Place
from tianji_core.training.places.sending import Elsewhere, described_now, elsewhere, keep
from tianji_core.training.places.sky_place import SkyPlace
from tianji_core.training.places.slurm_here import SlurmHere
from tianji_core.training.progress import training_state, work_folder
from tianji_core.training.record import record_of
from tianji_core.workspace import Workspace

SHORTEST, LONGEST = 2.0, 15.0
"""Seconds between two looks at the place: at first, and after a while."""
ATTEMPTS = 20
"""Attempts to fetch the files of a training that has ended."""
T = TypeVar("T")
WHERE = ("host", "port", "user", "folder")
"""What of a place leads to another machine or folder."""
MIRROR = ".there"
"""The folder in the work folder in which files arrive."""
_ARRIVED = ".arrived.json"
"""Names in it what has arrived so far; no file from there can have this name."""


@worker_of(ElsewhereSubject)
def follow(workspace: Workspace, subject: ElsewhereSubject, reporter: Reporter) -> int:
    """Sends a training unless it is there, follows it to its end and fetches what it makes; returns the exit
    code. TERM stops it there, too.

    Raises:
        StudioError: it failed there, or the place refuses it.
    """
    run = training_runs.get(workspace.engine, subject.training_run_id)
    known = elsewhere(workspace, run)
    if known is None:
        raise TrainingError(_("训练 {n} 没有送到别处的记录", n=run.id))
    signal.signal(signal.SIGTERM, _on_term)
    follower = Follower(workspace, run, known, reporter)
    try:
        follower.to_the_end()
    except _Asked:
        follower.stop()
        return 128 + signal.SIGTERM
    subject.go_on(workspace, run)
    return 0


class _Asked(BaseException):
    """A person asked for the end."""


def _on_term(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Asked


def adapter_of(workspace: Workspace, run: TrainingRun, place: Place) -> Adapter:
    """Returns the engine of a place for one training."""
    if place.local:
        return SlurmHere(workspace, run, place)
    if place.kind == "sky":
        return SkyPlace(workspace, run, place)
    return SshAdapter(workspace, place, record_of(run).bundle)


class Follower:
    """Follows one training; ``interval`` is the pause between two looks in seconds."""

    def __init__(self, workspace: Workspace, run: TrainingRun, known: Elsewhere, reporter: Reporter) -> None:
        self._workspace, self._run, self._known, self._reporter = workspace, run, known, reporter
        self._folder = work_folder(workspace, run)
        self._place = described_now(workspace, known.place)
        self._adapter = adapter_of(workspace, run, self._place)
        self._pause = SHORTEST
        self._counting = False
        self._shown = ""

    def to_the_end(self) -> None:
        """Follows until the training has ended and everything is here.

        Raises:
            StudioError: it failed there, or the place refuses it.
        """
        far, late = self._patiently(self._submitted), 0
        while True:
            self._note(far)
            complete = self._patiently(functools.partial(self._fetched, far))
            if not far.active:
                if complete:
                    break
                late += 1
                if late > ATTEMPTS:
                    raise PlaceError(_("{place} 那边的文件取不全，请看那边的磁盘", place=self._place.name))
            time.sleep(self._pause)
            self._pause = min(LONGEST, self._pause * 1.2)
            far = self._patiently(self._adapter.state)
            if far.state == "unknown":
                raise PlaceError(
                    _("{place} 那边没有这个训练了，多半是工作区被删掉了", place=self._place.name)
                )
        self._known = self._known.model_copy(update={"ended": True})
        keep(self._workspace, self._run, self._known)
        if said := self._adapter.let_go():
            print(said, flush=True)
        if not far.finished:
            raise TrainingError(_("{place} 那边：{reason}", place=self._place.name, reason=_end_of(far)))

    def stop(self) -> None:
        """Stops the training there, and says what became of it. This process may be killed meanwhile."""
        self._known = self._known.model_copy(update={"ended": True})
        keep(self._workspace, self._run, self._known)
        try:
            far = self._adapter.stop()
        except StudioError as error:
            print(_("没能让那边停下来，它可能还在训练：{reason}", reason=error), flush=True)
            return
        if far.state != "unknown":
            self._note(far)
        print(_("{place} 那边已经停下", place=self._place.name), flush=True)

    def _submitted(self) -> FarState:
        self._say(_("正在送到 {place}", place=self._place.name))
        self._check_moved()
        again = self._known.ended
        path = self._folder / NAME
        try:
            far = self._adapter.submit(path, again)
        except MissingBaseError:
            record = record_of(self._run)
            base, wanted = record.settings.base_folder, record.base_fingerprint
            adapter = self._adapter
            if not (isinstance(adapter, SshAdapter) and self._place.send_base and base.is_dir() and wanted):
                raise
            self._say(_("正在把基座送到 {place}", place=self._place.name))
            adapter.send_base(base, wanted)
            far = self._adapter.submit(path, again)
        self._known = self._known.model_copy(update={"ended": False, "place": self._place})
        if said := differing(far.versions):
            print(f"{self._place.name}：{said}", flush=True)
        return far

    def _check_moved(self) -> None:
        """Raises:
        PlaceError: the place leads to another machine or folder now, and the training may still run at the
            one to which it was sent.
        """
        then = self._known.place
        moved = any(getattr(then, name) != getattr(self._place, name) for name in WHERE)
        sent = self._known.seen is not None and not self._known.ended
        if moved and sent and self._adapter.state().state == "unknown":
            raise PlaceError(
                _(
                    "{place} 现在指向的地方没有这个训练，它可能还在 {host} 的 {folder} 里训练；把运行位置改回去再接着看",
                    place=then.name,
                    host=then.host,
                    folder=then.folder,
                )
            )

    def _patiently(self, ask: Callable[[], T]) -> T:
        """Asks until the place can be reached and this disk has room; the training there goes on
        meanwhile."""
        pause = SHORTEST
        while True:
            try:
                answer = ask()
            except (PlaceUnreachableError, DiskFullError) as error:
                self._troubled(str(error))
                time.sleep(pause)
                pause = min(60.0, pause * 1.6)
                continue
            if self._known.trouble:
                self._troubled("")
            return answer

    def _troubled(self, reason: str) -> None:
        if reason and reason != self._known.trouble:
            print(reason, flush=True)
        self._known = self._known.model_copy(update={"trouble": reason})
        self._keep_seen()
        self._reporter.pause(
            _("{reason}；过后会自己接着来，那边的训练不受影响", reason=reason) if reason else ""
        )

    def _keep_seen(self) -> None:
        """Stores what was seen where there is room; the next look stores it else."""
        with contextlib.suppress(DiskFullError):
            keep(self._workspace, self._run, self._known)

    def _say(self, text: str) -> None:
        if text != self._shown:
            print(text, flush=True)
            self._shown = text
        self._reporter.update(0, message=text)

    def _note(self, far: FarState) -> None:
        """Keeps and reports what was seen."""
        self._known = self._known.model_copy(update={"seen": time.time()})
        self._keep_seen()
        name = self._place.name
        if far.state == "waiting":
            waits = _("{place} 那边在排队，前面还有 {n} 个训练", place=name, n=far.ahead)
            self._say(far.reason or waits)
        elif far.total and far.iteration:
            if not self._counting:
                self._reporter.begin(far.total, _("步"), far.iteration)
                self._counting = True
            shown = "" if far.loss is None else _("损失 {loss}", loss=f"{far.loss:.3f}")
            self._reporter.update(far.iteration, total=far.total, message=f"{name} · {shown}")
            print(f"{name}: {far.iteration}/{far.total} {shown}", flush=True)
        else:
            self._say(_("{place} 那边正在加载模型和数据", place=name))

    def _fetched(self, far: FarState) -> bool:
        """Brings here what is new of what a training makes; returns whether all of it is here.

        Raises:
            PlaceError: the disk here is too small, or a file here that is not from there has its name.
        """
        mirror = claim_folder(self._folder / MIRROR)
        known = _from_there(mirror)
        sizes = {name: size for name, size in far.files.items() if _made(name)}
        wanted = [name for name, size in sizes.items() if self._lacks(mirror, name, size)]
        if wanted:
            self._check_disk(sum(sizes[name] for name in wanted))
            self._adapter.fetch(far, wanted, mirror)
        saved = {each.name for each in far.checkpoints}
        whole = self._checked(mirror, [name for name in sizes if name.split("/")[0] in saved])
        arrived = [
            name
            for name in sizes
            if (mirror / name).is_file() and (name.split("/")[0] not in saved or name in whole)
        ]
        for name in arrived:
            target = self._folder / name
            if name not in known and os.path.lexists(target) and not _same(mirror / name, target):
                raise PlaceError(
                    _("{file} 不是从 {place} 取来的，没有覆盖", file=target, place=self._place.name)
                )
        if not known >= set(arrived):
            write_json(mirror / _ARRIVED, sorted(known | set(arrived)), indent=None)
        for name in arrived:
            _put(mirror / name, self._folder / name)
        self._drop_old(mirror, far, whole)
        return all((self._folder / name).is_file() for name in sizes)

    def _check_disk(self, size: int) -> None:
        if size > shutil.disk_usage(self._folder).free:
            raise PlaceError(
                _(
                    "这台机器的磁盘放不下 {place} 那边的文件（{size}），请腾出空间再接着看",
                    place=self._place.name,
                    size=size_text(size),
                )
            )

    def _lacks(self, mirror: Path, name: str, size: int) -> bool:
        path = mirror / name
        if not path.is_file():
            return True
        here = path.stat().st_size
        if here > size:  # another file has this name now
            discard(path)
        return here != size

    def _checked(self, mirror: Path, names: Sequence[str]) -> set[str]:
        """The files of checkpoints that have arrived as they are there."""
        new = [name for name in names if not _same(mirror / name, self._folder / name)]
        whole = set(names) - set(new)
        arrived = {name: (mirror / name).stat().st_size for name in new if (mirror / name).is_file()}
        hashes = self._adapter.hashes(arrived) if arrived else {}
        for name in arrived:
            if name in hashes and sha256(mirror / name) == hashes[name]:
                whole.add(name)
            elif name in hashes:
                discard(mirror / name)
        return whole

    def _drop_old(self, mirror: Path, far: FarState, whole: set[str]) -> None:
        """Removes the checkpoints that are gone there once a newer one is here."""
        saved = {each.name for each in far.checkpoints}
        if not saved & {name.split("/")[0] for name in whole}:
            return
        for checkpoint in training_state(self._workspace, self._run).checkpoints:
            if checkpoint.path.name not in saved and checkpoint.path.parent == self._folder:
                discard(checkpoint.path)
        present = {name.split("/")[0] for name in far.files}
        for path in mirror.iterdir():
            if path.name not in present and not path.name.startswith("."):
                discard(path)


def _end_of(far: FarState) -> str:
    if far.reason:
        return far.reason
    return {"stopped": _("训练被停止了"), "lost": _("训练的监管进程没有了（那边重启过或被强行结束）")}.get(
        far.state, _("训练没有做完（退出码 {code}）", code=far.exit_code)
    )


def _made(name: str) -> bool:
    """Whether a file is of those that a training makes: nothing else is taken."""
    of_slurm = re.fullmatch(r"slurm-\d+\.log", name) is not None
    return of_slurm or name == load.FILE or engine.made_by_training(name)


def _from_there(mirror: Path) -> set[str]:
    """The files of the work folder that came from there, by their paths."""
    try:
        return {str(name) for name in json.loads((mirror / _ARRIVED).read_text(encoding="utf-8"))}
    except (FileNotFoundError, ValueError, TypeError):
        return {path.relative_to(mirror).as_posix() for path in mirror.rglob("*") if path.is_file()}


def _same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:
        return False


def _put(source: Path, target: Path) -> None:
    """Gives an arrived file its name in the work folder; the disk holds it once."""
    if _same(source, target):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{target.name}.part")
    discard_draft(draft)
    os.link(source, draft)
    replace(draft, target)
