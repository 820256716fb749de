"""The own rules of the recipe: the list of them, and the form that tries and adds one."""

import streamlit as st
from pydantic import ValidationError

from pages.review.session import UNSAVED, ReviewSession
from pages.shared.kept import forget, kept
from pages.shared.review_parts import say_done, say_error
from pages.shared.text import plain
from pages.shared.usable import among, any_text, some_of, switch
from pages.shared.visitors import role
from tianji_core import review
from tianji_core.errors import InputError, StudioError
from tianji_core.i18n import _
from tianji_core.recipe import (
    KIND_TITLES,
    OwnRule,
    OwnRuleKind,
    Recipe,
    explain,
    rule_text,
)
from tianji_core.roles import Role

_TRIAL = "_own_rule_trial"
"""Key of the session state: the rule that was tried, and what it found."""


_FIELDS = (
    "rule_kind",
    "rule_text",
    "rule_by",
    "rule_regular",
    "rule_styles",
    "rule_names",
    "rule_scenes",
    "rule_relations",
)
"""Keys of the fields of a new rule, all of which are kept."""


def own_rules(session: ReviewSession) -> None:
    """Draws the own rules of the recipe and, for the owner, the form that adds one."""
    st.caption(_("写一次，以后每次检查都用：不许有、必须有的算问题，替换可以放心修。规则跟着配方走。"))
    owner = role() >= Role.OWNER
    for number, each in enumerate(session.recipe.own_rules):
        left, right = st.columns([6, 1], vertical_alignment="center")
        left.markdown(plain(rule_text(each, session.recipe.relation_titles())))
        if owner:
            right.button(
                _("去掉"), key=f"drop_rule_{number}", type="tertiary", on_click=_remove, args=(session, each)
            )
    if not session.recipe.own_rules:
        st.caption(_("还没有自己的规则"))
    if not owner:
        st.caption(_("规则写在配方里，由工坊的所有者来加。"))
        return
    rule = _form(session)
    left, right = st.columns(2)
    tried = left.button(
        _("看看会查到多少"), key="try_rule", icon="👀", disabled=rule is None, width="stretch"
    )
    right.button(
        _("加进配方"),
        key="add_rule",
        type="primary",
        icon="➕",
        disabled=rule is None,
        width="stretch",
        on_click=_add,
        args=(session, rule),
    )
    if tried and rule is not None:
        st.session_state.pop(_TRIAL, None)
        with st.spinner(_("正在检查")):
            st.session_state[_TRIAL] = (
                rule,
                review.try_own_rule(session.workspace, session.recipe.key, rule),
            )
    known, trial = st.session_state.get(_TRIAL, (None, None))
    if trial is not None and known == rule:
        st.markdown(_("在 {matching} 条样本里查到 **{n}** 条", matching=trial.matching, n=trial.found))
        if trial.example:
            st.caption(plain(trial.example))


def _form(session: ReviewSession) -> OwnRule | None:
    """Draws the fields of a new rule; returns it, None while nothing is written.

    Raises:
        InputError: it cannot work as it is written.
    """
    recipe = session.recipe
    kinds = list(KIND_TITLES)
    columns = st.columns([1.2, 2, 2])
    kind = columns[0].selectbox(
        _("做什么"),
        kinds,
        format_func=lambda key: _(KIND_TITLES[key]),
        **kept(UNSAVED, "rule_kind", among(kinds), kinds[0]),
    )
    text = columns[1].text_input(_("文字"), max_chars=400, **kept(UNSAVED, "rule_text", any_text, ""))
    replaces = kind == OwnRuleKind.REPLACE
    replacement = columns[2].text_input(
        _("换成"),
        max_chars=400,
        placeholder=_("留空就是删掉"),
        disabled=not replaces,
        **kept(UNSAVED, "rule_by", any_text, ""),
    )
    regular = st.toggle(_("正则表达式"), **kept(UNSAVED, "rule_regular", switch, False))
    scope = _scope(recipe)
    if not text:
        return None
    try:
        return OwnRule.model_validate(
            {
                "kind": kind,
                "text": text,
                "replacement": replacement if replaces else "",
                "regular": regular,
                **scope,
            }
        )
    except ValidationError as error:
        raise InputError(explain(error, "")) from error


def _scope(recipe: Recipe) -> dict[str, list[str]]:
    """Draws the fields of what a new rule is for; an empty one restricts nothing."""
    titles, words = recipe.relation_titles(), recipe.words.shown()
    fields: dict[str, tuple[str, list[str]]] = {
        "styles": (words.style, [style.text for style in recipe.styles]),
        "names": (words.name, [name.text for name in recipe.names]),
        "scenes": (words.scene, [scene.text for scene in recipe.scenes]),
        "relations": (_("关系"), [*titles]),
    }
    return {
        key: column.multiselect(
            label,
            options,
            format_func=lambda option: titles.get(option, option),
            placeholder=_("全部"),
            **kept(UNSAVED, f"rule_{key}", some_of(options), []),
        )
        for column, (key, (label, options)) in zip(st.columns(4), fields.items(), strict=True)
    }


def _add(session: ReviewSession, rule: OwnRule) -> None:
    """Callback: keeps a rule with the recipe."""
    try:
        review.add_own_rule(session.workspace, session.recipe.key, rule)
    except StudioError as error:
        say_error(error)
        return
    say_done(_("加好了：{rule}", rule=rule_text(rule, session.recipe.relation_titles())))
    st.session_state.pop(_TRIAL, None)
    forget(UNSAVED, {key: key for key in _FIELDS})


def _remove(session: ReviewSession, rule: OwnRule) -> None:
    """Callback: removes a rule from the recipe."""
    try:
        review.remove_own_rule(session.workspace, session.recipe.key, rule)
    except StudioError as error:
        say_error(error)
        return
    say_done(_("去掉了：{rule}", rule=rule_text(rule, session.recipe.relation_titles())))
