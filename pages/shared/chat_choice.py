"""The choices that the chat and the compare page share: model, cell and sampling."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.shared.kept import kept, kept_at
from pages.shared.text import plain
from pages.shared.usable import among, within
from tianji_core import serving
from tianji_core.i18n import _
from tianji_core.recipe import Options, Recipe, asking, enabled_axes, training_input
from tianji_core.serving import ChatSampling
from tianji_core.serving.choosing import top_p_of
from tianji_core.serving.services import is_confirmed, key_variable_of
from tianji_core.serving.transcript import ChatTurn
from tianji_core.workspace import Workspace

PRESETS = {"stable": 0.7, "varied": 1.0}


@dataclass(frozen=True)
class ChatEndpoint:
    """A model that can be asked. ``key_variable`` names the environment variable with the key, '' for
    none."""

    url: str
    model: str
    key_variable: str = ""
    note: str = ""


def endpoints(workspace: Workspace) -> list[ChatEndpoint]:
    """Every model of every server that is ready, and that of the service in the page's address where a person
    has confirmed it. Its key is never taken from the address."""
    known = [
        ChatEndpoint(server.url, name, server.key_variable)
        for server in serving.servers(workspace)
        if server.ready
        for name in server.models
    ]
    url, model = st.query_params.get("service", ""), st.query_params.get("service_model", "")
    if url and model and is_confirmed(workspace, url):
        known.append(ChatEndpoint(url, model, key_variable_of(workspace, url), _("外部服务")))
    return known


def preferred(known: list[ChatEndpoint]) -> int | None:
    """The position of the model to choose at first: the one in the page's address, or the last one,
    because adapters come after their base; None where there is none."""
    linked = st.query_params.get("model", "")
    named = [place for place, endpoint in enumerate(known) if endpoint.model == linked]
    return named[-1] if named else len(known) - 1 if known else None


def sampling_form(workspace: Workspace, key: str, asked: Sequence[ChatEndpoint]) -> ChatSampling:
    """Draws the temperature, as a preset or a number, and the other parameters; kept in the form ``key``.
    ``asked`` are the models that the answers come from."""
    titles = {
        "stable": _("稳定 0.7"),
        "varied": _("多样 1.0"),
        "own": _("自定"),
    }
    preset = st.segmented_control(
        _("温度"),
        list(titles),
        default="stable",
        required=True,
        format_func=titles.__getitem__,
        **kept(key, f"{key}_preset", among(titles)),
    )
    if preset == "own":
        temperature = st.slider(
            _("温度值（0 表示每次都取最可能的字）"),
            0.0,
            2.0,
            0.7,
            0.05,
            **kept(key, f"{key}_temperature", within(0.0, 2.0)),
        )
    else:
        temperature = PRESETS[str(preset)]
    top_p = _top_p(workspace, key, asked)
    max_tokens = st.number_input(
        _("最多 token"), 1, 8192, 512, 32, **kept(key, f"{key}_max_tokens", within(1, 8192))
    )
    seed = st.number_input(
        _("随机种子（留空则每次不同）"),
        0,
        2**31 - 1,
        None,
        **kept(key, f"{key}_seed", within(0, 2**31 - 1)),
        placeholder=_("随机"),
    )
    penalty = st.slider(
        _("重复惩罚（1 表示不罚）"),
        1.0,
        2.0,
        1.0,
        0.05,
        **kept(key, f"{key}_repetition", within(1.0, 2.0)),
        help=_("大于 1 时，说过的字更少再说。别的服务不一定认得它，所以是 1 就不发送。"),
    )
    return ChatSampling(
        temperature, top_p, int(max_tokens), None if seed is None else int(seed), repetition_penalty=penalty
    )


def _top_p(workspace: Workspace, key: str, asked: Sequence[ChatEndpoint]) -> float:
    """Draws top_p; where nobody moves it, it is that of the models that are ``asked``."""
    own = min(1.0, max(0.05, top_p_of(workspace, [each.model for each in asked])))
    return st.slider(
        "top_p",
        0.05,
        1.0,
        step=0.05,
        **kept_at(key, f"{key}_top_p", within(0.05, 1.0), own),
        help=_(
            "没动过时，用模型自己的（文件夹里的 `generation_config.json`），没写的是 0.9；几个模型一起问时取最小的。"
        ),
    )


def pick_cell(recipe: Recipe) -> tuple[str, str, str]:
    """The chosen name, scene and style, each in the page's address; '' where the recipe has none that is
    enabled."""
    words = recipe.words.shown()
    first = st.container(key="chat_cell").columns(2 if recipe.receivers else 1)
    name = pick_receiver(recipe, first[0])
    scene = first[-1].selectbox(
        words.what_for, [s.text for s in recipe.scenes if s.enabled], key="scene", bind="query-params"
    )
    style = st.selectbox(
        words.style, [s.text for s in recipe.styles if s.enabled], key="style", bind="query-params"
    )
    return name or "", scene or "", style or ""


def pick_receiver(recipe: Recipe, place: DeltaGenerator) -> str:
    """The chosen name, in the page's address; the only one where nobody is written to."""
    names = [n.text for n in recipe.names if n.enabled]
    if not recipe.receivers:
        return names[0] if names else ""
    return place.selectbox(recipe.words.shown().to_whom, names, key="name", bind="query-params") or ""


def pick_options(recipe: Recipe) -> Options:
    """Draws one choice for each enabled axis and returns the chosen options."""
    axes = enabled_axes(recipe)
    chosen = []
    for column, axis in zip(st.columns(len(axes)) if axes else [], axes, strict=True):
        titles = {option.title: option.id for option in axis.options}
        title = column.selectbox(
            plain(axis.title),
            list(titles),
            index=None,
            placeholder=_("不提条件"),
            key=f"option_{axis.id}",
            bind="query-params",
        )
        if title is not None:
            chosen.append((axis.id, titles[title]))
    return tuple(chosen)


def usual_wording(recipe: Recipe, name: str, scene: str, style: str, options: Options = ()) -> str:
    """The most frequent training input of the cell, style and options; '' where the recipe has one of the
    three no more."""
    entries = recipe.name(name), recipe.scene(scene), recipe.style(style)
    if entries[0] is None or entries[1] is None or entries[2] is None:
        return ""
    asked = asking(recipe, entries[2], options)
    return training_input(recipe.input_templates[0], entries[0], entries[1], asked)


def figures(turn: ChatTurn, titles: Mapping[str, str], named: bool = False) -> str:
    """Length, model (``titles`` hold the names for people), speed and state of an answer in one line; without
    model and style where it is ``named`` above."""
    parts = [_("{n} 字", n=len(turn.answer))] if turn.answer else []
    if not named:
        parts += [titles.get(turn.model, turn.model), *([turn.style] if turn.style else [])]
    if turn.first is not None:
        parts.append(_("首字 {seconds} 秒", seconds=f"{turn.first:.2f}"))
    if turn.rate is not None:
        parts.append(_("每秒 {rate} token", rate=f"{turn.rate:.1f}"))
    if turn.sample_id:
        parts.append(_("样本 {id}", id=turn.sample_id))
    if turn.bad:
        parts.append(_("记为不好：{reason}", reason=turn.bad))
    if turn.stopped:
        parts.append(_("被停下了"))
    return " · ".join(parts)
