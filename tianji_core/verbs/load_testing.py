"""The verb that measures how a model server answers many at once: load-test."""

import random
from dataclasses import asdict
from typing import Annotated

import typer

from tianji_core.errors import InputError, ServerError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, asking, training_input
from tianji_core.serving import Message
from tianji_core.serving.client import model_names
from tianji_core.serving.load_test import MOST_AT_ONCE, MOST_REQUESTS, LoadLevel, load_level
from tianji_core.store import recipes
from tianji_core.verbs.common import JsonOption, RecipeOption, WorkspaceOption, chosen_recipe, opened, words
from tianji_core.verbs.model_options import EndpointOptions, chosen_models
from tianji_core.verbs.progress import progress_line
from tianji_core.verbs.tables import show_table

QUESTIONS = 64
"""Different questions that are asked in turn."""


def load_test(
    endpoint: EndpointOptions = EndpointOptions(),
    model: Annotated[str, typer.Option(help="Name of the model; default: the first that --url lists.")] = "",
    concurrency: Annotated[
        str, typer.Option(help="Requests open at a time, one level after another.")
    ] = "1,4,16",
    requests: Annotated[int, typer.Option(min=1, max=MOST_REQUESTS, help="Requests of each level.")] = 32,
    max_tokens: Annotated[int, typer.Option(min=1, max=8192, help="Tokens of an answer at most.")] = 128,
    recipe: RecipeOption = None,
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Measure how a model server answers many at once: first token, tokens per second, errors."""
    space = opened(workspace)
    levels = _levels(concurrency)
    stored = recipes.current(space.engine, chosen_recipe(space, recipe)).recipe
    key = endpoint.key(space)
    names = (
        list(words(model)) or model_names(endpoint.url, key) if endpoint.url else chosen_models(space, model)
    )[:1]
    if not names:
        raise ServerError(_("{url} 没有列出任何模型，请用 --model 写明模型名", url=endpoint.url))
    asked = questions(stored)
    measured = []
    with endpoint.answering(space, names) as address:
        for level in levels:
            with progress_line(_("同时 {n} 个", n=level), quiet=as_json) as draw:
                measured.append(load_level(address, names[0], asked, level, requests, max_tokens, key, draw))
    heads = (
        _("同时"),
        _("请求"),
        _("失败"),
        _("首字 p50 秒"),
        _("首字 p95 秒"),
        _("整句 p50 秒"),
        _("整句 p95 秒"),
        _("每秒 token"),
        _("每秒请求"),
        _("第一个错误"),
    )
    show_table([asdict(one) for one in measured], as_json, heads, [_row(one) for one in measured])
    if all(one.errors == one.requests for one in measured):
        raise ServerError(_("没有一个请求成功：{reason}", reason=measured[0].first_error))


def questions(recipe: Recipe, seed: int = 0) -> list[list[Message]]:
    """Returns questions in the wording of the training inputs, each with the system prompt of the recipe.

    Raises:
        InputError: the recipe has no name, scene or style that is enabled.
    """
    draw = random.Random(seed)
    names = [one for one in recipe.names if one.enabled]
    scenes = [one for one in recipe.scenes if one.enabled]
    styles = [one for one in recipe.styles if one.enabled]
    if not (names and scenes and styles):
        raise InputError(_("配方里有一张表没有启用的条目：写给谁、写什么或写法"))
    system = [Message("system", recipe.prompts.system)] if recipe.prompts.system else []
    texts = (
        training_input(
            recipe.input_templates[0],
            draw.choice(names),
            draw.choice(scenes),
            asking(recipe, draw.choice(styles), ()),
        )
        for _number in range(QUESTIONS)
    )
    return [[*system, Message("user", text)] for text in texts]


def _levels(text: str) -> list[int]:
    levels = words(text)
    if not levels or not all(level.isascii() and level.isdecimal() and len(level) < 6 for level in levels):
        raise InputError(_("--concurrency 要写成 1,4,16 这样，现在是“{text}”", text=text[:100]))
    numbers = [int(level) for level in levels]
    if not all(1 <= number <= MOST_AT_ONCE for number in numbers):
        raise InputError(_("--concurrency 的每个数要在 1 到 {most} 之间", most=MOST_AT_ONCE))
    return numbers


def _row(one: LoadLevel) -> tuple[object, ...]:
    return (
        one.concurrency,
        one.requests,
        one.errors,
        one.first_p50,
        one.first_p95,
        one.whole_p50,
        one.whole_p95,
        one.tokens_per_second,
        one.requests_per_second,
        one.first_error,
    )
