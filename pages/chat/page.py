"""对话: asking a served model as a person would, and keeping good answers as samples."""

from dataclasses import replace

import streamlit as st

from pages.chat.answer import answer, end_answer
from pages.chat.at_once import AskedAtOnce, pick_at_once, turns_at_once
from pages.chat.folding import choices_box, fold_button
from pages.chat.line import own_line
from pages.chat.shelf import shelf
from pages.chat.turn import PageConversation, show
from pages.shared.answer_marks import Checkers
from pages.shared.cell_words import style_words
from pages.shared.chat_choice import (
    endpoints,
    pick_cell,
    pick_options,
    preferred,
    sampling_form,
    usual_wording,
)
from pages.shared.chat_servers import server_panel
from pages.shared.frame import current_recipe
from pages.shared.header import page_header
from pages.shared.kept import kept, kept_text
from pages.shared.linked_model import missing_model, nothing_to_ask
from pages.shared.other_services import linked_service
from pages.shared.text import plain
from pages.shared.training_part import training_part
from pages.shared.usable import any_text, switch, within
from pages.shared.visitors import reviewer_name
from tianji_core import models
from tianji_core.i18n import _
from tianji_core.serving.candidates import MOST
from tianji_core.serving.transcript import ChatTurn, changing, load_transcript

workspace = page_header(
    "chat", _("对话"), _("用训练时的说法问模型。每次测试都从空白开始；好的回答可以收进样本。")
)
training_part(workspace)
stored = current_recipe()
recipe = stored.recipe
end_answer()
transcript = load_transcript(workspace)
names = models.titles(workspace)
settings, talk = st.columns([2, 3], gap="large")

with talk:
    linked_service(workspace)
    known = endpoints(workspace)
    missing = missing_model(workspace, known)

with settings:
    titles = {f"{endpoint.model} @ {endpoint.url}": endpoint for endpoint in known}
    chosen: str | None = None
    if titles:
        chosen = st.selectbox(
            _("和谁对话"),
            list(titles),
            index=None if missing else preferred(known),
            format_func=lambda key: (
                _("{name}（{note}）", name=titles[key].model, note=titles[key].note)
                if titles[key].note
                else names.get(titles[key].model, titles[key].model)
            ),
            # Of its own while there is no choice, or the empty one would stay when there is.
            key="endpoint_none" if missing else "endpoint",
            placeholder=_("另选一个来回答"),
        )
    endpoint = titles.get(chosen or "")
    with choices_box():
        name, scene, style = pick_cell(recipe)
        options = pick_options(recipe)
        words = usual_wording(recipe, name, scene, style, options)
        chosen_as = "_".join((name, scene, style, *(option for _axis, option in options)))
        request = st.text_area(_("要问的话"), words, height=80, **kept_text(f"request_{chosen_as}", words))
    with st.container(horizontal=True, gap="small", wrap=False, key="chat_line_of_choices"):
        fold_button(" · ".join(filter(None, (name, scene, style))))
        send = st.button(
            _("发送"),
            key="chat_send",
            type="secondary" if endpoint is None else "primary",
            icon="💌",
            disabled=endpoint is None,
            width="stretch",
        )
    at_once = pick_at_once(recipe, known, endpoint, style, names)
    with st.expander(_("更多：多轮、候选、温度、系统提示"), icon="🎛️"):
        several = st.toggle(
            _("接着上文说（多轮）"),
            disabled=at_once.several,
            **kept("chat", "multi_turn", switch),
            help=_("关着时，每句话都从空白的历史开始。"),
        )
        candidates = kept("chat", "chat_candidates", within(1, MOST))
        count = int(st.number_input(_("几个候选"), 1, MOST, 1, **candidates))
        sampling = sampling_form(workspace, "chat", at_once.endpoints)
        own = kept("chat", f"chat_system_{recipe.key}", any_text, recipe.prompts.system)
        system = st.text_area(_("系统提示"), recipe.prompts.system, **own, height=120)
    with st.expander(_("模型服务：换模型、停止、接别的服务"), icon="🔌", key="chat_servers"):
        server_panel(workspace)
    if system != recipe.prompts.system:
        st.caption(_("✏️ 系统提示改过，和配方里的不一样"))

with talk:
    top = st.container(horizontal=True, vertical_alignment="center", key="chat_top")
    top.markdown(_("**对话记录** · {n} 轮", n=len(transcript.turns)), width="content")
    if endpoint is None:
        top.caption(_("还没有人回答"), width="content")
    else:
        who = plain(names.get(endpoint.model, endpoint.model))
        top.caption(_("回答的是 {model}", model=who), width="content")
    top.space("stretch")
    last = transcript.turns[-1] if transcript.turns else None
    again = last is not None and top.button(
        _("重新生成"),
        key="chat_again",
        icon="🔁",
        type="tertiary",
        disabled=endpoint is None or bool(last.together),
    )
    with top.popover(_("存档"), key="chat_shelf", type="tertiary"):
        shelf(workspace, transcript)
        if st.button(_("清空"), key="chat_clear", icon="🧹", disabled=last is None):
            with changing(workspace) as now:
                now.turns.clear()
            st.rerun()
    paper = st.container(height=500, border=True, key="paper")
    asked_last = last.request if last else ""
    typed = own_line(reviewer_name(workspace), endpoint is None, asked_last)
    about = {
        "model": endpoint.model if endpoint else "",
        "system": system,
        "continues": several and not at_once.several and bool(transcript.turns),
    }
    asked: ChatTurn | None = st.session_state.pop("_resend", None)
    alone = again or asked is not None  # one question of the talk is asked again
    if asked is not None:
        asked.model = str(about["model"])
    elif again and last is not None:
        transcript.turns.pop()
        with changing(workspace) as now:
            now.turns = [turn for turn in now.turns if turn.key != last.key]
        picked = {field: getattr(last, field) for field in ("request", "name", "scene", "style")}
        asked = ChatTurn(**picked, **{**about, "continues": last.continues})
        sampling = replace(sampling, seed=None)  # another draw
    elif send and not request.strip():
        paper.warning(_("要问的话是空的：先选好，或者自己写一句。"), icon="✍️")
    elif send:
        asked = ChatTurn(request=request.strip(), name=name, scene=scene, style=style, **about)
    elif typed:
        asked = ChatTurn(request=typed, **about)
    with paper:
        if endpoint is None and missing:
            st.info(_("选的模型还没有加载：先加载它，或者另选一个来回答。"), icon="🔌")
        elif endpoint is None:
            st.caption(_("现在没有模型开着；加载好就能选好要问的、点“发送”，或者在下面自己写一句。"))
            nothing_to_ask(workspace, _("，开始对话"))
        elif not transcript.turns and asked is None:
            st.info(_("选好要问的，点“发送”；或者在下面自己写一句。"), icon="💬")
        shown = PageConversation(
            workspace, recipe.key, transcript, endpoint is not None, Checkers(workspace, stored), names
        )
        for places in transcript.groups():
            show(shown, places)
        if endpoint is not None and asked is not None:
            whom = AskedAtOnce((endpoint,), (asked.style,)) if alone else at_once
            turns, requests = turns_at_once(recipe, asked, whom, sampling, count)
            answer(workspace, transcript, turns, requests, names)
st.page_link(
    "pages/compare/page.py", label=_("下一步：把几个模型和{kinds}放在一起比", kinds=style_words()), icon="⚖️"
)
