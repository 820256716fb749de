"""Model servers on a page: what runs, starting one, picking whom to talk to; and how a turn is shown."""

from dataclasses import dataclass

import streamlit as st

from pages.components.frame import remember_notice, report_errors, stop_button
from pages.components.text import plain
from tianji_core import jobs, models, serving
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.serving import ChatSampling
from tianji_core.serving.client import model_names
from tianji_core.serving.services import key_variable_of, remember_key_variable
from tianji_core.serving.transcript import Turn
from tianji_core.workspace import Workspace

PRESETS = {"stable": 0.7, "varied": 1.0}


@dataclass(frozen=True)
class Endpoint:
    """A model that can be asked. ``key_variable`` names the environment variable with the key, '' for none."""

    url: str
    model: str
    key_variable: str = ""
    note: str = ""


def endpoints(workspace: Workspace) -> list[Endpoint]:
    """Every model of every server that is ready, and the foreign service of the address bar, if any. Its key is never
    taken from the address bar."""
    found = [Endpoint(s.url, name) for s in serving.servers(workspace) if s.ready for name in s.models]
    url, model = st.query_params.get("service", ""), st.query_params.get("service_model", "")
    if url and model:
        found.append(Endpoint(url, model, key_variable_of(workspace, url), _("外部服务")))
    return found


def preferred(known: list[Endpoint]) -> int | None:
    """Whom to talk to first: the model of the address bar, or the last one, because adapters follow their base."""
    wanted = st.query_params.get("model", "")
    named = [at for at, each in enumerate(known) if each.model == wanted]
    return named[-1] if named else len(known) - 1 if known else None


def server_panel(workspace: Workspace) -> None:
    """The servers, and what starts another one."""
    running_servers(workspace)
    known = models.artefacts(workspace)
    if not known:
        st.info(_("还没有模型。先下载一个基座，或者训练出一个适配器。"))
        st.page_link("pages/model/models.py", label=_("去模型页"), icon="🧩")
    else:
        titles = {
            each.name: _("{name}（{note}）", name=each.name, note=models.kind_title(each.kind))
            for each in known
        }
        wanted = [name for name in st.query_params.get_all("model") if name in titles]
        trained = [each.name for each in known if each.kind != "base"]
        chosen = st.multiselect(
            _("要加载的模型"),
            list(titles),
            default=wanted or trained[:1] or [known[0].name],
            format_func=titles.__getitem__,
            key="server_models",
            help=_("适配器会连同它的基座一起加载，这样训练前后可以对着看。"),
        )
        if st.button(_("启动模型服务"), key="start_server", icon="🚀", disabled=not chosen):
            with report_errors():
                serving.start_for(workspace, chosen)
                remember_notice(_("正在启动模型服务，加载好就可以用"))
                st.rerun()
    with st.popover(_("接别的兼容服务"), width="stretch"):
        foreign_service(workspace)


@st.fragment(run_every=1.0)
@report_errors()
def running_servers(workspace: Workspace) -> None:
    """One line per server; the page is drawn anew when one becomes ready or ends."""
    found = serving.servers(workspace)
    state = tuple((server.job.id, server.ready) for server in found)
    if st.session_state.setdefault("_servers", state) != state:
        st.session_state["_servers"] = state
        st.rerun()
    for server in found:
        line = st.columns([2, 1], vertical_alignment="center")
        names = _("、").join(server.models)
        if server.ready:
            line[0].markdown(f"🟢 **{plain(names)}**  \n`{server.url}`")
        else:
            progress = jobs.read_progress(workspace, server.job.id)
            message = progress.message if progress is not None and progress.message else _("正在启动")
            seconds = jobs.duration_text(server.job.seconds)
            line[0].markdown(f"🟡 **{plain(names)}**  \n{message} · {seconds}")
        with line[1]:
            stop_button(workspace, server.job, key=f"stop_server_{server.job.id}")
    newest = jobs.listed(workspace, kind="serve", limit=1)
    if newest and newest[0].state in ("failed", "lost"):
        st.error(_("上次没有启动起来：{reason}", reason=plain(newest[0].note)), icon="⚠️")


def foreign_service(workspace: Workspace) -> None:
    """The address of any OpenAI-compatible service, kept in the page's own address."""
    with st.form("foreign_service", border=False):
        url = st.text_input(
            _("服务地址"), st.query_params.get("service", ""), key="service_url", placeholder="http://…/v1"
        )
        name = st.text_input(
            _("模型名（留空则问它有什么）"), st.query_params.get("service_model", ""), key="service_name"
        )
        variable = st.text_input(
            _("密钥的环境变量名（不要密钥就留空）"),
            key_variable_of(workspace, st.query_params.get("service", "")),
            key="service_variable",
            placeholder="OPENAI_API_KEY",
        )
        if st.form_submit_button(_("使用"), key="service_use") and url.strip():
            with report_errors():
                remember_key_variable(workspace, url, variable.strip())
                key = workspace.key(variable.strip()) if variable.strip() else None
                chosen = name.strip() or next(iter(model_names(url, key)), "")
                st.query_params.update(service=url.strip(), service_model=chosen)
                st.rerun()


def sampling_form(key: str) -> ChatSampling:
    """Temperature by preset or by hand, and the rest folded away."""
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
        key=f"{key}_preset",
    )
    if preset == "own":
        temperature = st.slider(
            _("温度值（0 表示每次都取最可能的字）"), 0.0, 2.0, 0.7, 0.05, key=f"{key}_temperature"
        )
    else:
        temperature = PRESETS[str(preset)]
    with st.expander(_("更多采样参数")):
        top_p = st.slider("top_p", 0.05, 1.0, 0.9, 0.05, key=f"{key}_top_p")
        max_tokens = st.number_input(_("最多 token"), 1, 8192, 512, 32, key=f"{key}_max_tokens")
        seed = st.number_input(
            _("随机种子（留空则每次不同）"), 0, 2**31 - 1, None, key=f"{key}_seed", placeholder=_("随机")
        )
    return ChatSampling(temperature, top_p, int(max_tokens), None if seed is None else int(seed))


def pick_cell(recipe: Recipe) -> tuple[str, str, str]:
    """Name, scene and style, each in the page's address."""
    first = st.columns(2)
    name = first[0].selectbox(
        _("送给谁"), [n.text for n in recipe.names if n.enabled], key="name", bind="query-params"
    )
    scene = first[1].selectbox(
        _("什么场合"), [s.text for s in recipe.scenes if s.enabled], key="scene", bind="query-params"
    )
    style = st.selectbox(
        _("风格"), [s.text for s in recipe.styles if s.enabled], key="style", bind="query-params"
    )
    return str(name), str(scene), str(style)


def figures(turn: Turn) -> str:
    """Length and speed of an answer in one line."""
    parts = [_("{n} 字", n=len(turn.answer)), turn.model]
    if turn.style:
        parts.append(turn.style)
    if turn.first is not None:
        parts.append(_("首字 {seconds} 秒", seconds=f"{turn.first:.2f}"))
    if turn.rate is not None:
        parts.append(_("每秒 {rate} token", rate=f"{turn.rate:.1f}"))
    if turn.stopped:
        parts.append(_("被停下了"))
    return " · ".join(parts)
