"""The model server process.

    python -m tianji_core.serving.server --model DIR|NAME=DIR [--lora-modules NAME=DIR ...] [--port N]

Binds the port first, so that a taken one is reported before minutes of loading; answers once everything is
loaded.
"""

import argparse
import os
import socket
import sys
from pathlib import Path
from typing import Any

from tianji_core.access.hosts import allowed_hosts, allowed_hosts_setting, is_loopback
from tianji_core.errors import InputError, ServerError, StudioError
from tianji_core.i18n import _, set_language
from tianji_core.jobs import Reporter
from tianji_core.model_folders.folders import NamedFolder, named_folder
from tianji_core.serving.launch import DTYPES, KEY_VARIABLE, QUANTIZATIONS
from tianji_core.training.load import one_card
from tianji_core.workspace import Workspace, open_workspace

SWITCH_S = 0.0005
"""Seconds that a thread runs Python code before another may."""


def parser() -> argparse.ArgumentParser:
    """Returns the argument parser of the server."""
    made = argparse.ArgumentParser(
        prog="python -m tianji_core.serving.server", description=__doc__.splitlines()[0]
    )
    made.add_argument(
        "--model", action="append", required=True, help="full model: DIR or NAME=DIR; repeatable"
    )
    made.add_argument("--lora-modules", nargs="+", action="extend", default=[], help="adapters: NAME=DIR")
    made.add_argument(
        "--trust-remote-code",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME",
        help="models that may run Python code in their folders",
    )
    made.add_argument("--host", default="127.0.0.1")
    made.add_argument("--port", type=int, default=0, help="0 takes a free one")
    made.add_argument("--system", help="system prompt where a request brings none (default: the manifest's)")
    made.add_argument("--device", default="auto")
    made.add_argument("--dtype", default="auto", choices=DTYPES)
    made.add_argument("--quantization", default="", choices=QUANTIZATIONS, help="4bit is nf4")
    made.add_argument("--max-active", type=int, default=128, help="requests answered at the same time")
    made.add_argument("--max-queue", type=int, default=256, help="requests that may wait")
    made.add_argument(
        "--api-key",
        action="store_true",
        help=f"answer only who sends the key in the environment variable {KEY_VARIABLE}",
    )
    made.add_argument(
        "--openai-sampling",
        action="store_true",
        help="temperature and top_p 1 where a request names none, not the model's own",
    )
    made.add_argument("--workspace", type=Path, help="for the language of messages, the key, and adapters")
    return made


def bind(host: str, port: int) -> socket.socket:
    """Returns a bound socket that does not listen yet.

    Raises:
        ServerError: the port is taken or the address is not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except (OSError, OverflowError) as error:
        made.close()
        detail = getattr(error, "strerror", None) or str(error)
        raise InputError(
            _(
                "不能在 {host}:{port} 上启动模型服务（{detail}），请换一个端口",
                host=host,
                port=port,
                detail=detail,
            )
        ) from error
    return made


def _key(arguments: argparse.Namespace, workspace: Workspace | None) -> str:
    """Returns the key that clients must send, '' for none.

    Raises:
        InputError: one is wanted and none is set.
    """
    if not arguments.api_key:
        return ""
    key = os.environ.get(KEY_VARIABLE, "")
    if not key and workspace is not None:
        key = workspace.key(KEY_VARIABLE) or ""
    if not key:
        raise InputError(_("要求密钥（--api-key），但环境变量 {variable} 没有设置", variable=KEY_VARIABLE))
    return key


UVICORN: dict[str, Any] = {
    "log_level": "warning",
    "access_log": False,
    "proxy_headers": False,
    "timeout_graceful_shutdown": 2,
    "timeout_keep_alive": 30,
}
"""How the HTTP server runs; times in seconds."""


def _named_folders(arguments: argparse.Namespace) -> tuple[list[NamedFolder], list[NamedFolder]]:
    """Returns the models and the adapters of the command line.

    Raises:
        InputError: two have the same name, or a folder is not named well.
    """
    models = [named_folder(text) for text in arguments.model]
    adapters = [named_folder(text) for text in arguments.lora_modules]
    names = [folder.name for folder in models + adapters]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(_("有两个模型都叫 {name}，请用 名字=文件夹 给它们不同的名字", name=twice[0]))
    return models, adapters


def on_one_card(device: str, workspace: Workspace | None) -> str:
    """Lets this process see one card only, before it loads torch: the one whose number ``device`` gives, else
    one that is free. Returns the name that the device has then."""
    if device == "cpu":
        return device
    kind, _colon, number = device.partition(":")
    seen = one_card(workspace, int(number) if number else None)
    os.environ.update(seen)
    return kind if seen else device


def serve(arguments: argparse.Namespace, reporter: Reporter) -> None:
    """Loads the models, then answers requests until the process is stopped.

    Raises:
        StudioError: a model cannot be loaded, names clash, or the port is taken.
    """
    models, adapters = _named_folders(arguments)
    if arguments.max_active < 1 or arguments.max_queue < 0:
        raise InputError(_("--max-active 至少为 1，--max-queue 不能小于 0"))
    workspace = None if arguments.workspace is None else open_workspace(arguments.workspace)
    key = _key(arguments, workspace)
    bound = bind(arguments.host, arguments.port)
    host, port = bound.getsockname()[:2]
    hosts = allowed_hosts(host, port, allowed_hosts_setting())

    wanted = on_one_card(arguments.device, workspace)

    from tianji_core.serving.loading import Format, Limits, assign, choose_device, load

    device = choose_device(wanted)
    by_model = assign(models, adapters)
    served = []
    for done, folder in enumerate(models):
        reporter.update(done, total=len(models), message=_("正在加载 {name}", name=folder.name))
        print(_("正在加载 {name}", name=folder.name), flush=True)
        limits = Limits(arguments.max_active, arguments.max_queue)
        served += load(
            folder,
            by_model[folder.name],
            device,
            Format(arguments.dtype, arguments.quantization),
            limits,
            code_allowed=folder.name in arguments.trust_remote_code,
            takes_own=not arguments.openai_sampling,
        )

    import uvicorn

    from tianji_core.serving.app import build_app
    from tianji_core.serving.registry import Registry

    def ready() -> None:
        reporter.update(0, total=0, message=_("就绪"))  # a running server has no progress
        print(_("就绪：http://{host}:{port}/v1（{device}）", host=host, port=port, device=device), flush=True)

    # The decode thread runs Python too: an incoming request must not wait 5 ms, the default interval, for it.
    sys.setswitchinterval(SWITCH_S)
    registry = Registry(served, device, workspace)
    if not is_loopback(host) and not key:
        print(_("注意：{host} 不只本机能访问，而且没有密钥（--api-key）", host=host), flush=True)
    app = build_app(registry, arguments.system, hosts, ready, key)
    server = uvicorn.Server(uvicorn.Config(app, **UVICORN))
    server.run(sockets=[bound])
    for engine in registry.engines:
        engine.close()
    if not server.started:
        raise ServerError(_("模型服务没能启动，请看日志"))


def main(argv: list[str] | None = None) -> int:
    """Runs the server. Returns 0 after an orderly end, 2 for models that cannot be served."""
    arguments = parser().parse_args(argv)
    if arguments.workspace is not None:
        set_language(open_workspace(arguments.workspace).settings().language)
    reporter = Reporter(unit=_("个模型"))
    try:
        serve(arguments, reporter)
    except StudioError as error:
        print(str(error), file=sys.stderr, flush=True)
        reporter.fail(str(error))
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
