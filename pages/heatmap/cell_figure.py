"""A name × scene map as a plotly figure whose cells, rows and columns can be clicked."""

from collections.abc import Callable, Iterable, Sequence
from html import escape
from typing import Any

import plotly.graph_objects as go

from tianji_core.i18n import _

Cell = tuple[str, str]
"""(name, scene)."""
WHOLE = ""
"""Stands for every name or every scene in the ``customdata`` of a handle."""
CONFIG = {"displaylogo": False, "modeBarButtonsToRemove": ["zoom2d", "pan2d", "lasso2d", "autoScale2d"]}


_ROW = 17
"""Height of a row in pixels: 28 names fit into a window of 720."""
_LARGE = 40
"""Height of an enlarged row in pixels."""


def cell_figure(
    names: Sequence[str],
    scenes: Sequence[str],
    heat: go.Heatmap,
    hover: Callable[[str, str], str],
    box: bool = False,
    handles: bool = True,
) -> go.Figure:
    """Returns ``heat``, an array (names, scenes), under a layer of invisible square markers.

    The markers are needed because plotly reports no click on the cell of a heatmap. The ``customdata`` of a
    marker is (name, scene). ``handles`` adds one marker before each row and column, whose other half is
    :data:`WHOLE`. ``hover`` returns HTML, as plotly reads every text. ``box`` lets the mouse draw a box; it
    must be off for single clicks, which plotly would take for an empty box.
    """
    heat.update(x=list(range(len(scenes))), y=list(range(len(names))), xgap=2, ygap=2, hoverinfo="skip")
    figure = go.Figure(heat)
    _add_cell_markers(figure, names, scenes, hover)
    if handles:
        _add_handles(figure, names, scenes)
    _lay_out(figure, names, scenes, first=-1.5 if handles else -0.5)
    figure.update_layout(dragmode="select" if box else False)
    return figure


def _add_cell_markers(
    figure: go.Figure, names: Sequence[str], scenes: Sequence[str], hover: Callable[[str, str], str]
) -> None:
    figure.add_scatter(
        x=[column for _name in names for column in range(len(scenes))],
        y=[row for row in range(len(names)) for _scene in scenes],
        customdata=[(name, scene) for name in names for scene in scenes],
        text=[
            f"{escape(name)} × {escape(scene)}<br>{hover(name, scene)}" for name in names for scene in scenes
        ],
        hovertemplate="%{text}<extra></extra>",
        mode="markers",
        marker={"symbol": "square", "size": 15, "color": "rgba(0,0,0,0)"},
        unselected={"marker": {"opacity": 0}},
        selected={"marker": {"opacity": 0}},
        showlegend=False,
    )


def _add_handles(figure: go.Figure, names: Sequence[str], scenes: Sequence[str]) -> None:
    """Adds a triangle before each row and above each column."""
    figure.add_scatter(
        x=[-1.0] * len(names) + list(range(len(scenes))),
        y=list(range(len(names))) + [-1.0] * len(scenes),
        customdata=[(name, WHOLE) for name in names] + [(WHOLE, scene) for scene in scenes],
        text=[_("整行：{name}", name=escape(name)) for name in names]
        + [_("整列：{scene}", scene=escape(scene)) for scene in scenes],
        hovertemplate="%{text}<extra></extra>",
        mode="markers",
        marker={
            "symbol": ["triangle-right"] * len(names) + ["triangle-down"] * len(scenes),
            "size": 9,
            "color": "#9aa0a6",
        },
        unselected={"marker": {"opacity": 1}},
        selected={"marker": {"opacity": 1}},
        showlegend=False,
    )


def _lay_out(figure: go.Figure, names: Sequence[str], scenes: Sequence[str], first: float) -> None:
    """Sizes the figure for the longest texts; ``first`` is where both axes begin, in cells."""
    longest = max((len(name) for name in names), default=4)
    tallest = max((len(scene) for scene in scenes), default=4)
    axis = {"tickfont": {"size": 11}, "fixedrange": True, "showgrid": False, "zeroline": False}
    figure.update_layout(
        height=max(280, _ROW * (len(names) + 1) + 18 + 7 * min(tallest, 12)),
        margin={"l": 20 + 13 * min(longest, 12), "r": 10, "t": 8 + 7 * min(tallest, 12), "b": 10},
        xaxis={
            **axis,
            "side": "top",
            "tickangle": -45,
            "tickvals": list(range(len(scenes))),
            "ticktext": [escape(scene) for scene in scenes],
            "range": [first, len(scenes) - 0.5],
        },
        yaxis={
            **axis,
            "tickvals": list(range(len(names))),
            "ticktext": [escape(name) for name in names],
            "range": [len(names) - 0.5, first],
        },
        plot_bgcolor="rgba(0,0,0,0)",
    )


def enlarge(figure: go.Figure, names: Sequence[str]) -> None:
    """Gives the cells of a figure the height of a thumb; the page's style sheet gives it the width."""
    margin = figure.layout.margin
    figure.update_layout(height=_LARGE * (len(names) + 1) + int(margin.t) + int(margin.b))
    figure.update_traces(marker={"size": _LARGE - 4}, selector={"marker": {"symbol": "square"}})


def chosen_cells(event: Any, names: Iterable[str], scenes: Iterable[str]) -> tuple[list[Cell], bool]:
    """Returns the cells of a selection, and whether a handle was clicked.

    A handle stands for the shown cells of its row or column.
    """
    names, scenes = list(names), list(scenes)
    cells: dict[Cell, None] = {}
    whole = False
    for point in event.selection.points:
        if not point.get("customdata"):
            continue
        name, scene = point["customdata"]
        if name == WHOLE:
            whole = True
            cells |= dict.fromkeys((shown, scene) for shown in names)
        elif scene == WHOLE:
            whole = True
            cells |= dict.fromkeys((name, shown) for shown in scenes)
        else:
            cells[name, scene] = None
    return list(cells), whole
