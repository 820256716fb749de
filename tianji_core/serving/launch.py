"""Model servers as background jobs: starting one, finding those that run, waiting until one answers."""

import json
import re
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import InputError, ServerError
from tianji_core.i18n import _
from tianji_core.jobs import Job, JobSubject
from tianji_core.model_folders.adapter import adapter_base
from tianji_core.model_folders.folders import check_model
from tianji_core.model_folders.trust import runs_code
from tianji_core.workspace import Workspace

HOST = "127.0.0.1"
DEVICE = re.compile(r"auto|cpu|cuda(:\d{1,2})?")
DTYPES = ("auto", "float32", "bfloat16", "float16")
QUANTIZATIONS = ("", "4bit", "8bit")
KIND = "serve"
KEY_VARIABLE = "TIANJI_SERVE_KEY"
"""Holds the key that clients of a server must send; never an argument, which every user of the machine could read."""

CHANGE_TIMEOUT = 300.0
"""Seconds to load or unload an adapter: answers that use it end first."""

PROBE_TIMEOUT = 1.0
"""Seconds a health question may take; the server answers it between two tokens."""


@dataclass(frozen=True)
class ModelRef:
    """A model to serve: the name in requests, and its folder."""

    name: str
    path: str


class ServerSubject(JobSubject):
    """What a server job was started with: the names of its full models and adapters, and whether clients must send a
    key. ``program`` is '' for the studio's own server."""

    port: int
    models: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    keyed: bool = False
    program: str = ""


@dataclass(frozen=True)
class RunningServer:
    """A server job that has not ended. ``models`` are the names that requests can use, ``memory`` the bytes it takes (None
    where it does not say), ``key_variable`` the environment variable with its key, '' where it needs none."""

    job: Job
    subject: ServerSubject
    url: str
    models: tuple[str, ...]
    ready: bool
    memory: int | None = None
    key_variable: str = ""


@dataclass(frozen=True)
class ServerOptions:
    """How a server computes: ``device`` auto, cpu or cuda; ``dtype`` of the numbers; ``quantization`` '', 4bit or 8bit;
    ``max_queue`` requests that may wait; ``api_key`` True answers only who sends the key in ``TIANJI_SERVE_KEY``."""

    device: str = "auto"
    dtype: str = "auto"
    quantization: str = ""
    max_queue: int | None = None
    api_key: bool = False

    def check(self) -> None:
        """Raises:
        InputError: something that no server knows."""
        if not DEVICE.fullmatch(self.device):
            raise InputError(_("用不了设备 {device}，请改用 cpu、cuda 或 auto", device=self.device))
        for value, known in ((self.dtype, DTYPES), (self.quantization, QUANTIZATIONS)):
            if value not in known:
                names = _("、").join(filter(None, known))
                raise InputError(_("没有数值格式 {dtype}，可以的是：{known}", dtype=value, known=names))

    def arguments(self) -> list[str]:
        """For the server's command line."""
        made = ["--device", self.device, "--dtype", self.dtype]
        if self.quantization:
            made += ["--quantization", self.quantization]
        if self.max_queue is not None:
            made += ["--max-queue", str(self.max_queue)]
        return [*made, "--api-key"] if self.api_key else made


@dataclass(frozen=True)
class Health:
    """What a server says of itself: requests being answered and waiting, the device it computes on,
    bytes of memory."""

    status: str
    models: tuple[str, ...]
    active: int
    queued: int
    device: str
    memory: int


def start_server(
    workspace: Workspace,
    models: Sequence[ModelRef],
    adapters: Sequence[ModelRef] = (),
    port: int | None = None,
    options: ServerOptions = ServerOptions(),
) -> Job:
    """Start a server as a job of kind ``serve`` and return at once; see :func:`wait_ready`. ``port`` None takes a
    free one.

    Raises:
        ModelError: a folder is not a complete model or adapter, or brings code that nobody allowed. InputError: the port is taken, names clash, or
            there is nothing to serve.
    """
    if not models:
        raise InputError(_("请至少选一个完整模型（基座或合并模型）来启动服务"))
    options.check()
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
    argv += [*options.arguments(), "--workspace", str(workspace.home)]
    subject = ServerSubject(
        port=chosen,
        models=tuple(ref.name for ref in models),
        adapters=tuple(ref.name for ref in adapters),
        keyed=options.api_key,
    )
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
    """The address of a server job for any OpenAI client.

    Raises:
        ServerError: the job is no server.
    """
    return f"http://{HOST}:{server_subject(job).port}/v1"


def server_subject(job: Job) -> ServerSubject:
    """What a server job was started with.

    Raises:
        ServerError: the job is no server.
    """
    subject = jobs.subject_of(job, ServerSubject)
    if subject is None:
        raise ServerError(_("任务 {id}（{title}）不是模型服务", id=job.id, title=job.title))
    return subject


def health(url: str) -> Health | None:
    """What the server at ``url`` says, or None where none of ours answers."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url.removesuffix('/v1')}/health", timeout=PROBE_TIMEOUT) as response:
            value = json.load(response)
        return Health(
            value["status"],
            tuple(value["models"]),
            value["active"],
            value["queued"],
            value["device"],
            value["memory"],
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def quick_names(url: str) -> list[str]:
    """The models of a server of another program; empty while it does not answer."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{url}/models", timeout=PROBE_TIMEOUT) as response:
            return [str(each["id"]) for each in json.load(response)["data"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def change_adapter(workspace: Workspace, server: RunningServer, adapter: ModelRef, load: bool) -> None:
    """Load an adapter into a running server of ours, or unload it; returns when requests may use it, or its memory is
    free.

    Raises:
        ServerError: the server refuses, with its reason, or cannot be reached.
    """
    verb = "load" if load else "unload"
    body = {"lora_name": adapter.name, **({"lora_path": adapter.path} if load else {})}
    headers = {"Content-Type": "application/json"}
    if server.key_variable and (key := workspace.key(server.key_variable)):
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(
        f"{server.url}/{verb}_lora_adapter", json.dumps(body).encode(), headers, method="POST"
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        opener.open(request, timeout=CHANGE_TIMEOUT).close()
    except urllib.error.HTTPError as error:
        with error:
            raise ServerError(_said(error)) from error
    except OSError as error:
        raise ServerError(_("连不上模型服务 {url}，请确认它已经启动", url=server.url)) from error


def _said(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return str(error)


def running_server(job: Job) -> RunningServer:
    """A server job with its address, its model names, and whether it answers.

    Raises:
        ServerError: the job is no server.
    """
    subject, url = server_subject(job), server_url(job)
    variable = KEY_VARIABLE if subject.keyed else ""
    planned = (*subject.models, *subject.adapters)
    starting = RunningServer(job, subject, url, planned, False, key_variable=variable)
    if job.state != "running" or job.stop_requested:
        return starting
    if subject.program:
        names = tuple(quick_names(url))
        return replace(starting, models=names or planned, ready=bool(names))
    said = health(url)
    # adapters come and go, but a server without these bases is another one on the same port
    if said is None or said.status != "ok" or not set(subject.models) <= set(said.models):
        return starting
    return replace(starting, models=said.models, ready=True, memory=said.memory)


def servers(workspace: Workspace) -> list[RunningServer]:
    """The servers that run or are starting, newest first."""
    active = jobs.listed(workspace, kind=KIND, active=True)
    return [running_server(job) for job in active if jobs.subject_of(job, ServerSubject) is not None]


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
