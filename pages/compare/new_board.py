"""The form of a new comparison: its questions and its columns."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from pages.shared.chat_choice import ChatEndpoint, sampling_form
from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import kept
from pages.shared.kept_files import kept_files
from pages.shared.usable import any_text, some_of, within
from tianji_core import models, training
from tianji_core.comparison import MAX_CANDIDATES, QUESTION_FILE_TYPES, Ask, Column, asks_about, read_asks
from tianji_core.evaluation import held_out_cases
from tianji_core.i18n import _
from tianji_core.recipe import Options, Recipe, enabled_axes, option_labels
from tianji_core.serving import ChatSampling
from tianji_core.store import training as trainings
from tianji_core.workspace import Workspace

FORM = "compare"


@dataclass(frozen=True)
class Comparison:
    """A comparison that is not started yet; ``candidates`` is the number of answers per cell."""

    asks: list[Ask]
    columns: list[Column]
    sampling: ChatSampling
    candidates: int

    @property
    def cells(self) -> int:
        """The number of answers."""
        return len(self.asks) * len(self.columns) * self.candidates


def comparison_form(
    workspace: Workspace, recipe: Recipe, known: list[ChatEndpoint], names: Mapping[str, str]
) -> Comparison:
    """Draws the form; returns the comparison that is chosen. ``names`` are the models' names for people."""
    asks = _questions(recipe)
    left, right = st.columns(2, gap="medium")
    titles = {f"{endpoint.model} @ {endpoint.url}": endpoint for endpoint in known}
    chosen: list[str] = []
    if titles:
        chosen = right.multiselect(
            _("模型（检查点也是模型）"),
            list(titles),
            list(titles)[:4],
            format_func=lambda key: names.get(titles[key].model, titles[key].model),
            key="compare_models",
            placeholder=_("选至少一个模型"),
        )
    offered = [s.text for s in recipe.styles if s.enabled]
    styles = left.multiselect(
        recipe.words.shown().style,
        offered,
        offered[:2],
        placeholder=_("选至少一种"),
        **kept(FORM, "compare_styles", some_of(offered), offered[:2], f"compare_styles_{recipe.key}"),
    )
    with st.expander(_("更多：自己写问题、没见过的格子、温度、每格几条"), icon="🎛️"):
        asked, how = st.columns(2, gap="large")
        with asked:
            asks = list(dict.fromkeys([*asks, *_further_questions(recipe)]))
        with how:
            sampling, temperatures, top_ps, candidates = _how_to_ask(
                workspace, [titles[each] for each in chosen]
            )
    columns = [
        Column(
            url=titles[key].url,
            model=titles[key].model,
            style=style,
            key_variable=titles[key].key_variable,
            temperature=temperature,
            top_p=top_p,
        )
        for style in styles
        for key in chosen
        for temperature in temperatures
        for top_p in top_ps
    ]
    return Comparison(asks, columns, sampling, candidates)


def _how_to_ask(
    workspace: Workspace, asked: list[ChatEndpoint]
) -> tuple[ChatSampling, list[float | None], list[float | None], int]:
    """Draws the sampling; returns it, the temperatures and values of top_p that are each a column, and the
    answers per cell."""
    sampling = sampling_form(workspace, "compare", asked)
    line = st.columns(2)
    with line[0]:
        temperatures = _each_a_column(
            _("再比几个温度"),
            [0.0, 0.3, 0.7, 1.0, 1.3],
            "compare_temperatures",
            _("每个温度各成一列；种子相同，所以差别只来自温度。"),
        )
    with line[1]:
        top_ps = _each_a_column(
            _("再比几个 top_p"),
            [0.5, 0.8, 0.9, 0.95, 1.0],
            "compare_top_ps",
            _("每个 top_p 各成一列；温度为 0 时 top_p 不起作用。"),
        )
    each = kept(FORM, "compare_candidates", within(1, MAX_CANDIDATES))
    candidates = int(st.number_input(_("每格几条"), 1, MAX_CANDIDATES, 1, **each))
    return sampling, temperatures, top_ps, candidates


def _each_a_column(label: str, values: list[float], key: str, about: str) -> list[float | None]:
    """Draws a choice of values; returns them, or [None] (the value of the form) where none is chosen."""
    chosen = st.multiselect(
        label,
        values,
        format_func=lambda value: f"{value:g}",
        **kept(FORM, key, some_of(values)),
        placeholder=_("只用上面的"),
        help=about,
    )
    return [*chosen] or [None]


def _questions(recipe: Recipe) -> list[Ask]:
    """Draws the choice of names and scenes; returns every name with every scene."""
    words = recipe.words.shown()
    who = names = [n.text for n in recipe.names if n.enabled]
    left, right = st.columns(2, gap="medium")
    if recipe.receivers:
        names = left.multiselect(
            words.to_whom,
            who,
            who[:1],
            placeholder=_("选几个"),
            **kept(FORM, "compare_names", some_of(who), who[:1], f"compare_names_{recipe.key}"),
        )
    what = [s.text for s in recipe.scenes if s.enabled]
    scenes = right.multiselect(
        words.what_for,
        what,
        what[:1],
        placeholder=_("选几个"),
        **kept(FORM, "compare_scenes", some_of(what), what[:1], f"compare_scenes_{recipe.key}"),
    )
    return asks_about(recipe, names, scenes, _options(recipe))


def _further_questions(recipe: Recipe) -> list[Ask]:
    """Draws the other ways to questions; returns the lines of free text, held-out cells and the questions of
    a file."""
    free = st.text_area(_("也可以自己写，一行一个问题"), **kept(FORM, "compare_free", any_text), height=80)
    held = st.number_input(
        _("再抽几个训练没见过的格子"),
        0,
        100,
        0,
        **kept(FORM, "compare_held", within(0, 100)),
        help=_("从不参加造数的验证格子里按种子抽，适合看模型学会了没有，而不是背下了没有。"),
    )
    label = _("从文件读问题（txt 一行一个；csv、json、jsonl 写明写给谁、写什么，或问题）")
    files = kept_files(label, QUESTION_FILE_TYPES, "compare_file", largest=4)
    asks = [Ask(text=line.strip()) for line in free.splitlines() if line.strip()]
    with report_errors():
        asks += _held_out(recipe, int(held))
        for file in files:
            asks += read_asks(recipe, file.name, file.getvalue())
    return asks


def _options(recipe: Recipe) -> Options:
    """Draws the options of the enabled axes, one row each; nothing where no axis is enabled."""
    labels = option_labels(enabled_axes(recipe))
    if not labels:
        return ()
    own = kept(FORM, "compare_options", some_of(labels), [], f"compare_options_{recipe.key}")
    chosen = st.multiselect(_("条件（每种组合各问一次）"), list(labels), placeholder=_("不提条件"), **own)
    return tuple(labels[label] for label in chosen)


def _held_out(recipe: Recipe, number: int) -> list[Ask]:
    if not number:
        return []
    cases = held_out_cases(recipe)
    cells = dict.fromkeys((case.name.text, case.scene.text) for case in cases)
    return [Ask(name=name, scene=scene) for name, scene in list(cells)[:number]]


def checkpoint_part(workspace: Workspace) -> None:
    """Draws the conversion of checkpoints into adapters, so that the steps of one training can be
    compared."""
    runs = {run.id: run for run in trainings.listed(workspace.engine)}
    checkpoints = {key: training.training_state(workspace, run).checkpoints for key, run in runs.items()}
    usable = [key for key in runs if checkpoints[key]]
    if not usable:
        st.caption(_("还没有检查点：训练到第一个检查点之后，可以把几步放在一起比。"))
        return
    run_id = st.selectbox(
        _("哪次训练"),
        usable,
        format_func=lambda key: runs[key].title if key in runs else str(key),
        key="checkpoint_run",
    )
    made = {model.checkpoint for model in models.loadable(workspace) if model.training_run_id == run_id}
    steps = [saved.iteration for saved in checkpoints[run_id] if saved.iteration not in made]
    if not steps:
        st.caption(_("这次训练的检查点都已经是适配器了，在上面的“要加载的模型”里选它们。"))
        return
    chosen = st.multiselect(
        _("要比的检查点"),
        steps,
        format_func=lambda n: _("第 {n} 步", n=n),
        key="checkpoint_steps",
        placeholder=_("选几个检查点"),
    )
    if st.button(_("转成适配器"), key="checkpoint_convert", icon="🧩", disabled=not chosen):
        with report_errors():
            for step in chosen:
                models.start_convert(workspace, runs[run_id], step)
            remember_notice(_("正在转换；转好后在“要加载的模型”里选它们，再启动服务"))
            st.rerun()
