"""自己的预设: whole config files that a person wrote, kept in the workspace.

Such a file is code of the person. This process only reads it with ``ast``; it runs in a child, to see whether it loads,
and in the trainer.
"""

import ast
import difflib
import re
import time
from pathlib import Path

from tianji_core.errors import TrainingError
from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.training.child import child_environment, run_child
from tianji_core.training.config import replaced_constants
from tianji_core.training.presets import (
    OWN,
    Preset,
    checked_settings,
    constants,
    own_folder,
    parsed_preset,
    preset,
)
from tianji_core.training.settings import CONSTANTS, TrainingSettings
from tianji_core.workspace import Workspace

TRASH = ".trash"
LARGEST = 200_000
"""Characters of a config file."""


def preset_source(chosen: Preset, settings: TrainingSettings) -> str:
    """The preset's file with these settings in place of its own: what an expert begins to edit."""
    values: dict[str, object] = {name: getattr(settings, name) for name in chosen.fields}
    if Path(settings.base).name == Path(chosen.values["base"]).name:
        del values["base"]
    changed = {CONSTANTS[name]: value for name, value in values.items() if value != chosen.values.get(name)}
    return replaced_constants(chosen.source, changed)


def difference(before: str, after: str) -> str:
    """What an edited file changes, as a unified diff; '' where nothing."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), _("预设"), _("改过的"), lineterm="", n=2
    )
    return "\n".join(lines)


def checked_source(workspace: Workspace, source: str) -> Preset:
    """The preset that a text would be, once it is read, its values are in bounds, and mmengine has loaded it in a child
    process; nothing of it runs in this one.

    Raises:
        TrainingError: says what is wrong, and in which line where that is known.
    """
    if len(source) > LARGEST or "\0" in source:
        raise TrainingError(_("配置文件太长或含有空字符；最长 {n} 个字符", n=LARGEST))
    name = _("改过的配置")
    found = parsed_preset(source, Path(name), OWN + "draft")
    known = constants(source)
    for needed in ("data_path", "trust_remote_code"):
        if needed not in known:
            raise TrainingError(_("配置里要有 {name} = … 这一行，工坊训练时会填上它", name=needed))
    checked_settings(found.values)
    folder = workspace.home / "cache" / "drafts"
    path = folder / f"draft_{time.time_ns()}.py"
    write_text(path, source)
    try:
        arguments = ["-m", "tianji_core.training.load_check", str(path)]
        ended = run_child(arguments, child_environment(workspace, "cpu"), lambda _line: None)
    finally:
        path.unlink(missing_ok=True)
    if ended.code != 0:
        last = [line for line in ended.tail.splitlines() if line.strip()]
        raise TrainingError(_("mmengine 加载不了这个配置：{detail}", detail=(last or ["?"])[-1][:300]))
    return found


def save_preset(workspace: Workspace, title: str, source: str) -> Preset:
    """Keep a checked text as a preset under a title.

    Raises:
        TrainingError: no title, or the text does not pass :func:`checked_source`.
    """
    title = " ".join(title.split())
    if not title or len(title) > 60:
        raise TrainingError(_("请给预设起一个名字，不超过 60 个字"))
    checked_source(workspace, source)
    card = ast.literal_eval(constants(source)["preset"])
    text = replaced_constants(source, {"preset": {**card, "title": title, "summary": _("自己的预设")}})
    folder = own_folder(workspace)
    stem = re.sub(r"[^\w]+", "_", title).strip("_").lower() or "preset"
    name, number = stem, 1
    while (folder / f"{name}.py").exists():
        number += 1
        name = f"{stem}_{number}"
    write_text(folder / f"{name}.py", text)
    return preset(OWN + name.replace("_", "-"), workspace)


def delete_preset(workspace: Workspace, key: str) -> str:
    """Put an own preset away; returns the token that :func:`restore_preset` takes. Trainings made from it keep their
    own config.

    Raises:
        TrainingError: there is none, or it belongs to the studio.
    """
    found = preset(key, workspace)
    if not found.own:
        raise TrainingError(_("“{title}”是工坊自带的预设，不能删除", title=_(found.title)))
    token = f"{found.path.stem}~{time.time_ns() // 1_000_000}"
    trash = own_folder(workspace) / TRASH
    trash.mkdir(exist_ok=True)
    found.path.rename(trash / f"{token}.py")
    return token


def restore_preset(workspace: Workspace, token: str) -> Preset:
    """Bring a deleted preset back.

    Raises:
        TrainingError: nothing like that was deleted, or its name is in use again.
    """
    source = own_folder(workspace) / TRASH / f"{token}.py"
    target = own_folder(workspace) / f"{token.rpartition('~')[0]}.py"
    if "/" in token or not source.is_file() or target.exists():
        raise TrainingError(_("恢复不了预设“{token}”", token=token))
    source.rename(target)
    return preset(OWN + target.stem.replace("_", "-"), workspace)


def deleted_presets(workspace: Workspace) -> list[str]:
    """The tokens of what can be restored, the last deleted first."""
    found = (own_folder(workspace) / TRASH).glob("*~*.py")
    return sorted((path.stem for path in found), key=lambda token: token.rpartition("~")[2], reverse=True)
