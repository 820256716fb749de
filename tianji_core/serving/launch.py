"""Model servers as background jobs: starting one, finding those that run, waiting until one answers."""

import json
import re
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import InputError, ServerError
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.serving.folders import adapter_base, check_model
from tianji_core.training.trust import runs_code
from tianji_core.workspace import Workspace

HOST = "127.0.0.1"
DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,2})?")
DTYPES = ("auto", "float32", "bfloat16", "float16", "nf4")
KIND = "serve"
PROBE_TIMEOUT = 1.0
"""Seconds a health question may take; the server answers it between two tokens."""


@dataclass(frozen=True)
class ModelRef:
    """A model to serve: the name in requests, and its folder."""

    name: str
    path: str


@dataclass(frozen=True)
class RunningServer:
    """A server job that has not ended. ``models`` are the names that requests can use."""

    job: Job
    url: str
    models: tuple[str, ...]
    ready: bool


@dataclass(frozen=True)
class Health:
    """What a server says of itself: requests being answered and waiting, the device it computes on."""

    status: str
    models: tuple[str, ...]
    active: int
    queued: int
    device: str


def start_server(
    workspace: Workspace,
    models: Sequence[ModelRef],
    adapters: Sequence[ModelRef] = (),
    port: int | None = None,
    device: str = "auto",
    dtype: str = "auto",
) -> Job:
    """Start a server as a job of kind ``serve`` and return at once; see :func:`wait_ready`. ``port`` None takes a
    free one.

    Raises:
        ModelError: a folder is not a complete model or adapter, or brings code that nobody allowed. InputError: the port is taken, names clash, or
            there is nothing to serve.
    """
    if not models:
        raise InputError(_("请至少选一个完整模型（基座或合并模型）来启动服务"))
    if not DEVICE.fullmatch(device):
        raise InputError(_("用不了设备 {device}，请改用 cpu、cuda 或 auto", device=device))
    if dtype not in DTYPES:
        raise InputError(
            _("没有数值格式 {dtype}，可以的是：{known}", dtype=dtype, known=_("、").join(DTYPES))
        )
    names = [ref.name for ref in (*models, *adapters)]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(_("有两个模型都叫 {name}，请给它们不同的名字", name=twice[0]))
    for ref in models:
        check_model(Path(ref.path))
    trusted = [ref.name for ref in models if runs_code(workspace, Path(ref.path))]
    for ref in adapters:
        adapter_base(Path(ref.path))
    chosen = free_port(port)
    argv = [sys.executable, "-m", "tianji_core.serving.server", "--host", HOST, "--port", str(chosen)]
    for ref in models:
        argv += ["--model", f"{ref.name}={ref.path}"]
    if adapters:
        argv += ["--lora-modules", *(f"{ref.name}={ref.path}" for ref in adapters)]
    if trusted:
        argv += ["--trust-remote-code", *trusted]
    argv += ["--device", device, "--dtype", dtype, "--workspace", str(workspace.home)]
    subject: dict[str, object] = {
        "port": chosen,
        "models": [ref.name for ref in models],
        "adapters": [ref.name for ref in adapters],
    }
    title = _("模型服务：{names}", names=_("、").join(names))
    return jobs.start(workspace, KIND, title, argv, subject=subject)


def free_port(wanted: int | None) -> int:
    """``wanted`` if nobody listens there, or any free port.

    Raises:
        InputError: the wanted port is taken or not allowed.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted or 0))
        except (OSError, OverflowError) as error:
            raise InputError(_("端口 {port} 已被占用或不能用，请换一个", port=wanted)) from error
        return probe.getsockname()[1]


def server_url(job: Job) -> str:
    """The address of a server job for any OpenAI client."""
    return f"http://{HOST}:{job.subject['port']}/v1"


def health(url: str) -> Health | None:
    """What the server at ``url`` says, or None where none of ours answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url.removesuffix('/v1')}/health", timeout=PROBE_TIMEOUT) as response:
            value = json.load(response)
        return Health(
            value["status"], tuple(value["models"]), value["active"], value["queued"], value["device"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def running_server(job: Job) -> RunningServer:
    """A server job with its address, its model names, and whether it answers."""
    url = server_url(job)
    said = health(url) if job.state == "running" and not job.stop_requested else None
    planned = (*job.subject["models"], *job.subject["adapters"])
    ready = said is not None and said.status == "ok" and set(said.models) == set(planned)
    return RunningServer(job, url, planned, ready)


def servers(workspace: Workspace) -> list[RunningServer]:
    """The servers that run or are starting, newest first."""
    return [running_server(job) for job in jobs.listed(workspace, kind=KIND, active=True)]


def wait_ready(
    workspace: Workspace, job_id: int, timeout: float = 600.0, each: Callable[[Job], None] | None = None
) -> RunningServer:
    """Block until the server answers; ``each`` is called with the job about five times a second.

    Raises:
        ServerError: it ended, with its reason, or does not answer within ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    while True:
        job = jobs.get(workspace, job_id)
        if each is not None:
            each(job)
        if not job.active:
            reason = job.note or jobs.state_title(job.state)
            error = ServerError(_("模型服务没有启动起来：{reason}", reason=reason))
            error.exit_code = 2 if job.exit_code == 2 else 1
            raise error
        server = running_server(job)
        if server.ready:
            return server
        if time.monotonic() > deadline:
            raise ServerError(
                _(
                    "模型服务在 {seconds} 秒内没有就绪，请看任务 {id} 的日志",
                    seconds=round(timeout),
                    id=job_id,
                )
            )
        time.sleep(0.2)
