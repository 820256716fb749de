"""The editable tables of a recipe's entries."""

from typing import Any

import pandas as pd
import streamlit as st

from pages.shared.cell_words import suffix_example
from pages.shared.kept_table import kept_table
from tianji_core.i18n import _
from tianji_core.recipe import Pronoun, Recipe
from tianji_core.recipe.editing import ListRow, in_order
from tianji_core.recipe.facts import LONGEST_FACT
from tianji_core.recipe.tables import Listing, lines_of


def table_form(recipe: Recipe) -> str:
    """Returns the name of the draft that holds the unsaved edits of the recipe's tables."""
    return f"lists-{recipe.key}"


def names_table(recipe: Recipe, key: str) -> list[ListRow]:
    """Draws the table of names and returns its edited rows."""
    frame = pd.DataFrame([n.model_dump(mode="json") for n in recipe.names])
    relations, title = recipe.relation_titles(), recipe.words.shown().name
    columns = {
        "text": st.column_config.TextColumn(title, required=True, max_chars=40, width=84),
        "relation": st.column_config.SelectboxColumn(
            _("关系"),
            options=list(relations),
            format_func=lambda v: relations[str(v)],
            required=True,
            default="friend" if "friend" in relations else next(iter(relations)),
            width=64,
        ),
        "pronoun": st.column_config.SelectboxColumn(
            _("称呼"),
            options=[p.value for p in Pronoun],
            required=True,
            default="你",
            help=_("用“您”还是“你”"),
            width=64,
        ),
        "enabled": st.column_config.CheckboxColumn(_("启用"), default=True, width=64),
    }
    return _edited(frame, columns, key, table_form(recipe), "names")


def scenes_table(recipe: Recipe, key: str) -> list[ListRow]:
    """Draws the table of scenes and returns its edited rows."""
    frame = pd.DataFrame([s.model_dump(mode="json") for s in recipe.scenes])[
        ["text", "kind", "enabled", "greeting"]
    ]
    kinds, title = recipe.kind_titles(), recipe.words.shown().scene
    columns = {
        "text": st.column_config.TextColumn(title, required=True, max_chars=40, width=100),
        "kind": st.column_config.SelectboxColumn(
            _("类别"),
            options=list(kinds),
            format_func=lambda v: kinds[str(v)],
            required=True,
            default="life_event" if "life_event" in kinds else next(iter(kinds)),
            width=76,
        ),
        "enabled": st.column_config.CheckboxColumn(_("启用"), default=True, width=56),
        "greeting": st.column_config.TextColumn(
            _("说成一句话"), help=_("例如“生日快乐”“早日康复”，训练输入会用到；空着就用它本来的字"), width=110
        ),
    }
    return _edited(frame, columns, key, table_form(recipe), "scenes")


def styles_table(recipe: Recipe, key: str) -> list[ListRow]:
    """Draws the table of the styles' limits and suffixes and returns its edited rows."""
    frame = pd.DataFrame(
        [s.model_dump(mode="json", exclude={"instruction", "examples"}) for s in recipe.styles]
    )
    columns = {
        "text": st.column_config.TextColumn(recipe.words.shown().style, required=True, max_chars=40),
        "min_chars": st.column_config.NumberColumn(
            _("最少字数"), min_value=1, max_value=4000, step=1, default=10
        ),
        "max_chars": st.column_config.NumberColumn(
            _("最多字数"), min_value=1, max_value=4000, step=1, default=100
        ),
        "suffix": st.column_config.TextColumn(
            _("触发后缀"),
            help=_(
                "训练输入里用来点名这种写法的话，例如“{example}”；空着表示不点名",
                example=suffix_example(),
            ),
        ),
        "several_lines": st.column_config.CheckboxColumn(
            _("可分行"), default=False, help=_("诗和长信可以分行；不能分行的，清洗时接成一行")
        ),
        "enabled": st.column_config.CheckboxColumn(_("启用"), default=True),
    }
    return _edited(frame, columns, key, table_form(recipe), "styles")


def kinds_table(recipe: Recipe, field: str, title: str, key: str) -> list[ListRow]:
    """Draws the table of the ``relations`` or ``scene_kinds`` (``field``) and returns its edited rows."""
    titles = recipe.relation_titles() if field == "relations" else recipe.kind_titles()
    frame = pd.DataFrame({"text": list(titles.values())}, dtype="object")
    columns = {"text": st.column_config.TextColumn(title, required=True, max_chars=40)}
    return _edited(frame, columns, key, table_form(recipe), field)


def facts_table(recipe: Recipe, key: str) -> list[ListRow]:
    """Draws the table of facts and returns its edited rows; their names and relations are texts."""
    titles = recipe.relation_titles()
    frame = pd.DataFrame(
        {
            "text": [fact.text for fact in recipe.facts],
            "names": [", ".join(fact.names) for fact in recipe.facts],
            "relations": [", ".join(titles.get(r, r) for r in fact.relations) for fact in recipe.facts],
            "enabled": [fact.enabled for fact in recipe.facts],
        }
    ).astype({"text": "object", "names": "object", "relations": "object", "enabled": "bool"})
    relations = ", ".join(titles.values())
    columns = {
        "text": st.column_config.TextColumn(_("细节"), required=True, max_chars=LONGEST_FACT, width="large"),
        "names": st.column_config.TextColumn(
            recipe.words.shown().name, help=_("只说这些人的，用逗号分开；两列都空着表示对谁都可以说")
        ),
        "relations": st.column_config.TextColumn(
            _("关系"), help=_("只说这些关系的人的，用逗号分开：{known}", known=relations)
        ),
        "enabled": st.column_config.CheckboxColumn(_("启用"), default=True, width="small"),
    }
    return _edited(frame, columns, key, table_form(recipe), "facts")


def lines_table(recipe: Recipe, listing: Listing, title: str, key: str) -> list[ListRow]:
    """Draws the table of random clauses or input templates and returns its edited rows."""
    enabled, disabled = lines_of(recipe, listing)
    frame = pd.DataFrame(
        {
            "text": [*enabled, *disabled],
            "enabled": [True] * len(enabled) + [False] * len(disabled),
        }
    ).astype({"text": "object"})
    columns = {
        "text": st.column_config.TextColumn(title, width="large"),
        "enabled": st.column_config.CheckboxColumn(_("启用"), default=True, width="small"),
    }
    return _edited(frame, columns, key, table_form(recipe), listing.value)


def examples_table(examples: tuple[str, ...], title: str, key: str, form: str, name: str) -> list[str]:
    """Draws the table of a style's examples and returns them as edited, empty cells as ''.

    Unsaved edits are stored in the draft ``form`` under ``name``.
    """
    frame = pd.DataFrame({"text": list(examples)}, dtype="object")
    columns = {"text": st.column_config.TextColumn(title, width="large")}
    rows = _edited(frame, columns, key, form, name)
    return [value if isinstance(value := row.values.get("text"), str) else "" for row in rows]


def _edited(frame: pd.DataFrame, columns: dict[str, Any], key: str, form: str, name: str) -> list[ListRow]:
    """Draws a table with a column for the order, and returns its rows in the order given there."""
    frame.insert(0, "order", range(1, len(frame) + 1))
    place = st.column_config.NumberColumn(
        _("序"),
        min_value=1,
        step=1,
        width=48,
        help=_("改成几，这一行就移到第几行；空着的新行排在最后"),
    )
    height = min(38 * (len(frame) + 2), 560)
    rows = kept_table(form, name, frame, key, {**columns, "order": place}, height=height)
    return in_order([ListRow(origin, cells) for origin, cells in rows])
