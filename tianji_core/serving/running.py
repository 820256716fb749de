"""Finds running model servers, queries them, and waits until one answers."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import httpx
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from tianji_core import jobs
from tianji_core.errors import GateError, ServerError
from tianji_core.gate import bounded_client, decoded, read_complaint, read_json, read_models
from tianji_core.gate.limits import MODELS, NAME_CHARACTERS
from tianji_core.i18n import _
from tianji_core.jobs import Job
from tianji_core.roles import check_may_write
from tianji_core.serving.launch import HOST, KEY_VARIABLE, KIND, ModelRef, ServerSubject
from tianji_core.serving.streaming import unreadable
from tianji_core.workspace import Workspace

CHANGE_TIMEOUT = 300.0
"""Seconds to load or unload an adapter: answers that use it end first."""

PROBE_TIMEOUT = 1.0
"""Seconds that a health query may take; the server answers it between two tokens."""


@dataclass(frozen=True)
class RunningServer:
    """A server job that has not ended. ``models`` are the names that requests can use, ``memory`` its
    bytes (None if it does not report them), ``key_variable`` the environment variable with its key, '' if
    it needs none."""

    job: Job
    subject: ServerSubject
    url: str
    models: tuple[str, ...]
    ready: bool
    memory: int | None = None
    key_variable: str = ""


SHARED = 1.0
"""Seconds for which an answer of a server is used again."""
MISSES = 2
"""Questions in a row that a server may miss before it counts as not ready."""


@dataclass(frozen=True)
class _Answer:
    """What a server said ``at`` (monotonic seconds), and how many questions it has missed since."""

    server: RunningServer
    at: float
    missed: int = 0


_answers: dict[tuple[Path, int], _Answer] = {}
"""(Home of the workspace, number of the job) → the last answer of its server."""
_sharing = threading.Lock()
"""Held while the answers are read or changed: the sessions of a studio are threads of one process."""


Name = Annotated[str, StringConstraints(max_length=NAME_CHARACTERS)]


class Health(BaseModel):
    """State that a server reports: requests being answered and waiting, its device, and its memory in
    bytes."""

    model_config = ConfigDict(frozen=True)

    status: Name
    models: tuple[Name, ...] = Field(max_length=MODELS)
    active: int = Field(ge=0, le=1_000_000)
    queued: int = Field(ge=0, le=1_000_000)
    device: Name
    memory: int = Field(ge=0, le=2**50)


def server_url(job: Job) -> str:
    """Returns the address of a server job for any OpenAI client.

    Raises:
        ServerError: the job is no server.
    """
    return f"http://{HOST}:{server_subject(job).port}/v1"


def server_subject(job: Job) -> ServerSubject:
    """Returns how a server job was started.

    Raises:
        ServerError: the job is no server.
    """
    subject = jobs.subject_of(job, ServerSubject)
    if subject is None:
        raise ServerError(_("任务 {id}（{title}）不是模型服务", id=job.id, title=job.title))
    return subject


def health(url: str) -> Health | None:
    """Returns the state of the studio's server at ``url``, or None where none answers."""
    try:
        return Health.model_validate(_asked(f"{url.removesuffix('/v1')}/health"))
    except (httpx.HTTPError, GateError, ValidationError):
        return None


def quick_names(url: str) -> list[str]:
    """Returns the models of a server of another program; empty while it does not answer."""
    try:
        return read_models(_asked(f"{url}/models"))
    except (httpx.HTTPError, GateError):
        return []


def _asked(url: str) -> Any:
    """Returns the JSON of a quick answer.

    Raises:
        httpx.HTTPError: none came, or it has an error status. GateError: it is no bounded JSON.
    """
    with _client(PROBE_TIMEOUT) as client:
        response = client.get(url).raise_for_status()
    return read_json(decoded(response.content, response.headers.get("content-type", "")))


def change_adapter(workspace: Workspace, server: RunningServer, adapter: ModelRef, load: bool) -> None:
    """Loads an adapter into a running server, or unloads it. Returns when requests may use it, or when its
    memory is free.

    Raises:
        ServerError: the server refuses, with its reason, or cannot be reached.
    """
    verb = "load" if load else "unload"
    body = {"lora_name": adapter.name, **({"lora_path": adapter.path} if load else {})}
    headers = {}
    if server.key_variable and (key := workspace.key(server.key_variable)):
        headers["Authorization"] = f"Bearer {key}"
    try:
        check_may_write()
        with _client(CHANGE_TIMEOUT) as client:
            answer = client.post(f"{server.url}/{verb}_lora_adapter", json=body, headers=headers)
    except httpx.HTTPError as error:
        raise ServerError(_("连不上模型服务 {url}，请确认它已经启动", url=server.url)) from error
    except GateError as error:
        raise unreadable(server.url, error) from error
    finally:
        _ask_again(workspace, server.job.id)
    if not answer.is_success:
        said = read_complaint(answer.content, answer.headers.get("content-type", "")).message
        raise ServerError(said or f"HTTP {answer.status_code} {answer.reason_phrase}")


def _client(timeout: float) -> httpx.Client:
    """Returns a client for servers on this machine. It ignores proxies and loads no certificates, which
    plain HTTP does not use and which take longer than the request."""
    client = bounded_client(httpx)(timeout=timeout, trust_env=False, verify=False)
    client.seconds = 3 * timeout
    return client


def running_server(job: Job) -> RunningServer:
    """Returns a server job with its address, its model names, and whether it answers.

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
    # Adapters change while a server runs; without these bases it is another server on the same port.
    if said is None or said.status != "ok" or not set(subject.models) <= set(said.models):
        return starting
    return replace(starting, models=said.models, ready=True, memory=said.memory)


def servers(workspace: Workspace) -> list[RunningServer]:
    """Returns the servers that run or are starting, newest first. Each is asked over HTTP what it does, at
    most once in :data:`SHARED` seconds: the parts of a page share the answer."""
    found = server_jobs(workspace)
    with _sharing:
        for key in [key for key in _answers if key[0] == workspace.home]:
            if key[1] not in {job.id for job in found}:
                del _answers[key]
    return [_shared(workspace, job) for job in found]


def _shared(workspace: Workspace, job: Job) -> RunningServer:
    """Returns the server of a job by its last answer where that is fresh. A busy one that misses a question
    stays as it was, :data:`MISSES` times."""
    if job.state != "running" or job.stop_requested:
        return running_server(job)
    with _sharing:
        known = _answers.get((workspace.home, job.id))
    if known is not None and time.monotonic() - known.at < SHARED:
        return replace(known.server, job=job)
    said, missed = running_server(job), 0
    if known is not None and known.server.ready and not said.ready and known.missed < MISSES:
        said, missed = replace(known.server, job=job), known.missed + 1
    _share(workspace, said, missed)
    return said


def _share(workspace: Workspace, said: RunningServer, missed: int = 0) -> None:
    with _sharing:
        _answers[workspace.home, said.job.id] = _Answer(said, time.monotonic(), missed)


def _ask_again(workspace: Workspace, job_id: int) -> None:
    """Forgets what a server has answered, after it was told to change."""
    with _sharing:
        _answers.pop((workspace.home, job_id), None)


def server_jobs(workspace: Workspace) -> list[Job]:
    """Returns the jobs of :func:`servers`, without asking the servers."""
    active = jobs.listed(workspace, kind=KIND, active=True)
    return [job for job in active if jobs.subject_of(job, ServerSubject) is not None]


def wait_ready(
    workspace: Workspace, job_id: int, timeout: float = 600.0, each: Callable[[Job], None] | None = None
) -> RunningServer:
    """Blocks until the server answers; calls ``each`` with the job about five times a second.

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
            _share(workspace, server)
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
