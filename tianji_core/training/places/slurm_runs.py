"""A stored training as a job of the Slurm that this machine is a client of: submitted once, followed by its
number, and known by the exit code in its work folder when Slurm has forgotten it."""

import contextlib
import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from tianji_core.errors import ForgottenJobError, PlaceError, PlaceUnreachableError
from tianji_core.files import write_json, write_text
from tianji_core.gate import clean_sentence
from tianji_core.i18n import N_, _
from tianji_core.jobs.environment import child_environment
from tianji_core.store.training import TrainingRun
from tianji_core.training.launch import CLIENT_VARIABLES, by_hand, make_ready
from tianji_core.training.progress import training_state, work_folder
from tianji_core.training.record import record_of
from tianji_core.training.slurm import SlurmRequest, slurm_ends
from tianji_core.workspace import Workspace

FILE, SCRIPT = "slurm.json", "train.sbatch"
PATIENCE = 90.0
"""Seconds for an answer; Slurm itself gives up after 18 where its controller is down."""
BEFORE = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "RESV_DEL_HOLD", "SPECIAL_EXIT", "STOPPED")
GOING = ("RUNNING", "COMPLETING", "SUSPENDED", "SIGNALING", "STAGE_OUT", "RESIZING")
_AWAY = ("Unable to contact slurm controller", "Socket timed out", "Zero Bytes were transmitted")
"""What the programs of Slurm say where its controller cannot be reached."""


@dataclass(frozen=True)
class SlurmState:
    """How a job is; ``state`` as in :class:`~tianji_core.training.progress.TrainingState`, ``reason`` why it
    waits or how it failed; ``exit_code`` None while it runs or where nobody knows it."""

    state: str
    active: bool
    reason: str = ""
    exit_code: int | None = None


def submit(workspace: Workspace, run: TrainingRun, request: SlurmRequest, again: bool) -> int:
    """Submits a training unless it was, and returns the job's number; ``again`` submits one that has ended
    early anew, to go on from its newest checkpoint.

    Raises:
        PlaceError: Slurm refuses it; says why. PlaceUnreachableError: the controller does not answer.
            StudioError: dataset or base have changed or are gone.
    """
    folder = work_folder(workspace, run)
    name = f"tianji-{record_of(run).bundle}"
    job = job_of(folder)
    if job is None:  # this process may have been killed after an earlier submission
        listed = _asked("squeue", "-h", "-n", name, "-t", "all", "-o", "%i").split()
        numbers = [int(each) for each in listed if each.isdecimal()]
        ended = slurm_ends(folder)
        job = max([*numbers, *ended], default=None)
        if job is not None:
            write_json(folder / FILE, {"job": job})
    finished = training_state(workspace, run).finished
    if job is not None and (finished or not again or state_of(workspace, run).active):
        return job
    make_ready(workspace, run)
    write_text(folder / SCRIPT, by_hand(workspace, run, request)[1])
    said = _asked("sbatch", "--parsable", f"--job-name={name}", str(folder / SCRIPT))
    number = said.strip().splitlines()[-1].partition(";")[0]
    if not number.isdecimal():
        raise PlaceError(_("听不懂 sbatch 的回答：{said}", said=clean_sentence(said)))
    write_json(folder / FILE, {"job": int(number)})
    return int(number)


def job_of(folder: Path) -> int | None:
    """Returns the number of the job that trains in a work folder; None where none was submitted."""
    try:
        return int(json.loads((folder / FILE).read_text(encoding="utf-8"))["job"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def state_of(workspace: Workspace, run: TrainingRun) -> SlurmState:
    """Returns how the job of a training is.

    Raises:
        PlaceUnreachableError: Slurm does not say; the job may train all the same.
    """
    folder = work_folder(workspace, run)
    job = job_of(folder)
    if job is None:
        return SlurmState("missing", False)
    try:
        said = _asked("squeue", "-h", "-t", "all", "-j", str(job), "-o", "%T|%r").strip()
    except ForgottenJobError:
        said = ""
    except PlaceError as error:
        raise PlaceUnreachableError(str(error)) from error
    word, _bar, reason = said.partition("|")
    if word in BEFORE:
        return SlurmState("waiting", True, _waits(job, word, clean_sentence(reason)))
    if word in GOING:
        return SlurmState("running", True)
    code = slurm_ends(folder).get(job)
    if training_state(workspace, run).finished:
        return SlurmState("succeeded", False, "", code)
    if word == "CANCELLED" or (not word and code == 143):
        return SlurmState("stopped", False, _("Slurm 任务 {job} 被取消了", job=job), code)
    return SlurmState("failed", False, _why(word, job, code), code)


def _why(word: str, job: int, code: int | None) -> str:
    if word == "TIMEOUT":
        return _("Slurm 任务 {job} 到了时限；放宽时限再接着训练", job=job)
    if word == "OUT_OF_MEMORY":
        return _("Slurm 任务 {job} 的内存不够；多申请一些再接着训练", job=job)
    if word in ("NODE_FAIL", "BOOT_FAIL", "PREEMPTED"):
        return _("Slurm 任务 {job} 的机器没有了（{word}），可以接着训练", job=job, word=word)
    if code is None:
        return _("Slurm 任务 {job} 没有留下退出码（{word}），日志也许说了原因", job=job, word=word or "—")
    return _("Slurm 任务 {job} 失败了，退出码 {code}，见日志 slurm-{job}.log", job=job, code=code)


def stop(workspace: Workspace, run: TrainingRun) -> None:
    """Cancels the job of a training; one that has ended is left alone."""
    if (job := job_of(work_folder(workspace, run))) is not None:
        with contextlib.suppress(ForgottenJobError):
            _asked("scancel", str(job))


def partitions() -> list[str]:
    """Returns the partitions of the cluster.

    Raises:
        PlaceError: there is no Slurm here. PlaceUnreachableError: the controller does not answer.
    """
    return [line.rstrip("*") for line in _asked("sinfo", "-h", "-o", "%P").split()]


def _asked(*command: str) -> str:
    environment = {**child_environment(keys=CLIENT_VARIABLES), "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=PATIENCE,
            check=False,
        )
    except FileNotFoundError as error:
        raise PlaceError(_("没有 {program} 这个命令：这里不是 Slurm 的客户端", program=command[0])) from error
    except subprocess.TimeoutExpired as error:
        raise PlaceUnreachableError(_("Slurm {n} 秒没有回答", n=round(PATIENCE))) from error
    if done.returncode != 0:
        raise _refused(done.stderr)
    return done.stdout


def _refused(said: str) -> PlaceError | PlaceUnreachableError:
    detail = clean_sentence(said)
    if "Invalid job id" in said:
        return ForgottenJobError(_("Slurm 不认得这个任务了（{detail}）", detail=detail))
    if any(words in said for words in _AWAY):
        return PlaceUnreachableError(_("Slurm 的控制器没有回答；任务不受影响，过一会儿再问"))
    lower = said.lower()
    for words, advice in _REFUSALS:
        if any(word in lower for word in words):
            return PlaceError(_("Slurm 拒绝了：{advice}（{detail}）", advice=_(advice), detail=detail))
    return PlaceError(_("Slurm 拒绝了：{detail}", detail=detail))


_REFUSALS = (
    (("invalid partition",), N_("没有这个分区，用 sinfo 看有哪些，再改运行位置")),
    (("partition not available",), N_("这个分区停用了，用 sinfo 看有哪些，再改运行位置")),
    (("accounting/qos policy",), N_("超过了集群给的额度或时限，请少要一些，或等别的任务结束")),
    (("account",), N_("集群不认这个账户，或不许你用它；用 sacctmgr show assoc 看有哪些，再改运行位置")),
    (
        ("node configuration is not available", "generic resource"),
        N_("集群没有这么多卡、核或内存的机器，请少要一些"),
    ),
    (("limit", "qos"), N_("超过了集群给的额度或时限，请少要一些")),
)
"""Words of what Slurm says when it refuses a job, in small letters, and what to do; the first that fit
count."""
_HINDRANCES = (
    (r"Minutes", N_("账户的机时用完了，请找管理员或换一个账户")),
    (r"TimeLimit|MaxWall", N_("要的时限比那里允许的长，请改短时限")),
    (r"not permitted|AccountNotAllowed|QOSNotAllowed", N_("你的账户不能用这个分区，请改分区或账户")),
    (r"PartitionDown|PartitionInactive", N_("这个分区停用了，请改分区或等管理员恢复")),
    (
        r"PartitionNodeLimit|PartitionConfig|BadConstraints|PerJob",
        N_("要的机器、核、卡或内存太多，请少要一些"),
    ),
    (r"(Assoc|QOS)(Grp|Max)", N_("额度正被占满，别的任务结束后才轮到；等不到就请少要一些")),
    (r"DRAINED|ReqNodeNotAvail|NodeDown", N_("要的机器停用了或被预留，请等管理员恢复或改分区")),
    (r"Held|held|HOLD", N_("它被挂起了，请找管理员，或用 scontrol release 放行")),
)
"""Reasons of Slurm for which a job waits that does not start by waiting alone, and what to do."""


def _waits(job: int, word: str, reason: str) -> str:
    """Why a job that was not started yet waits, for people."""
    for pattern, advice in _HINDRANCES:
        if re.search(pattern, f"{word} {reason}"):
            return _(
                "Slurm 任务 {job} 在排队（{reason}）：{advice}", job=job, reason=reason, advice=_(advice)
            )
    return _("Slurm 任务 {job} 在排队（{reason}）", job=job, reason=reason)
