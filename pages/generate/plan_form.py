"""The plan of a generation run: styles, rounds, limit, suitability threshold and seed."""

from dataclasses import dataclass

import streamlit as st

from pages.shared.cell_words import style_words
from pages.shared.kept import kept
from pages.shared.teacher_numbers import FORM
from pages.shared.text import plain
from pages.shared.usable import among, some_of, switch, within
from tianji_core.i18n import _
from tianji_core.recipe import VALUE_TITLES, Axis, Options, Plan, Recipe, enabled_axes, kept_cells
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter
from tianji_core.workspace import Workspace

FIRST_STYLES = 3
"""The number of styles that are chosen by default."""


def style_picker(workspace: Workspace, recipe: Recipe) -> tuple[str, ...]:
    """Draws the styles with their numbers of samples and returns the chosen ones."""
    counts = samples.style_counts(workspace.engine, SampleFilter(recipe.key))
    enabled = [style.text for style in recipe.styles if style.enabled]
    styles = st.pills(
        _("{style}（已有样本数）", style=recipe.words.shown().style),
        enabled,
        selection_mode="multi",
        default=enabled[:FIRST_STYLES],
        format_func=lambda style: plain(style) + (f" {counts[style]:,}" if counts.get(style) else ""),
        **kept(FORM, "styles", some_of(enabled), enabled[:FIRST_STYLES], f"styles_{recipe.key}"),
        wrap=True,
    )
    return tuple(styles)


def option_picker(recipe: Recipe) -> Options:
    """Draws the options of each enabled axis and returns the chosen ones; an axis with none chosen keeps
    all."""
    return tuple((axis.id, key) for axis in enabled_axes(recipe) for key in _picked(recipe, axis))


def _picked(recipe: Recipe, axis: Axis) -> list[str]:
    titles = {option.id: plain(option.title) for option in axis.options}
    return st.pills(
        plain(axis.title),
        list(titles),
        selection_mode="multi",
        default=list(titles),
        format_func=lambda key: titles.get(key, key),
        **kept(FORM, f"option_{axis.id}", some_of(titles), list(titles), f"{axis.id}_{recipe.key}"),
        wrap=True,
    )


@dataclass(frozen=True)
class PlannedCells:
    """The cells of a plan: those whose suitability is at least ``threshold``; ``seed`` draws the prompts."""

    threshold: int
    seed: int


def plan_cells(recipe: Recipe) -> PlannedCells:
    """Draws the number of cells with, folded, what decides it; returns the choice."""
    shown = st.empty()
    with st.expander(_("适配度和随机种子")):
        threshold = st.segmented_control(
            _("适配度至少"),
            sorted(VALUE_TITLES),
            default=recipe.threshold,
            format_func=lambda value: _(VALUE_TITLES[value]),
            **kept(FORM, "threshold", among(VALUE_TITLES), recipe.threshold, f"threshold_{recipe.key}"),
            wrap=True,
            help=_("低于它的格子不造数；在“适配度”页看和改。"),
        )
        seed = st.number_input(
            _("随机种子"),
            0,
            2**31 - 1,
            0,
            **kept(FORM, "seed", within(0, 2**31 - 1)),
            help=_("同一个种子得到同样的任务和提示词。"),
        )
    least = recipe.threshold if threshold is None else threshold
    shown.caption(_("{n} 个格子会写", n=len(kept_cells(recipe, least))))
    return PlannedCells(least, int(seed))


def plan_form(
    recipe: Recipe, styles: tuple[str, ...], cells: PlannedCells, options: Options = ()
) -> Plan | None:
    """Draws how much is written and returns the plan; None while no style is chosen."""
    left, right = st.columns(2)
    rounds = left.number_input(
        _("轮数"),
        1,
        200,
        1,
        **kept(FORM, "rounds", within(1, 200)),
        help=_("每个格子的每种写法写几条；每一轮的随机注入和示例都不同。"),
    )
    limit = right.number_input(
        _("最多写几条"),
        1,
        1_000_000,
        None,
        100,
        **kept(FORM, "limit", within(1, 1_000_000)),
        placeholder=_("全写"),
        help=_("空着表示全写。打乱后取前面的，所以少量也照顾到各种组合。"),
    )
    weighted = bool(enabled_axes(recipe)) and st.toggle(
        _("条件按权重抽"),
        **kept(FORM, "weighted", switch, False),
        disabled=limit is None,
        help=_("先填“最多写几条”：各选项按权重分到这么多条；关着就是全部组合。"),
    )
    st.caption(
        _(
            "{cells} 个格子 × {styles} 种{kinds} × {rounds} 轮",
            kinds=style_words(len(styles)),
            cells=len(kept_cells(recipe, cells.threshold)),
            styles=len(styles),
            rounds=int(rounds),
        )
        + (_(" × 条件的组合") if options else "")
    )
    if not styles:
        return None
    return Plan(
        styles=styles,
        rounds=int(rounds),
        threshold=cells.threshold,
        seed=cells.seed,
        limit=limit,
        options=options,
        weighted=weighted and limit is not None,
    )
