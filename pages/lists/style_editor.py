"""The editor of one style, beside the prompt and the training inputs that it produces for a cell."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.lists.dragging import dragged, reordered
from pages.lists.prompt_preview import style_preview
from pages.lists.recipe_tables import examples_table
from pages.shared.bound import bound
from pages.shared.cell_words import suffix_example
from pages.shared.frame import report_errors
from pages.shared.kept import forget, kept, save_bar
from pages.shared.kept_table import forget_table, table_is_edited
from pages.shared.text import plain
from pages.shared.usable import Usable, any_text, within
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Style
from tianji_core.recipe.editing import changed, edit_style

Save = Callable[[Recipe, str, Callable[[], None] | None], None]
_FIELDS = ("instruction", "min_chars", "max_chars", "suffix")
"""The fields of a style, without its examples, which are edited in a table."""


def style_editor(recipe: Recipe, revision: int, save: Save) -> str | None:
    """Draws the styles, the fields of the chosen one and a live preview beside each other; returns the name
    of the chosen one."""
    master, left, right = st.columns([2, 5, 5], gap="medium")
    with master:
        chosen = _chosen_style(recipe, save)
    style = recipe.style(chosen or "")
    if style is None:
        return None
    with left:
        form = f"style-{recipe.key}"
        keys = {f"{name}_{chosen}": f"{name}_{chosen}_{revision}" for name in _FIELDS}
        examples = f"examples_{chosen}_{revision}"

        def forget_edits() -> None:
            forget(form, keys)
            forget_table(form, f"examples_{chosen}", examples)

        fields = _fields(style, f"{chosen}_{revision}", form)
        typed = any(fields[name] != getattr(style, name) for name in _FIELDS)
        pressed = save_bar("save_style", form, typed or table_is_edited(examples), forget_edits)
        moved = None
        if not table_is_edited(examples):  # the cards show what is saved
            moved = dragged("drag_examples", selector=".st-key-example_cards > *")
    with right, report_errors():
        style_preview(edit_style(recipe, style.text, **fields, enabled=True), style.text)
    if moved is not None:
        with report_errors():
            order = reordered(style.examples, *moved)
            title = _("{kind}“{style}”的示例换了顺序", kind=recipe.words.shown().style, style=style.text)
            save(edit_style(recipe, style.text, examples=order), title, None)
    if pressed:
        with report_errors():
            title = _("{kind}“{style}”", kind=recipe.words.shown().style, style=style.text)
            save(edit_style(recipe, style.text, **fields), title, forget_edits)
    return style.text


def _chosen_style(recipe: Recipe, save: Save) -> str | None:
    """Draws the list of the styles, and the buttons that move the chosen one."""
    names = [style.text for style in recipe.styles]
    on = {style.text: style.enabled for style in recipe.styles}

    def called(name: str) -> str:
        return plain(name) if on.get(name) else _("{name}（停用）", name=plain(name))

    chosen = st.radio(
        recipe.words.shown().style,
        names,
        **bound("style_detail", names, called),
    )
    if chosen not in names:
        return None
    place = names.index(chosen)
    moved = dragged("drag_styles", selector=".st-key-style_detail [data-testid=stRadioOption]")
    if moved is not None and (order := reordered(recipe.styles, *moved)) != list(recipe.styles):
        with report_errors():
            title = _("{kind}“{style}”换了位置", kind=recipe.words.shown().style, style=names[moved[0]])
            save(changed(recipe, styles=order), title, None)
    with st.popover(_("换位置"), icon="↕️", key="style_order"):
        for key, icon, said, to in (
            ("style_up", ":material/arrow_upward:", _("前移"), place - 1),
            ("style_down", ":material/arrow_downward:", _("后移"), place + 1),
        ):
            if st.button(said, key=key, icon=icon, disabled=not 0 <= to < len(names)):
                styles = list(recipe.styles)
                styles.insert(to, styles.pop(place))
                with report_errors():
                    title = _("{kind}“{style}”换了位置", kind=recipe.words.shown().style, style=chosen)
                    save(changed(recipe, styles=styles), title, None)
    return str(chosen)


def _fields(style: Style, suffix: str, form: str) -> dict[str, object]:
    """Draws the fields and returns their values; ``suffix`` ends the keys of the widgets."""

    def kept_field(name: str, usable: Usable) -> dict[str, Any]:
        return kept(form, f"{name}_{suffix}", usable, getattr(style, name), f"{name}_{style.text}")

    instruction = st.text_area(
        _("给造数模型的要求"), style.instruction, height=110, **kept_field("instruction", any_text)
    )
    columns = st.container(key="style_numbers").columns([1, 1, 2])
    bounds = within(1, 4000)
    low = columns[0].number_input(_("最少字数"), 1, 4000, style.min_chars, **kept_field("min_chars", bounds))
    high = columns[1].number_input(_("最多字数"), 1, 4000, style.max_chars, **kept_field("max_chars", bounds))
    trigger = columns[2].text_input(
        _("触发后缀"),
        style.suffix,
        help=_("训练输入里用来点名这种写法的话，例如“{example}”；空着表示不点名", example=suffix_example()),
        **kept_field("suffix", any_text),
    )
    st.caption(_("示例（每次随机抽一条；可以拖动换顺序）"))
    cards = st.container(height=230, key="example_cards")
    with st.expander(_("改示例：加、删、换顺序，可以从表格里粘贴很多行"), icon="✏️"):
        examples = examples_table(
            style.examples, _("示例"), f"examples_{suffix}", form, f"examples_{style.text}"
        )
    for number, text in enumerate(examples, start=1):
        if text.strip():
            cards.markdown(f"**{number}** " + plain(text))
    outside = [
        _("第 {n} 条 {length} 字", n=n, length=len(text))
        for n, text in enumerate(examples, start=1)
        if text.strip() and not low <= len(text.strip()) <= high
    ]
    if outside:
        st.warning(_("超出字数限制的示例：{list}", list=_("、").join(outside)), icon="📏")
    return {
        "instruction": instruction,
        "min_chars": int(low),
        "max_chars": int(high),
        "suffix": trigger,
        "examples": examples,
    }
