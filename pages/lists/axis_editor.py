"""The editor of the axes: the axes, the options of the chosen one, and the fields of one option."""

from collections.abc import Callable
from typing import Any

import streamlit as st

from pages.shared.cell_words import style_word, style_words
from pages.shared.frame import report_errors
from pages.shared.kept import forget, kept, kept_limit, save_bar
from pages.shared.text import plain
from pages.shared.usable import any_text, some_of, within
from tianji_core.i18n import _
from tianji_core.recipe import Axis, AxisOption, Recipe
from tianji_core.recipe.axis_editing import (
    add_axis,
    add_option,
    edit_axis,
    edit_in_style,
    edit_option,
    remove_axis,
    remove_option,
)

Save = Callable[[Recipe, str, Callable[[], None] | None], None]


def axis_editor(recipe: Recipe, revision: int, save: Save) -> None:
    """Draws the axes, the options of the chosen axis and the fields of the chosen option."""
    st.caption(
        _("三张表之外的条件，例如长度。启用之后，造数会给每条样本带上其中一个选项，训练输入里也会这样要求。")
    )
    master, detail = st.columns([2, 10], gap="medium")
    with master:
        axis = _chosen_axis(recipe)
    with detail:
        if axis is None:
            st.info(_("这个配方还没有条件。"), icon="🎚️")
            with st.popover(_("加一个条件"), icon="➕"):
                _new_axis(recipe, save)
            return
        option = _option_bar(recipe, axis, revision, save)
        _option_form(recipe, axis, option, revision, save)


def _chosen_axis(recipe: Recipe) -> Axis | None:
    titles = {axis.id: axis for axis in recipe.axes}
    if not titles:
        return None
    chosen = st.radio(
        _("条件"),
        list(titles),
        format_func=lambda key: _axis_title(titles.get(key)),
        key="axis_detail",
    )
    return titles.get(chosen or "")


def _axis_title(axis: Axis | None) -> str:
    if axis is None:
        return ""
    return plain(axis.title) if axis.enabled else _("{name}（停用）", name=plain(axis.title))


def _new_axis(recipe: Recipe, save: Save) -> None:
    keys = ("new_axis_title", "new_axis_options")
    title = st.text_input(_("条件叫什么"), max_chars=40, **kept("axes", keys[0], any_text, ""))
    options = st.text_input(
        _("选项（用逗号分开）"),
        placeholder=_("例如：短，中，长"),
        **kept("axes", keys[1], any_text, ""),
    )
    if st.button(_("加上"), key="add_axis", type="primary"):
        with report_errors():
            titles = options.replace("，", ",").replace("、", ",").split(",")
            new = add_axis(recipe, title, titles)
            save(new, _("新条件“{axis}”", axis=title), lambda: forget("axes", {k: k for k in keys}))


def _option_bar(recipe: Recipe, axis: Axis, revision: int, save: Save) -> AxisOption:
    """Draws the switch of the axis, its options and what adds and removes options and axes; returns the
    chosen option."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small", key="axis_row")
    on = row.toggle(_("启用"), axis.enabled, key=f"axis_on_{axis.id}_{revision}")
    if on != axis.enabled:
        with report_errors():
            done = _("启用条件“{axis}”", axis=axis.title) if on else _("停用条件“{axis}”", axis=axis.title)
            save(edit_axis(recipe, axis.id, enabled=on), done, None)
    titles = {option.id: option.title for option in axis.options}
    chosen = row.segmented_control(
        _("选项"),
        list(titles),
        default=axis.options[0].id,
        required=True,
        format_func=lambda key: plain(titles.get(key or "", "")),
        key=f"axis_option_{axis.id}",
        label_visibility="collapsed",
    )
    option = axis.option(chosen or "") or axis.options[0]
    with row.popover(_("加减"), icon="➕"):
        of_axis, of_all = st.tabs([_("“{axis}”的选项", axis=plain(axis.title)), _("加一个条件")])
        with of_all:
            _new_axis(recipe, save)
        with of_axis:
            _change_options(recipe, axis, option, save)
    return option


def _change_options(recipe: Recipe, axis: Axis, option: AxisOption, save: Save) -> None:
    """Draws what adds an option to the axis, and what removes the chosen one or the axis."""
    key = f"new_option_{axis.id}"
    title = st.text_input(_("新选项叫什么"), max_chars=40, **kept("axes", key, any_text, ""))
    if st.button(_("加上"), key="add_option", type="primary"):
        with report_errors():
            new = add_option(recipe, axis.id, title)
            save(new, _("新选项“{option}”", option=title), lambda: forget("axes", {key: key}))
    st.divider()
    st.caption(_("已有的样本保留它们的选项；删除可以撤销。"))
    if st.button(_("删除选项“{option}”", option=plain(option.title)), key="remove_option", icon="🗑️"):
        with report_errors():
            after = remove_option(recipe, axis.id, option.id)
            save(after, _("删除选项“{option}”", option=option.title), None)
    if st.button(_("删除条件“{axis}”", axis=plain(axis.title)), key="remove_axis", icon="🗑️"):
        with report_errors():
            save(remove_axis(recipe, axis.id), _("删除条件“{axis}”", axis=axis.title), None)


def _option_form(recipe: Recipe, axis: Axis, option: AxisOption, revision: int, save: Save) -> None:
    """Draws the fields of the option, those of every style beside those of one, and the button that saves
    both."""
    form = f"axis-{recipe.key}"
    names: dict[str, str] = {}

    def key_of(name: str) -> str:
        names[name] = f"{name}_{revision}"
        return names[name]

    suffix = f"{axis.id}_{option.id}"
    common = _common_fields(option, form, suffix, key_of)
    with st.expander(_("名称、字数、示例、权重，和不写它的地方"), icon="📏", key=f"axis_limits_{suffix}"):
        left, right = st.columns(2, gap="medium")
        with left:
            common["title"] = st.text_input(
                _("名称"),
                option.title,
                max_chars=40,
                **kept(form, key_of(f"title_{suffix}"), any_text, option.title, f"title_{suffix}"),
            )
            style, limits = _style_fields(recipe, option, form, suffix, key_of)
        with right:
            common |= _where(recipe, option, form, suffix, key_of)
    own = option if style is None else option.in_style(style)
    blank = {"min_chars": None, "max_chars": None, "examples": ()}
    saved = {name: getattr(own, name) if own else value for name, value in blank.items()}
    unsaved = any(common[name] != getattr(option, name) for name in common) or limits != saved
    if save_bar("save_option", form, unsaved, lambda: forget(form, names)):
        with report_errors():
            after = edit_option(recipe, axis.id, option.id, **common)
            if style is None:
                after = edit_option(after, axis.id, option.id, **limits)
            elif limits != saved:
                after = edit_in_style(after, axis.id, option.id, style, **limits)
            save(after, _axis_and_option(axis, option), lambda: forget(form, names))


def _common_fields(
    option: AxisOption, form: str, suffix: str, key_of: Callable[[str], str]
) -> dict[str, Any]:
    """Draws what is asked for in every style and returns it; ``key_of`` gives the key of a widget by the name
    under which its draft is stored."""
    fields: dict[str, Any] = {}

    def arguments(name: str, saved: str) -> dict[str, Any]:
        return kept(form, key_of(f"{name}_{suffix}"), any_text, saved, f"{name}_{suffix}")

    left, right = st.columns(2, gap="medium")
    fields["instruction"] = left.text_area(
        _("给造数模型的要求"), option.instruction, height=140, **arguments("told", option.instruction)
    )
    words = "\n".join(option.words)
    said = right.text_area(
        _("训练输入里怎么说（每行一种）"),
        words,
        height=140,
        help=_("例如“短一点”。每条训练输入随机用其中一种；空着表示不说。"),
        **arguments("words", words),
    )
    fields["words"] = tuple(line.strip() for line in said.splitlines() if line.strip())
    return fields


def _where(
    recipe: Recipe, option: AxisOption, form: str, suffix: str, key_of: Callable[[str], str]
) -> dict[str, Any]:
    """Draws how often and where the option is written and returns it; as :func:`_common_fields`."""
    fields: dict[str, Any] = {}

    def arguments(name: str, usable: Callable[[Any], Any], saved: Any) -> dict[str, Any]:
        return kept(form, key_of(f"{name}_{suffix}"), usable, saved, f"{name}_{suffix}")

    fields["weight"] = st.number_input(
        _("权重"), 0.01, 1000.0, option.weight, **arguments("weight", within(0.01, 1000.0), option.weight)
    )
    st.caption(_("不写在："))
    relations, called = recipe.relation_titles(), recipe.words.shown()
    for name, title, known in (
        ("not_styles", called.style, [style.text for style in recipe.styles]),
        ("not_relations", _("关系"), list(recipe.relation_titles())),
        ("not_scenes", called.scene, [scene.text for scene in recipe.scenes]),
    ):
        saved = [str(entry) for entry in getattr(option, name)]
        fields[name] = tuple(
            st.multiselect(
                title,
                known,
                saved,
                format_func=lambda entry: plain(relations.get(str(entry), str(entry))),
                placeholder=_("没有例外"),
                **arguments(name, some_of(known), saved),
            )
        )
    return fields


def _style_fields(
    recipe: Recipe, option: AxisOption, form: str, suffix: str, key_of: Callable[[str], str]
) -> tuple[str | None, dict[str, Any]]:
    """Draws limits and examples, those of all styles or of one; returns the style, None for all, and the
    fields."""
    every = _("所有{kinds}", kinds=style_words())
    style = st.selectbox(_("用在"), [every, *(style.text for style in recipe.styles)], key="axis_style")
    one = style if style != every else None
    own = option.in_style(one) if one else option
    low, high, examples = (own.min_chars, own.max_chars, own.examples) if own else (None, None, ())
    low_name, high_name, examples_name = (f"{part}_{suffix}_{style}" for part in ("low", "high", "examples"))
    columns = st.container(key="axis_numbers").columns(2)
    least = columns[0].number_input(
        _("最少字数"),
        1,
        4000,
        placeholder=_("照{kind}", kind=style_word()),
        **kept_limit(form, key_of(low_name), 4000, low, low_name),
    )
    most = columns[1].number_input(
        _("最多字数"),
        1,
        4000,
        placeholder=_("照{kind}", kind=style_word()),
        **kept_limit(form, key_of(high_name), 4000, high, high_name),
    )
    text = "\n".join(examples)
    typed = st.text_area(
        _("示例（每行一条）"),
        text,
        height=150,
        help=_("空着就用{kind}自己的示例里长度合适的。", kind=style_word()),
        **kept(form, key_of(examples_name), any_text, text, examples_name),
    )
    fields = {
        "min_chars": least,
        "max_chars": most,
        "examples": tuple(line.strip() for line in typed.splitlines() if line.strip())
        if typed != text
        else examples,
    }
    return one, fields


def _axis_and_option(axis: Axis, option: AxisOption) -> str:
    return _("条件“{axis}”的选项“{option}”", axis=axis.title, option=option.title)
