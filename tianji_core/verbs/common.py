"""What every verb shares: common options, the workspace, output as JSON or text, following a job."""

import contextlib
import json
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from tianji_core import jobs
from tianji_core.errors import InputError, JobError
from tianji_core.i18n import _, set_language
from tianji_core.verbs.progress import ProgressDisplay
from tianji_core.workspace import Workspace, open_workspace

WorkspaceOption = Annotated[
    Path | None,
    typer.Option(
        "--workspace", help="Workspace folder; default TIANJI_HOME or ./workspace.", show_default=False
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a program to read.")]
RecipeOption = Annotated[
    str | None,
    typer.Option("--recipe", help="Recipe key; default: the one in the settings.", show_default=False),
]
DetachOption = Annotated[
    bool, typer.Option("--detach", help="Start it and return at once; follow it with 'jobs'.")
]
OverwriteOption = Annotated[
    bool, typer.Option("--overwrite", help="Replace what the studio wrote there before, if it is unchanged.")
]


LARGEST = 2**31 - 1
"""The largest number that a row of the database can have."""


def opened(folder: Path | None) -> Workspace:
    """Returns the workspace of a verb, and sets the language to its setting."""
    workspace = open_workspace(folder)
    set_language(workspace.settings().language)
    return workspace


def chosen_recipe(workspace: Workspace, key: str | None) -> str:
    """Returns the key of the recipe that a verb works on."""
    return key or workspace.settings().recipe


def words(text: str) -> tuple[str, ...]:
    """Returns the parts of a list such as '小红书,正常'; Chinese commas separate too."""
    parts = text.replace("，", ",").replace("、", ",").split(",")
    return tuple(part.strip() for part in parts if part.strip())


def option_pairs(given: list[str] | None) -> tuple[tuple[str, str], ...]:
    """Returns the (axis, option) pairs of entries such as 'length=short,long'.

    Raises:
        InputError: an entry has no '=' or no option.
    """
    pairs = []
    for entry in given or ():
        axis, equals, options = entry.partition("=")
        if not (axis.strip() and equals and words(options)):
            raise InputError(_("--option 要写成 条件=选项，例如 length=short，现在是“{text}”", text=entry))
        pairs += [(axis.strip(), option) for option in words(options)]
    return tuple(pairs)


def text_of(file: Path) -> str:
    """Returns the text of a file that a person named.

    Raises:
        InputError: it cannot be read, or is no UTF-8.
    """
    try:
        return file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(_("读不了 {file}：{detail}", file=file, detail=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise InputError(_("{file} 不是 UTF-8 编码的文本", file=file)) from error


def show(value: Any, as_json: bool, text: str | None = None) -> None:
    """Prints ``value`` as JSON where ``as_json`` is set, else ``text``."""
    if as_json:
        typer.echo(json.dumps(_plain(value), ensure_ascii=False))
    elif text is not None:
        typer.echo(text)


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if is_dataclass(value) and not isinstance(value, type):
        return {key: _plain(item) for key, item in asdict(value).items()}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Path | datetime):
        return str(value)
    return value


def follow(workspace: Workspace, job: jobs.Job, quiet: bool = False) -> jobs.Job:
    """Waits for a job with its progress on standard error, and returns it; Ctrl-C stops the job.

    Raises:
        InterruptedWorkError: Ctrl-C stopped it; the message says what is kept.
        JobError: the job failed, was stopped, or is lost; the message is its reason.
    """
    told, stopped_here = "", False
    with ProgressDisplay(job.title, quiet) as display:

        def draw(current: jobs.Job) -> None:
            nonlocal told
            progress = jobs.read_progress(workspace, current.id)
            if progress is None:
                return
            if progress.paused != told:
                told = progress.paused
                if told:
                    display.say(f"! {job.title}：{told}")
            display.draw(progress)

        try:
            ended = jobs.wait(workspace, job.id, each=draw)
        except KeyboardInterrupt:
            stopped_here = True
            ended = _stopped(workspace, job)
    if ended.state == "stopped" and stopped_here:
        from tianji_core.verbs.interrupted_jobs import interrupted_job

        raise interrupted_job(workspace, ended)
    if ended.state != "succeeded":
        reason = ended.note or _("日志在 {path}", path=jobs.log_path(workspace, ended.id))
        error = JobError(
            _(
                "“{title}”{state}：{reason}",
                title=ended.title,
                state=jobs.state_title(ended.state),
                reason=reason,
            )
        )
        error.exit_code = 2 if ended.exit_code == 2 else 1
        raise error
    return ended


def _stopped(workspace: Workspace, job: jobs.Job) -> jobs.Job:
    """Stops a job and returns it as it ended.

    Raises:
        InterruptedWorkError: Ctrl-C again; the job ends without this process.
    """
    try:
        with contextlib.suppress(JobError):  # it has ended meanwhile
            jobs.stop(workspace, job.id)
        return jobs.wait(workspace, job.id, timeout=jobs.grace_of(job) + 50)
    except KeyboardInterrupt as error:
        from tianji_core.verbs.interrupted_jobs import interrupted_job

        raise interrupted_job(workspace, jobs.get(workspace, job.id)) from error
