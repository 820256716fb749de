"""自己的预设: complete config files that a person wrote, kept in the workspace.

Such a file is the person's code. This process only reads it; it runs in a child that checks
whether it loads, and in the trainer.
"""

import difflib
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tianji_core.errors import TrainingError
from tianji_core.files import storable, write_text
from tianji_core.i18n import _
from tianji_core.jobs.processes import end_group
from tianji_core.ownership import discard, move
from tianji_core.project import PROJECT
from tianji_core.roles import check_may_write
from tianji_core.training import engine
from tianji_core.training.child import tool_environment
from tianji_core.training.presets import (
    OWN,
    Preset,
    checked_settings,
    own_folder,
    parsed_preset,
    preset,
    presets,
)
from tianji_core.training.settings import TrainingSettings
from tianji_core.workspace import Workspace

TRASH = ".trash"
LARGEST = 200_000
"""Characters of a config file."""
LONGEST_LOAD = 120.0
"""Seconds that loading a config may take; the imports of the trainer's libraries alone take about ten."""


def preset_source(chosen: Preset, settings: TrainingSettings) -> str:
    """The preset's file with these settings in place of its own: the text that an expert starts to edit."""
    values: dict[str, object] = {name: getattr(settings, name) for name in chosen.fields}
    if Path(settings.base).name == Path(chosen.values["base"]).name:
        del values["base"]
    changed = {name: value for name, value in values.items() if value != chosen.values.get(name)}
    return engine.with_values(chosen.source, changed)


def difference(before: str, after: str) -> str:
    """The changes of an edited file as a unified diff; '' where there are none."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), _("预设"), _("改过的"), lineterm="", n=2
    )
    return "\n".join(lines)


def differing(source: str, chosen: Preset, settings: TrainingSettings) -> list[str]:
    """The settings to which an edited text of a preset gives another value than ``settings`` do; [] for a
    text that cannot be read."""
    try:
        there = parsed_preset(source, Path(_("改过的配置")[:]), OWN + "draft").values
    except TrainingError:
        return []
    same = Path(settings.base).name == Path(str(there.get("base", ""))).name
    return [
        name
        for name in chosen.fields
        if there.get(name) != getattr(settings, name) and not (name == "base" and same)
    ]


def checked_source(workspace: Workspace, source: str) -> Preset:
    """The preset that a text describes, once it is parsed, its values are in bounds, and the engine has
    loaded it in a child process. None of it runs in this process.

    Raises:
        TrainingError: says what is wrong, and in which line where that is known.
    """
    if len(source) > LARGEST or source != storable(source):
        raise TrainingError(_("配置文件太长或含有空字符；最长 {n} 个字符", n=LARGEST))
    name = _("改过的配置")[:]  # a path takes plain text alone
    draft = parsed_preset(source, Path(name), OWN + "draft")
    if needed := engine.lacking(source):
        raise TrainingError(_("配置里要有 {name} = … 这一行，工坊训练时会填上它", name=needed))
    checked_settings(draft.values)
    path = workspace.home / "cache" / "drafts" / f"draft_{time.time_ns()}.py"
    write_text(path, source)
    try:
        _load(workspace, path)
    finally:
        discard(path)
    return draft


def _load(workspace: Workspace, path: Path) -> None:
    """Load a config in a child process, and end every process that the file starts."""
    check_may_write()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [sys.executable, *engine.load_check_arguments(path)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
            env=tool_environment(workspace, "cpu"),
            start_new_session=True,
        )
        late = False
        try:
            process.wait(LONGEST_LOAD)
        except subprocess.TimeoutExpired:
            late = True
        finally:
            end_group(process.pid, grace=1.0)
            process.wait()
        output.seek(max(0, output.seek(0, 2) - 4000))
        lines = [line for line in output.read().decode("utf-8", "replace").splitlines() if line.strip()]
    if late:
        raise TrainingError(
            _("这个配置加载了 {n} 秒还没完，已经停掉；里面是不是有不会结束的循环？", n=round(LONGEST_LOAD))
        )
    if problem := engine.load_problem(lines, process.returncode):
        raise TrainingError(problem)


def save_preset(workspace: Workspace, title: str, source: str, replaces: str = "") -> Preset:
    """Store a text as a preset under a title, after :func:`checked_source`. ``replaces`` is the key of the
    preset that was edited: where it has this very title it is replaced, and its earlier text can be restored.

    Raises:
        TrainingError: no title, a title in use, or a text that :func:`checked_source` refuses.
    """
    title = " ".join(title.split())
    if not title or len(title) > 60:
        raise TrainingError(_("请给预设起一个名字，不超过 60 个字"))
    same = next((other for other in presets(workspace) if _(other.title) == title), None)
    if same is not None and not (same.own and same.key == replaces):
        raise TrainingError(
            _("已经有叫“{title}”的预设了：请换个名字；要改它，就先在上面选中它再保存", title=title)
        )
    checked_source(workspace, source)
    text = engine.with_card(source, {"title": title, "summary": _("自己的预设")})
    folder = own_folder(workspace)
    if same is not None:
        name = same.path.stem
        delete_preset(workspace, same.key)
    else:
        stem = re.sub(r"[^\w]+", "_", title).strip("_").lower() or "preset"
        name, number = stem, 1
        while (folder / f"{name}.py").exists():
            number += 1
            name = f"{stem}_{number}"
    write_text(folder / f"{name}.py", text)
    return preset(OWN + name.replace("_", "-"), workspace)


def delete_preset(workspace: Workspace, key: str) -> str:
    """Move an own preset to the trash; returns the token for :func:`restore_preset`. Trainings made from it
    keep their own config.

    Raises:
        TrainingError: there is none, or it belongs to the studio.
    """
    chosen = preset(key, workspace)
    if not chosen.own:
        raise TrainingError(_("“{title}”是工坊自带的预设，不能删除", title=_(chosen.title)))
    token = f"{chosen.path.stem}~{time.time_ns() // 1_000_000}"
    trash = own_folder(workspace) / TRASH
    trash.mkdir(exist_ok=True)
    move(chosen.path, trash / f"{token}.py")
    return token


def restore_preset(workspace: Workspace, token: str) -> Preset:
    """Restore a deleted preset; one that has taken its place is moved to the trash in turn.

    Raises:
        TrainingError: there is no such deleted preset.
    """
    source = own_folder(workspace) / TRASH / f"{token}.py"
    target = own_folder(workspace) / f"{token.rpartition('~')[0]}.py"
    key = OWN + target.stem.replace("_", "-")
    if "/" in token or not source.is_file():
        raise TrainingError(_("恢复不了预设“{token}”", token=token))
    if target.exists():
        delete_preset(workspace, key)
    move(source, target)
    return preset(key, workspace)


def deleted_presets(workspace: Workspace) -> list[str]:
    """The tokens of the presets that can be restored, the last deleted first."""
    files = (own_folder(workspace) / TRASH).glob("*~*.py")
    return sorted((path.stem for path in files), key=lambda token: token.rpartition("~")[2], reverse=True)
