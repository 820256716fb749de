"""Starts model servers as background jobs."""

import re
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tianji_core import jobs
from tianji_core.errors import InputError
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
"""Environment variable with the key that clients must send. It is no argument, because every user of the
machine can read those."""


@dataclass(frozen=True)
class ModelRef:
    """A model to serve: its name in requests, and its folder."""

    name: str
    path: str


class ServerSubject(JobSubject):
    """How a server job was started: the names of its full models and adapters, and whether clients must
    send a key. ``program`` is '' for the studio's own server."""

    port: int
    models: tuple[str, ...] = ()
    adapters: tuple[str, ...] = ()
    keyed: bool = False
    program: str = ""


@dataclass(frozen=True)
class ServerOptions:
    """Options of a server. ``device`` is auto, cpu, cuda or cuda:N with the number of a card; ``dtype`` the
    number format; ``quantization`` '', 4bit or 8bit; ``max_queue`` the number of requests that may wait; with
    ``api_key`` clients must send the key of ``TIANJI_SERVE_KEY``. With ``openai_sampling`` a request that
    names no temperature or top_p gets 1, not the model's own."""

    device: str = "auto"
    dtype: str = "auto"
    quantization: str = ""
    max_queue: int | None = None
    api_key: bool = False
    openai_sampling: bool = False

    def check(self) -> None:
        """Checks the options.

        Raises:
            InputError: a value that no server supports.
        """
        if not DEVICE.fullmatch(self.device):
            raise InputError(_("用不了设备 {device}，请改用 cpu、cuda 或 auto", device=self.device))
        for value, known in ((self.dtype, DTYPES), (self.quantization, QUANTIZATIONS)):
            if value not in known:
                names = _("、").join(filter(None, known))
                raise InputError(_("没有数值格式 {dtype}，可以的是：{known}", dtype=value, known=names))

    def arguments(self) -> list[str]:
        """Returns the arguments for the server's command line."""
        made = ["--device", self.device, "--dtype", self.dtype]
        if self.quantization:
            made += ["--quantization", self.quantization]
        if self.max_queue is not None:
            made += ["--max-queue", str(self.max_queue)]
        made += ["--openai-sampling"] if self.openai_sampling else []
        return [*made, "--api-key"] if self.api_key else made


def start_server(
    workspace: Workspace,
    models: Sequence[ModelRef],
    adapters: Sequence[ModelRef] = (),
    port: int | None = None,
    options: ServerOptions = ServerOptions(),
) -> Job:
    """Starts a server as a job of kind ``serve`` and returns at once; see
    :func:`~tianji_core.serving.running.wait_ready`. ``port`` None uses a free one.

    Raises:
        ModelError: a folder is not a complete model or adapter, or brings code that nobody allowed.
        InputError: the port is taken, two names are equal, or there is no model to serve.
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
    keys = (KEY_VARIABLE,) if options.api_key else ()
    return jobs.start(workspace, KIND, title, argv, subject=subject, keys=keys)


def free_port(wanted: int | None) -> int:
    """Returns ``wanted`` if it is free, or any free port for None.

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
