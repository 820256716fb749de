"""Lets a model answer in a separate process, so that its memory is freed afterwards."""

import json
from pathlib import Path
from typing import Any

from tianji_core.errors import RecipeError, StudioError
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import Artefact
from tianji_core.model_folders.trust import checked_code
from tianji_core.recipe import DEFAULT_RECIPE
from tianji_core.store import datasets, recipes
from tianji_core.training.child import run_tool, tool_environment
from tianji_core.training.child_faults import tool_cause
from tianji_core.training.trial_prompts import trial_prompts
from tianji_core.workspace import Workspace

PROMPTS = ("祝妹妹生日", "祝李总工作升职,严肃风格", "祝同学中秋节,小红书风格")
"""The prompts that a new model answers which has not learnt from another recipe than the default one."""


def trial_questions(workspace: Workspace, made: Artefact) -> tuple[str, ...]:
    """Returns the prompts that a new model answers, out of the recipe of the dataset that it learnt from."""
    version = datasets.find(workspace.engine, made.dataset_name) if made.dataset_name else None
    if version is None or version.recipe == DEFAULT_RECIPE:
        return PROMPTS
    try:
        return tuple(trial_prompts(recipes.current(workspace.engine, version.recipe).recipe, len(PROMPTS)))
    except RecipeError:  # it was removed meanwhile
        return PROMPTS


def try_answer(
    workspace: Workspace, folder: Path, system: str, device: str = "cpu", allowed: bool = False
) -> str:
    """Returns one greedy answer of a model, loaded in a separate process. ``allowed`` lets it run its own
    code.

    Raises:
        ModelError: it brings code that is not allowed.
        StudioError: the model cannot be loaded or breaks while it answers.
    """
    asked = Artefact(name="", kind="base", title="", path=folder, system=system)
    return str(tried(workspace, asked, PROMPTS[:1], device, allowed, [])["answers"][0])


def tried(
    workspace: Workspace,
    asked: Artefact,
    prompts: tuple[str, ...],
    device: str,
    allowed: bool,
    more: list[str],
) -> dict[str, Any]:
    """Returns a model's ``answers`` to prompts; with the arguments ``more`` of
    :mod:`tianji_core.models.verify` also its agreement with an adapter. ``allowed`` lets it run its own code.

    Raises:
        ModelError: it brings code that is not allowed.
        StudioError: the model cannot be loaded or breaks while it answers.
    """
    results: list[dict[str, Any]] = []

    def on_line(line: str) -> None:
        if line.startswith('{"answers"'):
            results.append(json.loads(line))

    arguments = ["-m", "tianji_core.models.verify", str(asked.path), "--system", asked.system, *more]
    arguments += ["--template", asked.template]
    for prompt in prompts:
        arguments += ["--prompt", prompt]
    arguments += ["--trust-remote-code"] if checked_code(asked.path, allowed) else []
    ended = run_tool(arguments, tool_environment(workspace, device), on_line)
    if ended.code != 0 or not results:
        raise StudioError(_("合并后的模型加载不了：{reason}", reason=tool_cause(ended.tail, ended.code)))
    return results[-1]
