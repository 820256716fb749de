"""Verbs for the studio itself: studio, jobs, doctor."""

import contextlib
import errno
import os
import shutil
import socket
import sys
from importlib import metadata
from typing import Annotated

import typer

from tianji_core import generation, models
from tianji_core import jobs as background
from tianji_core.access.hosts import (
    ALLOWED_HOSTS_VARIABLE,
    TRUSTED_PROXIES_VARIABLE,
    allowed_hosts_setting,
    trusted_proxies_setting,
)
from tianji_core.errors import InputError, SettingsError, StudioError
from tianji_core.i18n import _
from tianji_core.installing.state import TRAINING
from tianji_core.model_folders.base import checked_base
from tianji_core.model_folders.trust import runs_code
from tianji_core.models.gguf.formats import missing_packages
from tianji_core.project import PROJECT, gguf_command, install_command
from tianji_core.store.address import shown_address
from tianji_core.training.base_trials import BaseTrial, TrialRequest, try_bases
from tianji_core.training.engine import PACKAGES as ENGINE_PACKAGES
from tianji_core.training.preflight import gpus as training_gpus
from tianji_core.upgrade import record_environment
from tianji_core.verbs.common import LARGEST, JsonOption, WorkspaceOption, opened, show
from tianji_core.verbs.mending import environment_line, mend
from tianji_core.verbs.tables import show_table
from tianji_core.workspace import Workspace


def studio(
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 6006,
    host: Annotated[
        str, typer.Option(help="Address to listen on; the default is reachable from this machine only.")
    ] = "127.0.0.1",
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="Further NAME or NAME:PORT that the browser asks for: of a proxy or tunnel; repeatable.",
            show_default=False,
        ),
    ] = None,
    base_path: Annotated[
        str, typer.Option(help="Path under which a proxy passes the studio on, such as /studio.")
    ] = "",
    trusted_proxy: Annotated[
        list[str] | None,
        typer.Option(
            help="Address of a proxy whose X-Forwarded-For and -Proto are believed; repeatable.",
            show_default=False,
        ),
    ] = None,
    workspace: WorkspaceOption = None,
) -> None:
    """Open the studio in the browser.

    Where other machines reach it, everyone has to log in: see 'users'.
    """
    space = opened(workspace)
    space.engine.dispose()  # opening it migrates the database before the first page asks
    refuse_taken_port(host, port)
    record_environment(space, PACKAGES)
    os.environ["TIANJI_HOME"] = str(space.home)
    os.environ[ALLOWED_HOSTS_VARIABLE] = ",".join([*allowed_hosts_setting(), *(allow_host or [])])
    os.environ[TRUSTED_PROXIES_VARIABLE] = ",".join([*trusted_proxies_setting(), *(trusted_proxy or [])])
    os.chdir(PROJECT)
    command = [sys.executable, "-m", "pages.launch"]
    command += ["--server.port", str(port), "--server.address", host]
    if path := base_path.strip("/"):
        command += ["--server.baseUrlPath", path]
    os.execv(sys.executable, command)


def free_studio_port(first: int = 6006, tries: int = 20) -> int:
    """Returns the first free port from ``first`` on; ``first`` where all are taken."""
    for port in range(first, first + tries):
        with contextlib.suppress(InputError):
            refuse_taken_port("127.0.0.1", port)
            return port
    return first


def refuse_taken_port(host: str, port: int) -> None:
    """Checks that the studio can listen on host:port.

    Raises:
        InputError: the port is taken, or the address does not belong to this machine.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise InputError(
                    _(
                        "不能在 {host}:{port} 上打开网页（{detail}）；--host 应当是这台机器的地址，例如 127.0.0.1",
                        host=host,
                        port=port,
                        detail=error.strerror,
                    )
                ) from error
            raise InputError(
                _(
                    "端口 {port} 已被占用（{detail}）；换一个：make run PORT={other}，或 --port {other}",
                    port=port,
                    detail=error.strerror,
                    other=port + 1,
                )
            ) from error


def jobs(
    stop: Annotated[
        int | None, typer.Option(min=1, max=LARGEST, help="Stop the job with this number.")
    ] = None,
    log: Annotated[
        int | None, typer.Option(min=1, max=LARGEST, help="Print the end of this job's log.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to list.")] = 20,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List background jobs, show a log, or stop one."""
    space = opened(workspace)
    if log is not None:
        background.get(space, log)
        text = background.log_tail(space, log)
        show({"id": log, "log": text}, as_json, text)
        return
    if stop is not None:
        if background.stop(space, stop).active:
            background.wait(space, stop, timeout=60)
        show(background.get(space, stop), as_json, _("任务 {id} 已停止", id=stop))
        return
    listed = background.listed(space, limit=limit)
    crews = generation.workers_of_jobs(space, listed)
    heads = (_("编号"), _("状态"), _("种类"), _("名字"), _("用时"), _("说明"), _("谁"))
    rows = [
        (
            job.id,
            background.shown_state(space, job),
            job.kind,
            job.title,
            background.duration_text(job.seconds),
            job.note or (generation.workers_text(crews[job.id]) if job.id in crews else ""),
            job.who,
        )
        for job in listed
    ]
    show_table(listed, as_json, heads, rows, _("还没有任务"))


PACKAGES = (
    "streamlit",
    "openai",
    "zhipuai",
    "torch",
    "transformers",
    "peft",
    "bitsandbytes",
    "datasets",
    "modelscope",
    *ENGINE_PACKAGES,
)


def doctor(
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what can be mended, and say what was done.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Say what this machine and this installation have, and what is missing."""
    space = opened(workspace)
    if fix:
        mend(space)
    database = shown_address(space.engine.url.render_as_string(hide_password=False))
    missing = []
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    tried, untried = ({}, {}) if missing else _tried_bases(space)
    gpus = [f"{card.name}, {card.total / 2**20:.0f} MiB" for card in training_gpus()]
    facts = {
        "python": sys.version.split()[0],
        "packages": versions,
        "missing": missing,
        "missing_for_gguf": missing_packages(quantised=True),
        "bases": {name: trial.sentence for name, trial in tried.items()},
        "untried": untried,
        "gpus": gpus,
        "free_disk_gb": round(shutil.disk_usage(space.home).free / 1e9, 1),
        "workspace": str(space.home),
        "database": database,
    }
    lines = [f"Python {facts['python']}"]
    lines += [f"{name} {version}" for name, version in versions.items()]
    lines.append(
        _(
            "显卡：{gpus}",
            gpus=_("、").join(gpus) or _("没有（用内置小模型走全流程；7B 训练需要 24 GB 显卡）"),
        )
    )
    for folder, left in space.free_space().items():
        lines.append(_("{folder} 所在磁盘剩 {size}", folder=folder, size=models.size_text(left)))
    lines += [f"{'✗' if trial.problem else '✓'} {name}  {trial.sentence}" for name, trial in tried.items()]
    lines += [_("– {name}  没有试：{reason}", name=name, reason=reason) for name, reason in untried.items()]
    lines += [_gguf_line(), environment_line()]
    show(facts, as_json, "\n".join(lines))
    if broken := [name for name, trial in tried.items() if trial.problem]:
        reason = tried[broken[0]].sentence
        raise SettingsError(_("模型 {names} 训练不了（{reason}）", names=_("、").join(broken), reason=reason))
    unneeded = {*TRAINING, "modelscope"} if set(TRAINING) <= set(missing) else set()  # a light studio
    if lacking := [name for name in missing if name not in unneeded]:
        raise SettingsError(
            _(
                "缺少软件包 {names}；用这个命令补齐：{command}",
                names=_("、").join(lacking),
                command=install_command(lacking),
            )
        )


def _gguf_line() -> str:
    if without := missing_packages(quantised=True):
        names, command = _("、").join(without), gguf_command()
        return _("GGUF 导出：没有装 {names}；要用的话：{command}", names=names, command=command)
    return _("GGUF 导出：可以用")


def _tried_bases(space: Workspace) -> tuple[dict[str, BaseTrial], dict[str, str]]:
    """Returns what came out of loading tokenizer and configuration of every full model, and why a model was
    not tried (incomplete, or nobody allowed its code), by the models' names."""
    asked, untried = {}, {}
    for model in models.loadable(space):
        if model.kind == "adapter":
            continue
        try:
            checked_base(model.path)
            runs = runs_code(space, model.path)
        except StudioError as error:
            untried[model.name] = str(error)
            continue
        asked[model.name] = TrialRequest(
            folder=str(model.path), runs_code=runs, template=model.template, memory=None
        )
    return dict(zip(asked, try_bases(space, list(asked.values())), strict=True)), untried
