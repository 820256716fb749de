"""Ctrl-C: what an interrupted verb kept and how to go on, in one sentence; the exit code is 130."""

import functools
import shlex
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import typer

from tianji_core.errors import InterruptedWorkError
from tianji_core.i18n import _

_GIVEN: ContextVar[Path | None] = ContextVar("workspace option", default=None)


def command_line(words: str) -> str:
    """Returns the command to type for a verb and its options, in the workspace that this process was given
    with ``--workspace``."""
    folder = _GIVEN.get()
    where = "" if folder is None else f" --workspace {shlex.quote(str(folder))}"
    return f"python -m tianji_core {words}{where}"


def tells_what_is_kept(name: str, verb: Callable[..., None]) -> Callable[..., None]:
    """Returns the verb so that Ctrl-C raises :class:`InterruptedWorkError` with what it kept."""

    @functools.wraps(verb)
    def call(**values: Any) -> None:
        given = _GIVEN.set(values.get("workspace"))
        try:
            verb(**values)
        except KeyboardInterrupt as error:
            raise InterruptedWorkError(_of_verb(name)) from error
        except typer.Abort as error:  # at a question; its end of input is no Ctrl-C
            if not isinstance(error.__context__, KeyboardInterrupt):
                raise
            raise InterruptedWorkError(_of_verb(name)) from error
        finally:
            _GIVEN.reset(given)

    return call


def _of_verb(name: str) -> str:
    kept = {
        "clean": _("已经检查和修好的都在；再运行 clean 就接着检查"),
        "import": _("已经导入的都在，不会重复导入；再运行一次就接着导入"),
        "compare": _("已经收到的回答都在对比页里；没问的不会再问，要的话重新比一次"),
        "demo": _("已经做好的都在配方“走一遍”里，用 delete 可以整个删掉；再运行 demo 会从头走"),
        "judge": _("已经打好的分都在；再运行一次就接着做"),
        "chat": _("对话结束了"),
        "worker": _("写好的都在；没写完的由别的 worker 接着写，再运行 worker 就又来帮"),
        "probe": _("没有保存这次的回答；再运行一次就重新问"),
        "evaluate": _("没有保存这次的回答；再运行一次就重新问"),
        "studio": _("后台任务会继续；再运行 studio 就能打开"),
    }.get(name, _("没有留下做了一半的东西；要做的话再运行一次同一个命令"))
    return _("{verb} 停下了：{kept}", verb=name, kept=kept)
