"""成绩: the results of the checks of a comparison, and its report, preference pairs and samples."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from html import escape

import plotly.graph_objects as go
import streamlit as st

from pages.shared.answer_marks import Checkers
from pages.shared.frame import remember_notice, report_errors
from pages.shared.tone_words import tone_line
from tianji_core import models
from tianji_core.comparison import (
    MESSAGES_FORM,
    TEXT_FORM,
    Board,
    Checked,
    HeatMap,
    board_report,
    heat_maps,
    judgement,
    preference_lines,
    preferences,
    take_chosen,
    total_columns,
    totals,
)
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store import votes
from tianji_core.workspace import Workspace


def check_part(recipe: Recipe, board: Board, checked: Sequence[Checked], titles: Mapping[str, str]) -> None:
    """Draws the results of the checks by column, and by cell of the recipe; ``titles`` maps models to what
    people call them."""
    columns = [
        replace(total, title=titles.get(total.model, total.model) + total.title.removeprefix(total.model))
        for total in totals(board, checked)
    ]
    st.dataframe(
        [{head: tell(total) for head, tell in total_columns(recipe)} for total in columns],
        hide_index=True,
        width="stretch",
        key="compare_totals",
    )
    if recipe.blessings:
        st.caption(tone_line())
    shown = heat_maps(board, checked)
    for start in range(0, len(shown), 2):
        line = st.columns(min(2, len(shown)))
        for place, heat in zip(line, shown[start : start + 2], strict=False):
            place.plotly_chart(
                _heat_figure(heat, titles.get(heat.model, heat.model)),
                key=f"compare_heat_{heat.model}",
                config={"displayModeBar": False},
            )


def _heat_figure(heat: HeatMap, title: str) -> go.Figure:
    shares = [[None if value is None else round(100 * value) for value in row] for row in heat.values]
    figure = go.Figure(
        go.Heatmap(
            z=shares,
            x=[escape(scene) for scene in heat.scenes],
            y=[escape(name) for name in heat.names],
            text=[["" if value is None else f"{value}%" for value in row] for row in shares],
            texttemplate="%{text}",
            customdata=[list(row) for row in heat.counts],
            hovertemplate="%{y} × %{x}<br>%{text}（" + _("{n} 条", n="%{customdata}") + "）<extra></extra>",
            colorscale="RdYlGn",
            zmin=0,
            zmax=100,
            xgap=2,
            ygap=2,
            showscale=False,
        )
    )
    figure.update_layout(
        title={"text": _("{model} 的通过率", model=escape(title)), "font": {"size": 15}},
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        height=110 + 34 * len(heat.names),
    )
    figure.update_yaxes(autorange="reversed", automargin=True)
    figure.update_xaxes(side="bottom", automargin=True)
    return figure


def take_part(workspace: Workspace, recipe: Recipe, board: Board, checkers: Checkers) -> bool:
    """Draws the download of the report and, once people have voted, those of the preference pairs and the
    button that stores chosen answers as samples; returns whether there are pairs."""
    pairs = len(preferences(votes.listed(workspace.engine, recipe.key)))
    line = st.columns(4 if pairs else 1)
    line[0].download_button(
        _("下载报告（HTML）"),
        data=lambda: _report(workspace, recipe, board, checkers),
        file_name=f"compare-{board.key}.html",
        mime="text/html",
        key="compare_report",
        icon="📄",
        on_click="ignore",
        width="stretch" if pairs else "content",
    )
    if not pairs:
        return False
    for place, form, title in (
        (line[1], TEXT_FORM, _("{n} 个偏好对（文本）", n=pairs)),
        (line[2], MESSAGES_FORM, _("偏好对（对话）")),
    ):
        place.download_button(
            title,
            data=partial(preference_lines, workspace, recipe.key, form),
            file_name=f"preferences-{recipe.key}-{form}.jsonl",
            mime="application/jsonl",
            key=f"pairs_{form}",
            icon="⬇️",
            on_click="ignore",
            width="stretch",
        )
    if line[3].button(_("选中的收为样本"), key="take_chosen", type="primary", icon="📥", width="stretch"):
        with report_errors():
            taken = take_chosen(workspace, recipe)
            remember_notice(_("收了 {added} 条，{known} 条原来就有；去审核页看", added=taken.added, known=taken.known))  # fmt: skip
            st.rerun()
    st.caption(_("偏好对是同一个问题的好回答和差回答，一行一对；偏好训练直接能读。"))
    return True


def _report(workspace: Workspace, recipe: Recipe, board: Board, checkers: Checkers) -> str:
    learnt = models.learnt_by_models(workspace, (column.model for column in board.columns))
    return board_report(recipe, board, checkers, judgement(workspace, board), learnt)
