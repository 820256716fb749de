"""Asking several models or styles the same question at once."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from pages.chat.answer import AnswerRequest
from pages.shared.cell_words import style_words
from pages.shared.chat_choice import ChatEndpoint, usual_wording
from pages.shared.kept import kept
from pages.shared.usable import some_of, switch
from tianji_core.comparison.board import Ask, request_text
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.serving import ChatSampling
from tianji_core.serving.transcript import ChatTurn

MOST_AT_ONCE = 6
"""Answers to one question on the page; the compare page takes more."""


@dataclass(frozen=True)
class AskedAtOnce:
    """The models and the styles that are asked; one of each where the switch is off."""

    endpoints: tuple[ChatEndpoint, ...]
    styles: tuple[str, ...]

    @property
    def several(self) -> bool:
        """Whether one question gets several answers beside each other."""
        return len(self.endpoints) * len(self.styles) > 1


def pick_at_once(
    recipe: Recipe,
    known: Sequence[ChatEndpoint],
    endpoint: ChatEndpoint | None,
    style: str,
    names: Mapping[str, str],
) -> AskedAtOnce:
    """Draws the switch, and the further models and styles where it is on; ``names`` are the models' names for
    people."""
    alone = AskedAtOnce((endpoint,) if endpoint is not None else (), (style,))
    if (
        not st.toggle(_("同时问几个模型或{kinds}", kinds=style_words()), **kept("chat", "at_once", switch))
        or endpoint is None
    ):
        return alone
    others = {f"{each.model} @ {each.url}": each for each in known if each != endpoint}
    row = st.columns(2)
    models = row[0].multiselect(
        _("还问谁"),
        list(others),
        format_func=lambda key: names.get(others[key].model, others[key].model),
        **kept("chat", "also_models", some_of(others), []),
        disabled=not others,
        placeholder=_("可以再选几个模型") if others else _("只有一个模型在运行"),
    )
    further = [each.text for each in recipe.styles if each.enabled and each.text != style]
    styles = row[1].multiselect(
        _("还要哪些{kinds}", kinds=style_words()),
        further,
        **kept("chat", "also_styles", some_of(further), []),
        placeholder=_("可以再选几种{kinds}", kinds=style_words()),
    )
    asked = AskedAtOnce((endpoint, *(others[key] for key in models)), (style, *styles))
    if len(asked.endpoints) * len(asked.styles) > MOST_AT_ONCE:
        st.warning(_("一次最多 {n} 个回答；更多的请到对比页", n=MOST_AT_ONCE), icon="⚖️")
        return alone
    return asked


def turns_at_once(
    recipe: Recipe, turn: ChatTurn, asked: AskedAtOnce, sampling: ChatSampling, count: int
) -> tuple[list[ChatTurn], list[AnswerRequest]]:
    """Returns a turn for each model and style, with its request to the model. In another style a question in
    the usual words is asked in the usual words of that style, any other with the style's suffix."""
    usual = usual_wording(recipe, turn.name, turn.scene, turn.style)
    together = secrets.token_hex(6) if asked.several else ""
    turns, requests = [], []
    for endpoint in asked.endpoints:
        for style in asked.styles if turn.style or asked.several else ("",):
            if style == turn.style or not style:
                request = turn.request
            elif turn.request == usual:
                request = usual_wording(recipe, turn.name, turn.scene, style)
            else:
                request = request_text(recipe, Ask(text=turn.request), style)
            changes = {"model": endpoint.model, "style": style, "request": request, "together": together}
            turns.append(
                ChatTurn.model_validate({**turn.model_dump(exclude={"key"}), **changes, "sampling": sampling})
            )
            requests.append(AnswerRequest(endpoint, sampling, 1 if asked.several else count))
    return turns, requests
