"""Verbs for what follows the end of a job: after, notices."""

from typing import Annotated

import typer

from tianji_core import jobs, notices
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.notices import Afterwards
from tianji_core.verbs.common import LARGEST, JsonOption, WorkspaceOption, opened, show
from tianji_core.verbs.tables import show_table
from tianji_core.workspace import Workspace


def after(
    job: Annotated[
        int | None, typer.Argument(min=1, max=LARGEST, help="Number of a running job.", show_default=False)
    ] = None,
    notify: Annotated[
        bool | None,
        typer.Option("--notify/--no-notify", help="Tell when it has ended; default: where it took long."),
    ] = None,
    switch_off: Annotated[
        bool | None,
        typer.Option(
            "--switch-off/--stay-on", help="Switch this machine off when it and all others have ended."
        ),
    ] = None,
    keep_on: Annotated[
        bool, typer.Option("--keep-on", help="Stop a switching off that counts down.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Choose what follows the end of a job, or stop the switching off of the machine."""
    space = opened(workspace)
    if keep_on:
        notices.keep_on(space)
        show({"kept_on": True}, as_json, _("不关机了"))
        return
    if job is None:
        raise InputError(_("请写明是哪个任务的编号，用“jobs”命令看有哪些"))
    if not jobs.get(space, job).active:
        raise InputError(_("任务 {id} 已经结束，不会再有什么跟着做", id=job))
    wanted = notices.load_afterwards(space, job)
    given = {"notify": notify, "switch_off": switch_off}
    wanted = wanted.model_copy(update={name: value for name, value in given.items() if value is not None})
    _check(space, wanted)
    if any(value is not None for value in given.values()):
        notices.save_afterwards(space, job, wanted)
    told = {None: _("做得久才通知"), True: _("做完通知"), False: _("做完不通知")}[wanted.notify]
    power = _("都做完就关机") if wanted.switch_off else _("不关机")
    show(wanted, as_json, _("任务 {id}：{told}，{power}", id=job, told=told, power=power))


def _check(workspace: Workspace, wanted: Afterwards) -> None:
    if wanted.notify and not notices.channels_in_use(workspace):
        raise InputError(_("还没有通知的地方：先在设置页填一个，或设环境变量（“notices”命令会列出来）"))
    if wanted.switch_off and not notices.switch_off_command():
        raise InputError(
            _("不知道怎么关这台机器；可以用环境变量 {name} 写明命令", name=notices.SWITCH_OFF_VARIABLE)
        )


def list_notices(
    trial: Annotated[
        bool, typer.Option("--test", help="Send a message through each that is set up.")
    ] = False,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """List the ways to be told that a job has ended; with --test try them."""
    space = opened(workspace)
    outcome = notices.send_to_all(space, notices.trial_notice(), pauses=()) if trial else {}
    present = notices.channels_in_use(space)
    rows = [
        {
            "channel": channel.key,
            "variables": list(channel.variables),
            "present": channel in present,
            "problem": outcome.get(channel, ""),
        }
        for channel in notices.CHANNELS
    ]
    lines = [
        (channel.title, _state(channel, channel in present, outcome.get(channel)))
        for channel in notices.CHANNELS
    ]
    show_table(rows, as_json, (_("通知方式"), _("状态")), lines)
    if any(outcome.values()):
        raise typer.Exit(1)


def _state(channel: notices.Channel, present: bool, problem: str | None) -> str:
    state = _("已设置") if present else _("未设置：{variables}", variables=_("、").join(channel.variables))
    if problem is not None:
        state = problem or _("送到了")
    return state
