"""The verb that asks one model: chat."""

import sys
from typing import Annotated

import typer

from tianji_core.errors import InputError, ServerError
from tianji_core.i18n import _
from tianji_core.recipe import Options, Recipe, asking, option_named, training_input
from tianji_core.serving import ChatSampling
from tianji_core.serving.choosing import top_p_of
from tianji_core.serving.client import model_names
from tianji_core.store import recipes
from tianji_core.verbs.common import (
    JsonOption,
    RecipeOption,
    WorkspaceOption,
    chosen_recipe,
    opened,
    option_pairs,
    show,
    words,
)
from tianji_core.verbs.model_options import (
    AnswerTokensOption,
    EndpointOptions,
    ModelsOption,
    TemperatureOption,
    TopPOption,
    answer,
    chosen_models,
)


def chat(
    request: Annotated[
        str, typer.Argument(help="What to ask; without it, lines are read from standard input.")
    ] = "",
    model: ModelsOption = "",
    name: Annotated[str, typer.Option(help="With --scene: write the request for this name.")] = "",
    scene: Annotated[str, typer.Option(help="With --name: and this scene.")] = "",
    style: Annotated[str, typer.Option(help="Style of the written request.")] = "",
    option: Annotated[
        list[str] | None,
        typer.Option(help="Options of the written request: length=short.", show_default=False),
    ] = None,
    system: Annotated[
        str | None, typer.Option(help="System prompt; default: the training one.", show_default=False)
    ] = None,
    temperature: TemperatureOption = 0.7,
    top_p: TopPOption = None,
    max_tokens: AnswerTokensOption = 512,
    seed: Annotated[int | None, typer.Option(show_default=False)] = None,
    endpoint: EndpointOptions = EndpointOptions(),
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
        if scene and not stored.receivers:  # its one name stands for nobody
            name = name or stored.names[0].text
        if not (name and scene):
            raise InputError(_("--name 和 --scene 要一起给，--style 可以不给"))
        request = written_request(stored, name, scene, style, option_pairs(option))
    elif option:
        raise InputError(_("--option 要和 --name、--scene 一起给"))
    prompt = stored.prompts.system if system is None else system
    key = endpoint.key(space)
    names = (
        list(words(model)) or model_names(endpoint.url, key) if endpoint.url else chosen_models(space, model)
    )[:1]
    if not names:
        raise ServerError(_("{url} 没有列出任何模型，请用 --model 写明模型名", url=endpoint.url))
    own = top_p_of(space, names) if top_p is None else top_p
    sampling = ChatSampling(temperature=temperature, top_p=own, max_tokens=max_tokens, seed=seed)
    with endpoint.answering(space, names) as address:
        asked = [request] if request else (line.strip() for line in sys.stdin)
        for line in filter(None, asked):
            reply = answer(address, names[0], prompt, line, sampling, key)
            if not reply:
                raise ServerError(
                    _("模型“{model}”的回答是空的；换个问法、提高温度或加大 --max-tokens", model=names[0])
                )
            show({"model": names[0], "request": line, "answer": reply}, as_json, reply)


def written_request(recipe: Recipe, name: str, scene: str, style: str, options: Options = ()) -> str:
    """Returns the request for a name, scene, style and options in the wording of the training inputs.

    Raises:
        InputError: the recipe lacks the name, scene or style, or an axis has two options.
        PlanError: it lacks an option.
    """
    whom, what = recipe.name(name), recipe.scene(scene)
    how = recipe.style(style) if style else recipe.styles[0]
    said = recipe.words.shown()
    for entry, kind, text in ((whom, said.name, name), (what, said.scene, scene), (how, said.style, style)):
        if entry is None:
            raise InputError(_("配方里没有{kind}“{text}”", kind=kind, text=text))
    assert whom is not None and what is not None and how is not None
    named = tuple(option_named(recipe, *pair) for pair in options)
    if len(dict(named)) < len(set(named)):
        raise InputError(_("一个问题里，每个条件只能有一个选项"))
    return training_input(recipe.input_templates[0], whom, what, asking(recipe, how, named))
