"""Which names and scenes a map shows, and in which order."""

import streamlit as st

from pages.shared.bound import bound, several
from tianji_core.i18n import _
from tianji_core.recipe import Name, Recipe, Scene


def shown_entries(recipe: Recipe) -> tuple[list[str], list[str]]:
    """Draws the filters and the order, which the address holds; returns the names and the scenes to show."""
    names = [n for n in recipe.names if n.enabled]
    scenes = [s for s in recipe.scenes if s.enabled]
    relation_titles, kind_titles = recipe.relation_titles(), recipe.kind_titles()
    relations = [r for r in relation_titles if any(n.relation == r for n in names)]
    kinds = [k for k in kind_titles if any(s.kind == k for s in scenes)]
    orders = {"list": _("列表顺序"), "kind": _("按关系和类别"), "fit": _("不适合的在前")}
    with st.expander(_("筛选和排序"), icon="🔀"):
        columns = st.columns(3)
        chosen_relations = columns[0].multiselect(
            _("关系"),
            relations,
            placeholder=_("全部"),
            **several("map_relations", relations, lambda value: relation_titles[value]),
        )
        chosen_kinds = columns[1].multiselect(
            _("类别"),
            kinds,
            placeholder=_("全部"),
            **several("map_kinds", kinds, lambda value: kind_titles[value]),
        )
        order = columns[2].segmented_control(
            _("顺序"),
            list(orders),
            default="list",
            required=True,
            **bound("map_order", orders, lambda value: orders[value]),
        )
    names = [n for n in names if not chosen_relations or n.relation in chosen_relations]
    scenes = [s for s in scenes if not chosen_kinds or s.kind in chosen_kinds]
    if order == "kind":
        names.sort(key=lambda n: relations.index(n.relation))
        scenes.sort(key=lambda s: kinds.index(s.kind))
    elif order == "fit":
        names, scenes = _worst_first(recipe, names, scenes)
    return [n.text for n in names], [s.text for s in scenes]


def _worst_first(recipe: Recipe, names: list[Name], scenes: list[Scene]) -> tuple[list[Name], list[Scene]]:
    """Returns both sorted by their total suitability, the lowest first."""
    matrix = recipe.matrix()
    return (
        sorted(names, key=lambda n: sum(matrix.value(n.text, s.text) for s in scenes)),
        sorted(scenes, key=lambda s: sum(matrix.value(n.text, s.text) for n in names)),
    )
