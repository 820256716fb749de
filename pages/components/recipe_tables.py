"""Tables of a recipe's entries: showing them, and reading edited rows back."""

import pandas as pd
import streamlit as st

from tianji_core.i18n import _
from tianji_core.recipe import RELATION_TITLES, SCENE_KIND_TITLES, Pronoun, Recipe, Relation, SceneKind
from tianji_core.recipe.editing import Row


def names_table(recipe: Recipe, key: str) -> list[Row]:
    """An editable table of the names; returns its rows as they are now."""
    frame = pd.DataFrame([n.model_dump(mode="json") for n in recipe.names])
    columns = {
        "text": st.column_config.TextColumn(_("称谓"), required=True, max_chars=40, width="medium"),
        "relation": st.column_config.SelectboxColumn(
            _("关系"),
            options=[r.value for r in Relation],
            format_func=lambda v: _(RELATION_TITLES[Relation(v)]),
            required=True,
            default="friend",
        ),
        "pronoun": st.column_config.SelectboxColumn(
            _("称呼"),
            options=[p.value for p in Pronoun],
            required=True,
            default="你",
            help=_("用“您”还是“你”"),
        ),
        "enabled": st.column_config.CheckboxColumn(_("启用"), default=True),
    }
    return _edited(frame, columns, key)


def scenes_table(recipe: Recipe, key: str) -> list[Row]:
    """An editable table of the scenes; returns its rows as they are now."""
    frame = pd.DataFrame([s.model_dump(mode="json") for s in recipe.scenes])[
        ["text", "kind", "greeting", "enabled"]
    ]
    columns = {
        "text": st.column_config.TextColumn(_("场景"), required=True, max_chars=40, width="medium"),
        "kind": st.column_config.SelectboxColumn(
            _("类别"),
            options=[k.value for k in SceneKind],
            format_func=lambda v: _(SCENE_KIND_TITLES[SceneKind(v)]),
            required=True,
            default="life_event",
        ),
        "greeting": st.column_config.TextColumn(
            _("说成祝福"), help=_("例如“生日快乐”“早日康复”，训练输入会用到；空着就用场景名")
        ),
        "enabled": st.column_config.CheckboxColumn(_("启用"), default=True),
    }
    return _edited(frame, columns, key)


def styles_table(recipe: Recipe, key: str) -> list[Row]:
    """An editable table of the styles' limits and suffixes; returns its rows as they are now."""
    frame = pd.DataFrame(
        [s.model_dump(mode="json", exclude={"instruction", "examples"}) for s in recipe.styles]
    )
    columns = {
        "text": st.column_config.TextColumn(_("风格"), required=True, max_chars=40),
        "min_chars": st.column_config.NumberColumn(
            _("最少字数"), min_value=1, max_value=4000, step=1, default=10
        ),
        "max_chars": st.column_config.NumberColumn(
            _("最多字数"), min_value=1, max_value=4000, step=1, default=100
        ),
        "suffix": st.column_config.TextColumn(
            _("触发后缀"), help=_("训练输入里用来点名这个风格的话，例如“,小红书风格”；空着表示默认风格")
        ),
        "enabled": st.column_config.CheckboxColumn(_("启用"), default=True),
    }
    return _edited(frame, columns, key)


def lines_table(lines: tuple[str, ...], title: str, key: str) -> list[str]:
    """An editable table of single texts; returns them as they are now, absent cells as ''."""
    frame = pd.DataFrame({"text": list(lines)}, dtype="object")
    columns = {"text": st.column_config.TextColumn(title, width="large")}
    rows = _edited(frame, columns, key)
    return [value if isinstance(value := row.values.get("text"), str) else "" for row in rows]


def _edited(frame: pd.DataFrame, columns: dict, key: str) -> list[Row]:
    edited = st.data_editor(
        frame,
        key=key,
        column_config=columns,
        num_rows="dynamic",
        hide_index=True,
        width="stretch",
        height=min(38 * (len(frame) + 2), 560),
    )
    rows = []
    for index, values in zip(edited.index, edited.to_dict("records"), strict=True):
        origin = index if isinstance(index, int) and 0 <= index < len(frame) else None
        rows.append(Row(origin, values))
    return rows
