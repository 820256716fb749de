"""Verbs that let models speak: chat, evaluate."""

import contextlib
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from tianji_core import evaluation, jobs, models, serving
from tianji_core.errors import InputError, ModelError, ServerError, SettingsError
from tianji_core.i18n import _
from tianji_core.model_folders.trust import code_allowed
from tianji_core.recipe import Recipe, training_input
from tianji_core.serving import ChatSampling, Message
from tianji_core.serving.choosing import start_for
from tianji_core.serving.client import model_names
from tianji_core.store import recipes
from tianji_core.verbs.common import (
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    show,
    words,
)
from tianji_core.workspace import Workspace

ModelsOption = Annotated[
    str,
    typer.Option("--model", help="Names from 'models', separated by commas; default: the newest merged one."),
]
UrlOption = Annotated[str, typer.Option(help="Any OpenAI-compatible address instead of a server of our own.")]
KeyOption = Annotated[str, typer.Option(help="Environment variable with the key for --url.")]
TemperatureOption = Annotated[float, typer.Option(min=0, max=2, help="0 is greedy; 0.7 steady, 1.0 varied.")]


def chosen_models(space: Workspace, text: str) -> list[str]:
    """The models of --model, or the newest merged one, or the built-in base."""
    if names := words(text):
        return list(names)
    found = models.artefacts(space)
    if not found:
        raise ModelError(_("还没有模型；用 download 下载一个，或用 models --register 登记本地文件夹"))
    merged = [each.name for each in found if each.kind == "merged"]
    return merged[:1] or [each.name for each in found][:1]


def chosen_key(space: Workspace, variable: str) -> str | None:
    """The key in the variable of --key-variable, or None where none is named.

    Raises:
        SettingsError: it is not set.
    """
    if not variable:
        return None
    key = space.key(variable)
    if not key:
        raise SettingsError(
            _("环境变量 {variable} 没有设置，请先设置它或写进工作区的 .env", variable=variable)
        )
    return key


@contextlib.contextmanager
def answering(space: Workspace, names: list[str]) -> Iterator[str]:
    """The address of a server that has all these models: a running one, or one for the length of the block."""
    for running in serving.servers(space):
        if running.ready and not running.key_variable and set(names) <= set(running.models):
            yield running.url
            return
    job = start_for(space, names)
    try:
        yield serving.wait_ready(space, job.id).url
    finally:
        with contextlib.suppress(InputError):
            jobs.stop(space, job.id)


def answer(
    url: str, model: str, system: str, request: str, sampling: ChatSampling, key: str | None = None
) -> str:
    """One answer from an empty history."""
    messages = [Message("system", system)] if system else []
    chunks = serving.chat_stream(url, model, [*messages, Message("user", request)], sampling, key)
    return "".join(chunk.text for chunk in chunks).strip()


def chat(
    request: Annotated[
        str, typer.Argument(help="What to ask; without it, lines are read from standard input.")
    ] = "",
    model: ModelsOption = "",
    name: Annotated[str, typer.Option(help="With --scene: write the request for this name.")] = "",
    scene: Annotated[str, typer.Option(help="With --name: and this scene.")] = "",
    style: Annotated[str, typer.Option(help="Style of the written request.")] = "",
    system: Annotated[
        str | None, typer.Option(help="System prompt; default: the training one.", show_default=False)
    ] = None,
    temperature: TemperatureOption = 0.7,
    max_tokens: Annotated[int, typer.Option(min=1, help="Longest answer in tokens.")] = 512,
    seed: Annotated[int | None, typer.Option(show_default=False)] = None,
    url: UrlOption = "",
    key_variable: KeyOption = "",
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Ask a model; every question starts from an empty history."""
    space = opened(workspace)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe)).recipe
    if name or scene or style:
        if request:
            raise InputError(_("要么直接写问题，要么用 --name、--scene、--style，不能都给"))
        if not (name and scene):
            raise InputError(_("--name 和 --scene 要一起给，--style 可以不给"))
        request = written_request(stored, name, scene, style)
    prompt = stored.prompts.system if system is None else system
    sampling = ChatSampling(temperature=temperature, max_tokens=max_tokens, seed=seed)
    key = chosen_key(space, key_variable)
    names = (list(words(model)) or model_names(url, key) if url else chosen_models(space, model))[:1]
    if not names:
        raise ServerError(_("{url} 没有列出任何模型，请用 --model 写明模型名", url=url))
    with contextlib.nullcontext(url) if url else answering(space, names) as address:
        asked = [request] if request else (line.strip() for line in sys.stdin)
        for line in filter(None, asked):
            said = answer(address, names[0], prompt, line, sampling, key)
            if not said:
                raise ServerError(
                    _("模型“{model}”的回答是空的；换个问法、提高温度或加大 --max-tokens", model=names[0])
                )
            show({"model": names[0], "request": line, "answer": said}, as_json, said)


def written_request(recipe: Recipe, name: str, scene: str, style: str) -> str:
    """The request in the wording of the training inputs.

    Raises:
        InputError: the recipe has no such name, scene or style.
    """
    whom, what = recipe.name(name), recipe.scene(scene)
    how = recipe.style(style) if style else recipe.styles[0]
    for found, kind, text in ((whom, _("称谓"), name), (what, _("场景"), scene), (how, _("风格"), style)):
        if found is None:
            raise InputError(_("配方里没有{kind}“{text}”", kind=kind, text=text))
    assert whom is not None and what is not None and how is not None
    return training_input(recipe.input_templates[0], whom, what, how)


def evaluate(
    model: Annotated[str, typer.Option(help="A name from 'models', or a folder.")] = "",
    url: UrlOption = "",
    key_variable: KeyOption = "",
    styles: Annotated[str, typer.Option(help="Styles separated by commas; default: every enabled one.")] = "",
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many prompts.", show_default=False)
    ] = None,
    temperature: TemperatureOption = 0.0,
    seed: Annotated[int, typer.Option()] = 0,
    training_file: Annotated[
        Path | None, typer.Option(help="Training file, to count copied answers.", show_default=False)
    ] = None,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Judge a model on held-out cells: right person, occasion, style, pronoun, length."""
    space = opened(workspace)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe)).recipe
    cases = evaluation.held_out_cases(stored, words(styles), limit, seed)
    pairs = evaluation.training_pairs(stored, training_file) if training_file is not None else []
    checker = evaluation.Checker(stored, pairs)
    started = time.monotonic()
    if url:
        key = chosen_key(space, key_variable)
        report = evaluation.evaluate_server(url, model, cases, checker, temperature, seed, key)
    else:
        folder, adapter = folders(space, model)
        report = evaluation.evaluate_folder(
            folder, adapter, cases, checker, temperature, seed, code_allowed=code_allowed(space, folder)
        )
    seconds = time.monotonic() - started
    facts = {
        "overall": report.overall,
        "styles": report.styles,
        "seconds": round(seconds, 1),
        "answers": [
            {"request": one.case.request, "answer": one.answer, "faults": one.verdict.faults}
            for one in report.judged
        ],
    }
    show(facts, as_json, report.table())


def folders(space: Workspace, model: str) -> tuple[Path, Path | None]:
    """(model folder, adapter folder or None) of a listed model or a path."""
    if model and ("/" in model or Path(model).is_dir()):
        return Path(model), None
    found = models.artefact(space, model or chosen_models(space, "")[0])
    if found.kind != "adapter":
        return found.path, None
    if found.base is None:
        raise InputError(_("适配器“{name}”没有记下基座", name=found.name))
    return found.base, found.path
