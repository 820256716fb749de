"""The number of samples in each cell, and generating more for the cells with too few."""

import plotly.graph_objects as go
import streamlit as st

from pages.heatmap.cell_figure import CONFIG, cell_figure, chosen_cells
from pages.heatmap.map_order import shown_entries
from pages.shared.bound import bound
from pages.shared.cell_words import style_words
from pages.shared.frame import remember_notice, report_errors, spoken
from pages.shared.kept import kept_number
from pages.shared.teacher_pick import pick_teacher, use_text
from pages.shared.text import plain
from tianji_core.generation import check_writable, create_run, estimate, start_generation
from tianji_core.generation.top_up import Coverage, coverage, top_up_plan
from tianji_core.i18n import _
from tianji_core.recipe import (
    Options,
    Recipe,
    count_tasks,
    enabled_axes,
    enabled_styles,
    option_labels,
    tasks,
)
from tianji_core.store import samples
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import USUAL
from tianji_core.workspace import Workspace

REVIEW = "pages/review/page.py"
CONCURRENCY = 8
"""Requests of a top-up at the same time."""


def coverage_view(workspace: Workspace, recipe: Recipe) -> None:
    """Draws the map of samples, the link from each cell to its samples, and the top-up of thin cells."""
    row = st.columns([3, 5], vertical_alignment="bottom")
    measures = {"count": _("样本数"), "share": _("采用率")}
    colour = row[0].segmented_control(
        _("颜色表示"),
        list(measures),
        default="count",
        required=True,
        **bound("coverage_what", measures, lambda value: measures[value]),
    )
    styles = row[1].pills(
        _("只数这些{kinds}", kinds=style_words()),
        [s.text for s in recipe.styles],
        selection_mode="multi",
        wrap=True,
        format_func=plain,
        key="coverage_styles",
        bind="query-params",
    )
    chosen = tuple(styles or ())
    options = _options(recipe)
    counted = SampleFilter(recipe.key, styles=chosen, options=options)
    counts = samples.cell_counts(workspace.engine, counted)
    covered = coverage(recipe, counts, chosen)
    if not covered.counts:
        st.info(_("这些{kinds}还没有样本。先造一批，再回来看哪些格子太少。", kinds=style_words()), icon="🌱")
        st.page_link("pages/generate/page.py", label=_("去造数"), icon="✨")
        return
    _figures(covered)
    area = st.container(key="coverage_area")
    st.caption(_("数字是待审和采用的样本；灰色的格子按适配度不造数。点一个格子，去审核它的样本。"))
    names, scenes = shown_entries(recipe)
    with area:
        event = st.plotly_chart(
            coverage_figure(covered, names, scenes, colour == "share"),
            key="coverage_map",
            on_select="rerun",
            selection_mode="points",
            width="stretch",
            config=CONFIG,
        )
    cells, _whole = chosen_cells(event, names, scenes)
    if cells:
        st.switch_page(REVIEW, query_params=review_link(cells[0], chosen))
    _by_form(names, scenes, chosen)
    _top_up(workspace, recipe, covered, chosen, options)


def _options(recipe: Recipe) -> Options:
    """Draws the layers of the map that the enabled axes are, and returns the chosen options."""
    known = option_labels(enabled_axes(recipe))
    if not known:
        return ()
    picked = st.pills(
        _("只数这些条件"),
        list(known),
        selection_mode="multi",
        wrap=True,
        format_func=plain,
        key="coverage_options",
        bind="query-params",
    )
    return tuple(known[label] for label in picked or ())


def review_link(cell: tuple[str, str], styles: tuple[str, ...]) -> dict[str, str | list[str]]:
    """Returns the query parameters with which the review page shows one cell."""
    link: dict[str, str | list[str]] = {"state": _("全部"), "name": [cell[0]], "scene": [cell[1]]}
    return {**link, "style": list(styles)} if styles else link


def coverage_figure(covered: Coverage, names: list[str], scenes: list[str], share: bool) -> go.Figure:
    """Returns the map of the samples, or with ``share`` of the accepted share in percent.

    Cells that have no samples and are not generated stay grey.
    """
    kept = set(covered.kept)

    def value(cell: tuple[str, str]) -> float | None:
        if share:
            part = covered.accepted_share(cell)
            return None if part is None else round(part * 100)
        number = covered.usable(cell)
        return number if number or cell in kept else None

    values = [[value((n, s)) for s in scenes] for n in names]
    heat = go.Heatmap(
        z=values,
        text=[["" if v is None else f"{v:g}" for v in row] for row in values],
        texttemplate="%{text}",
        textfont={"size": 11},
        colorscale="Cividis",
        zmin=0,
        zmax=100 if share else None,
        colorbar={"thickness": 14, "len": 220, "lenmode": "pixels", "y": 1, "yanchor": "top"},
    )

    def hover(name: str, scene: str) -> str:
        count = covered.counts.get((name, scene))
        if count is None:
            return _("还没有样本") if (name, scene) in kept else _("按适配度不造数")
        return _(
            "采用 {accepted} · 待审 {pending} · 弃用 {rejected}",
            accepted=count.accepted,
            pending=count.pending,
            rejected=count.rejected,
        )

    figure = cell_figure(names, scenes, heat, hover, handles=False)
    figure.update_layout(plot_bgcolor="#e4e6ea")
    return figure


def _figures(covered: Coverage) -> None:
    numbers = sorted(covered.usable(cell) for cell in covered.kept)
    accepted = sum(c.accepted for c in covered.counts.values())
    decided = accepted + sum(c.rejected for c in covered.counts.values())
    with st.container(key="coverage_figures"):
        columns = st.columns(4)
    columns[0].metric(_("会造数的格子"), len(numbers))
    columns[1].metric(_("还没有样本的格子"), sum(n == 0 for n in numbers))
    columns[2].metric(_("每格样本（中位数）"), numbers[len(numbers) // 2] if numbers else 0)
    columns[3].metric(_("采用率"), f"{accepted / decided:.0%}" if decided else _("还没审"))


def _by_form(names: list[str], scenes: list[str], styles: tuple[str, ...]) -> None:
    words = spoken()
    with st.expander(_("选一个格子去审核"), icon="⌨️"):
        row = st.columns([3, 3, 1], vertical_alignment="bottom")
        name = row[0].selectbox(words.name, names, key="coverage_name")
        scene = row[1].selectbox(words.scene, scenes, key="coverage_scene")
        if row[2].button(_("去审核"), key="coverage_open", width="stretch") and name and scene:
            st.switch_page(REVIEW, query_params=review_link((name, scene), styles))


def _top_up(
    workspace: Workspace, recipe: Recipe, covered: Coverage, styles: tuple[str, ...], options: Options
) -> None:
    st.subheader(_("补齐太少的格子"))
    left, right = st.columns([1, 2], gap="large")
    written = styles or tuple(enabled_styles(recipe))
    with left:
        first = 2 * len(written)
        own = kept_number("top_up_target", 1, 1000, first)
        target = int(st.number_input(_("每格至少几条"), 1, 1000, first, **own))
        thin = covered.thin(target)
        if not thin:
            st.success(_("每个会造数的格子都够了"), icon="✅")
            return
        seed = samples.total(workspace.engine, recipe.key)
        plan = top_up_plan(recipe, covered, styles, target, seed, options)
        number = count_tasks(recipe, plan)
        st.caption(
            _(
                "{cells} 个格子不到 {target} 条，一共缺 {n} 条；{styles} 种{kinds}轮着写，只补缺的。",
                kinds=style_words(len(written)),
                cells=len(thin),
                target=target,
                n=number,
                styles=len(written),
            )
        )
    with right, report_errors():
        choice = pick_teacher(workspace, "top_up")
        if choice is not None:
            check_writable(workspace, recipe, tasks(recipe, plan), choice)
            expected = estimate(workspace, recipe, plan, choice, CONCURRENCY)
            st.markdown(use_text(workspace, choice, expected))
        pressed = st.button(
            _("补 {n} 条", n=f"{number:,}"),
            key="top_up",
            type="primary",
            icon="✨",
            disabled=choice is None,
        )
        if pressed and choice is not None:
            run = create_run(workspace, recipe.key, plan, choice, USUAL, CONCURRENCY)
            job = start_generation(workspace, run.id)
            remember_notice(_("已开始：{title}", title=job.title))
            st.switch_page("pages/generate/page.py", query_params={"run": str(run.id)})
