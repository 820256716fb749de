"""Turns what typer says of a wrong command line into one sentence in the language of the studio."""

import re

import typer
from pydantic import ValidationError

from tianji_core.i18n import _
from tianji_core.recipe import reason_of


def sentence(error: typer.TyperException) -> str:
    """Returns the sentence for an error of the parser."""
    param = getattr(error, "param", None)
    option = str(param.get_error_hint()).replace("'", "") if param is not None else ""
    cause = error.__cause__
    ctx = getattr(error, "ctx", None)
    verb = ctx.info_name if ctx is not None and ctx.parent is not None else ""
    return _(
        "{problem}；用 python -m tianji_core {verb}--help 看用法",
        problem=_problem(error, option, cause),
        verb=f"{verb} " if verb else "",
    )


def _problem(error: typer.TyperException, option: str, cause: BaseException | None) -> str:
    if isinstance(cause, ValidationError):
        first = cause.errors(include_url=False)[0]
        return _(
            "{option} {reason}，写的是 {value}", option=option, reason=reason_of(first), value=first["input"]
        )
    kind, message = type(error).__name__, error.message
    if kind == "MissingParameter":
        return _("没有给出 {option}", option=option)
    if kind == "NoSuchOption":
        near = _("、").join(getattr(error, "possibilities", None) or ())
        missing = _("没有选项 {option}", option=getattr(error, "option_name", ""))
        return missing + (_("，是不是 {near}", near=near) if near else "")
    if match := re.match(r"No such command '(.*?)'", message):
        return _("没有命令“{verb}”", verb=match[1])
    if match := re.match(r"Got unexpected extra argument(?:s|\(s\))? \((.*)\)", message):
        return _("多写了“{words}”，有空格的文字请加引号", words=match[1])
    if match := re.match(r"Option '(.*?)' requires an argument", message):
        return _("{option} 后面要写一个值", option=match[1])
    return error.format_message()
