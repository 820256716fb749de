"""The name × scene map as a plotly figure."""

import plotly.graph_objects as go

from tianji_core.i18n import _
from tianji_core.recipe import VALUE_TITLES, Recipe

COLOURS = ["#D55E00", "#F0C808", "#56B4E9"]
"""0, 1, 2: vermilion, yellow and sky blue of the Okabe-Ito palette, told apart with any colour vision."""
GLYPHS = {0: "✕", 1: "?", 2: ""}


def suitability_figure(recipe: Recipe, box: bool) -> go.Figure:
    """A heatmap of all cells with a layer of invisible square markers on top, because a click on a heatmap cell
    itself returns nothing. ``customdata`` of a marker is (name, scene). ``box`` lets the mouse draw a box; it must be off
    for single clicks, which plotly takes for an empty box otherwise."""
    matrix = recipe.matrix()
    names = [n.text for n in recipe.names if n.enabled]
    scenes = [s.text for s in recipe.scenes if s.enabled]
    ratings = [[matrix.rating(name, scene) for scene in scenes] for name in names]
    figure = go.Figure(
        go.Heatmap(
            z=[[r.value for r in row] for row in ratings],
            x=scenes,
            y=names,
            text=[[GLYPHS[r.value] for r in row] for row in ratings],
            texttemplate="%{text}",
            textfont={"size": 13, "color": "#222"},
            colorscale=[
                (0.0, COLOURS[0]),
                (1 / 3, COLOURS[0]),
                (1 / 3, COLOURS[1]),
                (2 / 3, COLOURS[1]),
                (2 / 3, COLOURS[2]),
                (1.0, COLOURS[2]),
            ],
            zmin=0,
            zmax=2,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
            colorbar={
                "tickvals": [1 / 3, 1, 5 / 3],
                "ticktext": [_(VALUE_TITLES[value]) for value in (0, 1, 2)],
                "thickness": 14,
                "len": 220,
                "lenmode": "pixels",
                "y": 1,
                "yanchor": "top",
            },
        )
    )
    cells = [(name, scene) for name in names for scene in scenes]
    figure.add_scatter(
        x=[scene for _name, scene in cells],
        y=[name for name, _scene in cells],
        customdata=cells,
        text=[_hover(matrix.rating(*cell).value, matrix.rating(*cell).reason) for cell in cells],
        hovertemplate="%{y} × %{x}<br>%{text}<extra></extra>",
        mode="markers",
        marker={"symbol": "square", "size": 22, "color": "rgba(0,0,0,0)"},
        unselected={"marker": {"opacity": 0}},
        selected={"marker": {"opacity": 0}},
        showlegend=False,
    )
    figure.update_layout(
        height=max(360, 25 * len(names) + 110),
        margin={"l": 90, "r": 10, "t": 90, "b": 10},
        xaxis={
            "side": "top",
            "tickangle": -45,
            "fixedrange": True,
            "type": "category",
            "range": [-0.5, len(scenes) - 0.5],
        },
        yaxis={"fixedrange": True, "type": "category", "range": [len(names) - 0.5, -0.5]},
        dragmode="select" if box else False,
        plot_bgcolor="rgba(0,0,0,0)",
    )
    return figure


def _hover(value: int, reason: str) -> str:
    return (
        _("{title}：{reason}", title=_(VALUE_TITLES[value]), reason=reason)
        if reason
        else _(VALUE_TITLES[value])
    )
