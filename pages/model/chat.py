"""对话: ask a served model, as a person would, and keep what is good."""

import contextlib
import time
from collections.abc import Iterator

import streamlit as st

from pages.components.chat import (
    Endpoint,
    endpoints,
    figures,
    pick_cell,
    preferred,
    sampling_form,
    server_panel,
)
from pages.components.frame import current_recipe, page_header, remember_notice, report_errors
from pages.components.text import plain
from tianji_core.errors import StudioError
from tianji_core.i18n import _
from tianji_core.recipe import training_input
from tianji_core.serving import ChatSampling, chat_stream
from tianji_core.serving.transcript import (
    Transcript,
    Turn,
    load_transcript,
    messages,
    save_transcript,
)
from tianji_core.store import samples

workspace = page_header(_("对话"), _("用训练时的说法问模型。每次测试都从空白开始；好的回答可以收进样本。"))
recipe = current_recipe().recipe
transcript = load_transcript(workspace)
settings, talk = st.columns([2, 3], gap="large")


def pieces(turn: Turn, endpoint: Endpoint, history: list[Turn], sampling: ChatSampling) -> Iterator[str]:
    """Ask, and fill the turn while its answer comes in."""
    key = workspace.key(endpoint.key_variable) if endpoint.key_variable else None
    asked = messages(turn.system, history, turn.request)
    with contextlib.closing(chat_stream(endpoint.url, endpoint.model, asked, sampling, key)) as stream:
        started = time.monotonic()
        for chunk in stream:
            if chunk.text and turn.first is None:
                turn.first = time.monotonic() - started
            turn.answer += chunk.text
            turn.tokens = chunk.completion_tokens or turn.tokens
            turn.seconds = time.monotonic() - started
            if chunk.text:
                yield plain(chunk.text)
    turn.stopped = False


def answer(turn: Turn, endpoint: Endpoint, sampling: ChatSampling) -> None:
    """Show the answer as it comes; a click on anything ends it, and what was said so far is kept."""
    history = transcript.history() if turn.continues else []
    turn.stopped = True
    transcript.turns.append(turn)
    with st.chat_message("user"):
        st.markdown(plain(turn.request))
    with st.chat_message("assistant"):
        stop = st.empty()
        stop.button(_("停止"), key="chat_stop", icon="⏹️")
        try:
            with contextlib.closing(pieces(turn, endpoint, history, sampling)) as stream:
                st.write_stream(stream)
        except StudioError as error:
            turn.error, turn.stopped = str(error), False
        finally:
            save_transcript(workspace, transcript)
    st.rerun()


def keep(at: int) -> None:
    """Put an answer among the samples to review."""
    turn = transcript.turns[at]
    history = transcript.history(before=at) if turn.continues else []
    sample = samples.NewSample(
        recipe=recipe.key,
        system=turn.system,
        input=turn.request,
        output=turn.answer,
        name=turn.name,
        scene=turn.scene,
        style=turn.style,
        history=tuple((each.request, each.answer) for each in history),
        model=turn.model,
    )
    turn.sample_id = samples.add(workspace.engine, sample)
    save_transcript(workspace, transcript)
    known = turn.sample_id is None
    remember_notice(_("样本里已经有一模一样的了") if known else _("已收为样本，去审核页就能看到"))
    st.rerun()


def show(at: int, turn: Turn) -> None:
    """One question with its answer and what can be done with it."""
    if not turn.continues and at:
        st.divider()
    with st.chat_message("user"):
        st.markdown(plain(turn.request))
    with st.chat_message("assistant"):
        if turn.error:
            st.error(plain(turn.error), icon="⚠️")
            return
        st.markdown(plain(turn.answer) or _("（没有说话）"))
        line = st.columns([4, 2], vertical_alignment="center")
        line[0].caption(plain(figures(turn)))
        label = _("已收下") if turn.sample_id else _("收为样本")
        if turn.answer and line[1].button(
            label, key=f"keep_{at}", icon="📥", disabled=bool(turn.sample_id), width="stretch"
        ):
            with report_errors():
                keep(at)


with settings:
    known = endpoints(workspace)
    with st.expander(_("模型服务"), expanded=not known, icon="🔌"):
        server_panel(workspace)
    titles = {f"{each.model} @ {each.url}": each for each in known}
    chosen = st.selectbox(
        _("和谁对话"),
        list(titles),
        index=preferred(known),
        format_func=lambda key: (
            _("{name}（{note}）", name=titles[key].model, note=titles[key].note)
            if titles[key].note
            else titles[key].model
        ),
        key="endpoint" if titles else "endpoint_none",  # or an empty choice would stay chosen
        placeholder=_("先启动一个模型服务"),
    )
    endpoint = titles.get(chosen or "")
    name, scene, style = pick_cell(recipe)
    entries = recipe.name(name), recipe.scene(scene), recipe.style(style)
    words = training_input(recipe.input_templates[0], *entries) if all(entries) else ""
    request = st.text_area(_("要问的话"), words, key=f"request_{name}_{scene}_{style}", height=80)
    send = st.button(
        _("发送"), key="chat_send", type="primary", icon="💌", disabled=endpoint is None, width="stretch"
    )
    sampling = sampling_form("chat")
    several = st.toggle(
        _("接着上文说（多轮）"), key="multi_turn", help=_("关着时，每句话都从空白的历史开始。")
    )
    with st.expander(_("系统提示")):
        system = st.text_area(_("系统提示"), recipe.prompts.system, key="chat_system", height=120)

with talk:
    top = st.columns([2, 1.5, 1.2], vertical_alignment="center")
    top[0].markdown(_("**对话记录** · {n} 轮", n=len(transcript.turns)))
    last = transcript.turns[-1] if transcript.turns else None
    again = top[1].button(
        _("重新生成"), key="chat_again", icon="🔁", disabled=last is None or endpoint is None, width="stretch"
    )
    if top[2].button(_("清空"), key="chat_clear", icon="🧹", disabled=last is None, width="stretch"):
        save_transcript(workspace, Transcript())
        st.rerun()
    paper = st.container(height=500, border=True)
    typed = st.chat_input(_("自己写一句问它"), key="chat_free", submit_mode="stop", disabled=endpoint is None)
    with paper:
        if again:
            transcript.turns.pop()
        if not transcript.turns and not (send or typed or again):
            st.info(_("选好送给谁、什么场合、什么风格，点“发送”；或者在下面自己写一句。"), icon="💬")
        for at, turn in enumerate(transcript.turns):
            show(at, turn)
        if endpoint is not None:
            about = {
                "model": endpoint.model,
                "system": system,
                "continues": several and bool(transcript.turns),
            }
            if again and last is not None:
                fresh = ChatSampling(sampling.temperature, sampling.top_p, sampling.max_tokens)
                picked = {field: getattr(last, field) for field in ("request", "name", "scene", "style")}
                answer(Turn(**picked, **{**about, "continues": last.continues}), endpoint, fresh)
            elif send and request.strip():
                answer(
                    Turn(request=request.strip(), name=name, scene=scene, style=style, **about),
                    endpoint,
                    sampling,
                )
            elif typed:
                answer(Turn(request=typed, **about), endpoint, sampling)
st.page_link("pages/model/compare.py", label=_("下一步：把几个模型和风格放在一起比"), icon="⚖️")
