"""A machine that SkyPilot rents, or finds in Kubernetes or Slurm: its program launches the task of the
training and follows the job; files come back over the SSH alias that it writes for the machine."""

import contextlib
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.errors import PlaceError, PlaceUnreachableError
from tianji_core.files import write_json, write_text
from tianji_core.gate import clean_sentence
from tianji_core.i18n import _
from tianji_core.jobs.environment import child_environment
from tianji_core.store.training import TrainingRun
from tianji_core.training.launch import CLIENT_VARIABLES
from tianji_core.training.places.adapters import FarState, SshAdapter
from tianji_core.training.places.profile import Place
from tianji_core.training.places.programs import answer_of
from tianji_core.training.presets import preset
from tianji_core.training.progress import work_folder
from tianji_core.training.record import record_of
from tianji_core.training.skypilot import HOME, check_sky, sky_task, task_name, workspace_there
from tianji_core.workspace import Workspace

TASK, REQUEST = "skypilot.yaml", "skypilot.json"
"""The task in the work folder, and the launch that was asked for."""
PATIENCE = 300.0
"""Seconds for an answer of SkyPilot, which may have to start its server first."""
IDLE = 10
"""Minutes after which a machine whose results are here is given back."""
LAST_LINES = 200
_COMING = ("PENDING", "RUNNING", "WAITING")
_WAITS = ("INIT", "PENDING", "SETTING_UP")
_FAILED = ("FAILED", "FAILED_SETUP", "FAILED_DRIVER")
_ENDS_OF_JOBS = (0, 100, 101, 102, 103)
"""The exit codes of ``sky logs``: how the job is or ended."""
_REQUEST_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_GONE = ("ClusterDoesNotExist", "does not exist", "not found")


class SkyJob(BaseModel):
    """A job in the queue of a machine, as ``sky queue -o json`` lists it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    job_id: int = Field(ge=0)
    job_name: str | None = ""
    status: str = Field(max_length=40)


def ask_sky(place: Place, *words: str, fine: Collection[int] = (0,)) -> str:
    """Runs SkyPilot's program and returns what it writes; ``fine`` are the exit codes of an answer.

    Raises:
        PlaceError: it is not installed, or it refuses. PlaceUnreachableError: it does not answer.
    """
    name, program = place.name, shutil.which("sky")
    if program is None:
        raise PlaceError(
            _("{place}：这台机器没有 sky；请照 SkyPilot 的文档安装它（pip install skypilot）", place=name)
        )
    given = child_environment(network=True, keys=CLIENT_VARIABLES)
    environment = {key: value for key, value in given.items() if key != "PYTHONPATH"} | {"NO_COLOR": "1"}
    try:
        code, out, err = answer_of([program, *words], b"", PATIENCE, environment)
    except subprocess.TimeoutExpired as error:
        raise PlaceUnreachableError(
            _("{place}：SkyPilot {n} 秒没有回答", place=name, n=round(PATIENCE))
        ) from error
    except (OSError, OverflowError) as error:
        raise PlaceError(_("{place}：SkyPilot 运行不了（{detail}）", place=name, detail=error)) from error
    if code not in fine:
        raise _refusal(place, f"{out}\n{err}")
    return out


def _refusal(place: Place, said: str) -> PlaceError | PlaceUnreachableError:
    detail = last_line(said)
    if re.search(r"server.*(unhealthy|not running|connect)|Connection|Timeout|timed out", detail, re.I):
        return PlaceUnreachableError(
            _("{place}：SkyPilot 的服务连不上（{detail}）", place=place.name, detail=detail)
        )
    return PlaceError(_("{place}：SkyPilot 不接受（{detail}）", place=place.name, detail=detail))


def last_line(said: str) -> str:
    """Returns the last line that says something, cleaned; the lines that tell an error before others."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)
    lines = [line.strip("└├─│⨯ \t") for line in plain.splitlines()]
    lines = [line for line in lines if re.search(r"\w", line)]
    errors = [line for line in lines if re.search(r"error|fail|exception|invalid|not ", line, re.I)]
    return clean_sentence((errors or lines or ["—"])[-1], 300)


class SkyPlace:
    """The machine of a place, for one training."""

    def __init__(self, workspace: Workspace, run: TrainingRun, place: Place) -> None:
        self._workspace, self._run, self._place = workspace, run, place
        self._id = record_of(run).bundle
        self._folder = work_folder(workspace, run)
        self._launched = False
        self._far: SshAdapter | None = None

    def submit(self, bundle: Path, again: bool) -> FarState:
        """Launches the task unless it was launched; ``again`` launches one anew that has ended early. A
        second launch finds the training of the first one and trains nothing twice.

        Raises:
            PlaceError: SkyPilot refuses it. PlaceUnreachableError: SkyPilot does not answer.
        """
        state = self.state()
        if state.state == "unknown" or (again and not state.active and not state.finished):
            self._launch(bundle)
            state = self.state()
        return state

    def _launch(self, bundle: Path) -> None:
        record = record_of(self._run)
        device = preset(self._run.preset, self._workspace).device
        check_sky(self._place.sky, record.target, device)
        base = self._place.base or record.settings.base_folder
        text = sky_task(self._place.sky, record.target, device, bundle, self._id, base)
        write_text(self._folder / TASK, text)
        machine = self._place.machine
        with contextlib.suppress(PlaceError):  # there is none yet
            ask_sky(self._place, "autostop", "-y", machine, "--cancel")
        said = ask_sky(self._place, "launch", "-y", "-d", "--async", "-c", machine, str(self._folder / TASK))
        found = _REQUEST_ID.search(said)
        if found is None:
            raise _refusal(self._place, said)
        write_json(self._folder / REQUEST, {"request": found.group(), "machine": machine})
        self._launched, self._far = False, None

    def state(self) -> FarState:
        """Returns how the training is: the machine while it is being made, then the training on it.

        Raises:
            PlaceError, PlaceUnreachableError: SkyPilot does not tell.
        """
        asked = self._request()
        if asked is None:
            return FarState(state="unknown")
        if not self._launched:
            status = self._status_of(asked)
            if status in _COMING:
                return FarState(state="waiting", active=True, reason=self._preparing())
            self._launched = True
        if self._far is not None:
            try:
                return self._far.state()
            except PlaceUnreachableError:
                self._far = None  # the machine may be gone: its queue knows
        return self._of_job(asked)

    def _of_job(self, asked: str) -> FarState:
        job = self._job()
        if job is None:
            if self._status_of(asked) in ("FAILED", "CANCELLED"):
                return FarState(state="failed", reason=self._last_of("api", "logs", asked, "--no-follow"))
            return FarState(state="unknown")
        if job.status in _WAITS:
            return FarState(state="waiting", active=True, reason=self._preparing())
        self._far = self._machine(job)
        told = None if self._far is None else self._far.state()
        if told is not None and told.state != "unknown":
            return told
        if job.status == "RUNNING":
            return FarState(state="waiting", active=True, reason=self._preparing())
        reason = ""
        if job.status in _FAILED:
            reason = self._last_of("logs", self._place.machine, str(job.job_id), "--no-follow")
        return FarState(state="stopped" if job.status == "CANCELLED" else "failed", reason=reason)

    def stop(self) -> FarState:
        """Takes the launch back, or cancels the job; the machine stays and costs what it costs.

        Raises:
            PlaceError, PlaceUnreachableError: SkyPilot does not do it.
        """
        asked = self._request()
        if asked is None:
            return FarState(state="unknown")
        machine = shlex.quote(self._place.machine)
        print(_("机器还在；不再用它，请退掉：{command}", command=f"sky down {machine}"), flush=True)
        if self._far is not None:
            with contextlib.suppress(PlaceUnreachableError):  # else SkyPilot reaches it
                return self._far.stop()
        if not self._launched and self._status_of(asked) in _COMING:
            ask_sky(self._place, "api", "cancel", "-y", asked)
        elif (job := self._job()) is not None and job.status in (*_WAITS, "RUNNING"):
            ask_sky(self._place, "cancel", "-y", self._place.machine, str(job.job_id))
        return self.state()

    def hashes(self, sizes: Mapping[str, int]) -> dict[str, str]:
        """Returns the SHA-256 of files of the training, given by name with their sizes in bytes."""
        return {} if self._far is None else self._far.hashes(sizes)

    def fetch(self, state: FarState, names: Sequence[str], target: Path) -> None:
        """Copies files of the training into a folder here."""
        if self._far is not None:
            self._far.fetch(state, names, target)

    def let_go(self) -> str:
        """Has a machine whose results are here given back when nothing has run on it for some minutes;
        returns what is to be said."""
        machine = self._place.machine
        by_hand = f"sky down {shlex.quote(machine)}"
        if self._place.keeps:
            return _("机器 {machine} 留着，一直计费；退掉：{command}", machine=machine, command=by_hand)
        try:
            ask_sky(self._place, "autostop", "-y", machine, "-i", str(IDLE), "--down")
        except (PlaceError, PlaceUnreachableError) as error:
            return _("没能退掉机器，它一直计费（{reason}）；退掉：{command}", reason=error, command=by_hand)
        return _("结果都取回来了；机器 {machine} 闲置 {n} 分钟后会退掉", machine=machine, n=IDLE)

    def _request(self) -> str | None:
        """The launch that was asked for, None where there was none."""
        try:
            stored = json.loads((self._folder / REQUEST).read_text(encoding="utf-8"))
            return str(stored["request"]) if stored["machine"] == self._place.machine else None
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError) as error:
            raise PlaceError(_("{file} 坏了，请移走它", file=self._folder / REQUEST)) from error

    def _status_of(self, asked: str) -> str:
        """The status of a launch, '' where SkyPilot has forgotten it."""
        listed = _json_in(ask_sky(self._place, "api", "status", asked, "-a", "-o", "json"), list)
        return next((str(each.get("status")) for each in listed if isinstance(each, dict)), "")

    def _job(self) -> SkyJob | None:
        """The newest job of the training, None where there is none or no machine."""
        said = ask_sky(self._place, "queue", self._place.machine, "-o", "json")
        jobs = _json_in(said, dict).get(self._place.machine)
        if jobs is None:
            if "ClusterNotUp" in said or any(word in said for word in _GONE):
                return None
            raise PlaceUnreachableError(
                _("{place}：看不到机器上的任务（{detail}）", place=self._place.name, detail=last_line(said))
            )
        try:
            known = [SkyJob.model_validate(each) for each in jobs]
        except (ValidationError, TypeError) as error:
            raise PlaceError(
                _("{place}：听不懂 SkyPilot 的回答（{detail}）", place=self._place.name, detail=error)
            ) from error
        own = [job for job in known if job.job_name == task_name(self._id)]
        return max(own, key=lambda job: job.job_id, default=None)

    def _machine(self, job: SkyJob) -> SshAdapter | None:
        """The machine over SSH, None where the job has not said where its home folder is."""
        machine = self._place.machine
        words = "logs", machine, str(job.job_id), "--no-follow", "--tail", "0"
        try:
            said = ask_sky(self._place, *words, fine=_ENDS_OF_JOBS)
        except PlaceError:  # the machine is being given back
            return None
        found = re.search(rf"{re.escape(HOME)}(/[^\x00-\x1f\x7f]*?)\s*$", said, re.M)
        if found is None:
            return None
        ask_sky(self._place, "status", machine)  # writes the alias, as a launch that was waited for does
        home = found.group(1)
        own = workspace_there(self._place.sky, self._id, home)
        checkout = f"{home}/sky_workdir"
        there = Place(
            name=self._place.name,
            host=machine,
            folder=own,
            python=f"{checkout}/.venv/bin/python",
            project=checkout,
        )
        return SshAdapter(self._workspace, there, self._id, described=True)

    def _preparing(self) -> str:
        return _("SkyPilot 在准备机器 {machine}，装好工坊就开始", machine=self._place.machine)

    def _last_of(self, *words: str) -> str:
        """The last thing that a log says."""
        try:
            return last_line(ask_sky(self._place, *words, "--tail", str(LAST_LINES), fine=_ENDS_OF_JOBS))
        except (PlaceError, PlaceUnreachableError) as error:
            return str(error)


def _json_in(said: str, kind: type[Any]) -> Any:
    """The JSON of a ``kind`` that ends what SkyPilot writes, after its sentences; an empty one where there is
    none."""
    for begin in re.finditer(r"^[\[{]", said, re.M):
        try:
            found = json.loads(said[begin.start() :])
        except ValueError:
            continue
        if isinstance(found, kind):
            return found
    return kind()


def try_sky(place: Place) -> str:
    """Returns what SkyPilot may use.

    Raises:
        PlaceError: it is not installed, or may use nothing. PlaceUnreachableError: it does not answer.
    """
    said = ask_sky(place, "check", "-o", "json")
    spaces = _json_in(said, dict).values()
    enabled = sorted({str(name) for each in spaces if isinstance(each, dict) for name in each})
    if not enabled:
        raise PlaceError(
            _("{place}：SkyPilot 还没有能用的云或集群；请照 sky check 说的登录一个", place=place.name)
        )
    return clean_sentence(_("、").join(enabled), 300)
