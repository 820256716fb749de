"""A name × scene map as a plotly figure whose cells, rows and columns can be clicked."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from tianji_core.i18n import _
from tianji_core.recipe import Name, Recipe, Scene

Cell = tuple[str, str]
WHOLE = ""
"""Stands for every name or every scene in what a click on a handle returns."""
CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["zoom2d", "pan2d", "lasso2d", "autoScale2d"]}


def cell_figure(
    names: Sequence[str],
    scenes: Sequence[str],
    heat: go.Heatmap,
    hover: Callable[[str, str], str],
    box: bool = False,
    handles: bool = True,
) -> go.Figure:
    """``heat`` (rows are names, columns scenes) under a layer of invisible square markers, because a click on a heatmap cell
    itself returns nothing. ``customdata`` of a marker is (name, scene); ``handles`` adds one marker before each row and column
    whose other half is empty. ``hover`` returns HTML, as plotly reads every text. ``box`` lets the mouse draw a box; it must be off for single clicks, which plotly takes
    for an empty box otherwise."""
    columns, rows = list(range(len(scenes))), list(range(len(names)))
    heat.update(x=columns, y=rows, xgap=2, ygap=2, hoverinfo="skip")
    figure = go.Figure(heat)
    figure.add_scatter(
        x=[x for _y in rows for x in columns],
        y=[y for y in rows for _x in columns],
        customdata=[(name, scene) for name in names for scene in scenes],
        text=[
            f"{escape(name)} × {escape(scene)}<br>{hover(name, scene)}" for name in names for scene in scenes
        ],
        hovertemplate="%{text}<extra></extra>",
        mode="markers",
        marker={"symbol": "square", "size": 22, "color": "rgba(0,0,0,0)"},
        unselected={"marker": {"opacity": 0}},
        selected={"marker": {"opacity": 0}},
        showlegend=False,
    )
    if handles:
        figure.add_scatter(
            x=[-1.0] * len(rows) + columns,
            y=rows + [-1.0] * len(columns),
            customdata=[(name, WHOLE) for name in names] + [(WHOLE, scene) for scene in scenes],
            text=[_("整行：{name}", name=escape(n)) for n in names]
            + [_("整列：{scene}", scene=escape(s)) for s in scenes],
            hovertemplate="%{text}<extra></extra>",
            mode="markers",
            marker={
                "symbol": ["triangle-right"] * len(rows) + ["triangle-down"] * len(columns),
                "size": 11,
                "color": "#9aa0a6",
            },
            unselected={"marker": {"opacity": 1}},
            selected={"marker": {"opacity": 1}},
            showlegend=False,
        )
    longest = max((len(name) for name in names), default=4)
    tallest = max((len(scene) for scene in scenes), default=4)
    first = -1.5 if handles else -0.5
    figure.update_layout(
        height=max(300, 25 * (len(names) + 1) + 40 + 10 * tallest),
        margin={"l": 20 + 13 * min(longest, 12), "r": 10, "t": 30 + 10 * min(tallest, 12), "b": 10},
        xaxis={
            "side": "top",
            "tickangle": -45,
            "fixedrange": True,
            "tickvals": columns,
            "ticktext": [escape(scene) for scene in scenes],
            "range": [first, len(scenes) - 0.5],
            "showgrid": False,
            "zeroline": False,
        },
        yaxis={
            "fixedrange": True,
            "tickvals": rows,
            "ticktext": [escape(name) for name in names],
            "range": [len(names) - 0.5, first],
            "showgrid": False,
            "zeroline": False,
        },
        dragmode="select" if box else False,
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def chosen_cells(event: Any, names: Iterable[str], scenes: Iterable[str]) -> tuple[list[Cell], bool]:
    """(cells, whether a handle was clicked) of a selection; a handle stands for the shown cells of its row or column."""
    names, scenes = list(names), list(scenes)
    cells: dict[Cell, None] = {}
    whole = False
    for point in event.selection.points:
        name, scene = point.get("customdata") or (None, None)
        if name == WHOLE or scene == WHOLE:
            whole = True
            picked = [(n, scene) for n in names] if name == WHOLE else [(name, s) for s in scenes]
            cells |= dict.fromkeys(picked)
        elif name is not None:
            cells[name, scene] = None
    return list(cells), whole


def ordered(recipe: Recipe) -> tuple[list[str], list[str]]:
    """Filters and order of the map; (names, scenes) of what is switched on and wanted. It all stands in the address."""
    from tianji_core.recipe import RELATION_TITLES, SCENE_KIND_TITLES

    names = [n for n in recipe.names if n.enabled]
    scenes = [s for s in recipe.scenes if s.enabled]
    relations = [r for r in RELATION_TITLES if any(n.relation == r for n in names)]
    kinds = [k for k in SCENE_KIND_TITLES if any(s.kind == k for s in scenes)]
    with st.expander(_("筛选和排序"), icon="🔀"):
        row = st.columns([3, 3, 3])
        wanted = row[0].multiselect(
            _("关系"),
            [r.value for r in relations],
            format_func=lambda value: _(RELATION_TITLES[value]),
            key="map_relations",
            placeholder=_("全部"),
            bind="query-params",
        )
        sorts = row[1].multiselect(
            _("场景类别"),
            [k.value for k in kinds],
            format_func=lambda value: _(SCENE_KIND_TITLES[value]),
            key="map_kinds",
            placeholder=_("全部"),
            bind="query-params",
        )
        order = row[2].segmented_control(
            _("顺序"),
            ["list", "kind", "fit"],
            default="list",
            required=True,
            format_func=lambda value: {
                "list": _("列表顺序"),
                "kind": _("按关系和类别"),
                "fit": _("不适合的在前"),
            }[value],
            key="map_order",
            bind="query-params",
        )
    names = [n for n in names if not wanted or n.relation.value in wanted]
    scenes = [s for s in scenes if not sorts or s.kind.value in sorts]
    if order == "kind":
        names.sort(key=lambda n: relations.index(n.relation))
        scenes.sort(key=lambda s: kinds.index(s.kind))
    elif order == "fit":
        names, scenes = _worst_first(recipe, names, scenes)
    return [n.text for n in names], [s.text for s in scenes]


def _worst_first(recipe: Recipe, names: list[Name], scenes: list[Scene]) -> tuple[list[Name], list[Scene]]:
    matrix = recipe.matrix()
    return (
        sorted(names, key=lambda n: sum(matrix.value(n.text, s.text) for s in scenes)),
        sorted(scenes, key=lambda s: sum(matrix.value(n.text, s.text) for n in names)),
    )
