"""The model servers of the studio on a page: which run with how much memory, starting and stopping them."""

from collections.abc import Callable, Mapping, Sequence

import streamlit as st

from pages.shared.adapter_menu import adapter_menu
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import stop_button
from pages.shared.kept import kept_number
from pages.shared.other_services import foreign_service, other_program
from pages.shared.text import plain
from tianji_core import jobs, models, serving
from tianji_core.i18n import _
from tianji_core.serving import ServerOptions
from tianji_core.serving.launch import DTYPES
from tianji_core.serving.programs import program_title
from tianji_core.serving.running import RunningServer
from tianji_core.serving.starting import STUDIO, installed_programs
from tianji_core.workspace import Workspace


def server_panel(workspace: Workspace, further: Mapping[str, Callable[[], None]] | None = None) -> None:
    """Draws the running servers and the ways to another model, each in a tab: the studio's own server first;
    ``further`` are more of them, by their title."""
    st.session_state["_servers_whole"] = True
    running_servers(workspace)
    known = models.loadable(workspace)
    ways: dict[str, Callable[[], None]] = {
        _("工坊加载"): lambda: _load_here(workspace, known, further is not None)
    }
    if known:
        ways[_("vLLM / LMDeploy")] = lambda: other_program(workspace, models.ready_first(known))
    ways[_("别的服务")] = lambda: foreign_service(workspace)
    ways.update(further or {})
    for tab, way in zip(st.tabs(list(ways)), ways.values(), strict=True):
        with tab:
            way()


def _load_here(workspace: Workspace, known: Sequence[models.Artefact], several: bool) -> None:
    """Draws the choice of models that a server of the studio loads, its options folded, and its start."""
    if not known:
        st.info(_("还没有模型。先下载一个基座，或者训练出一个适配器。"))
        st.page_link("pages/models/page.py", label=_("去模型页"), icon="🧩")
        return
    chosen = _models_to_load(workspace, known, several)
    row = st.container(horizontal=True)
    pressed = row.button(_("启动模型服务"), key="start_server", icon="🚀", disabled=not chosen)
    with row.popover(_("加载选项"), key="server_options"):
        program = _who_answers()
        port, options = start_options(program)
    if pressed:
        with report_errors():
            serving.start_default(workspace, chosen, port, options, program=program)
            remember_notice(_("正在启动模型服务，加载好就可以用"))
            st.rerun()


def _models_to_load(workspace: Workspace, known: Sequence[models.Artefact], several: bool) -> list[str]:
    """Draws the choice of the models that a new server loads; returns their names. Where ``several`` are
    compared it begins with an adapter, which brings its base, else with the model that answers surest."""
    names = models.titles(workspace)
    titles = {
        model.name: _("{name}（{note}）", name=model.name, note=models.kind_title(model.kind))
        if names.get(model.name, model.name) == model.name
        else names[model.name]
        for model in known
    }
    linked = [name for name in st.query_params.get_all("model") if name in titles]
    adapters = [model.name for model in known if model.kind == "adapter"]
    return st.multiselect(
        _("要加载的模型"),
        list(titles),
        default=linked or (adapters if several else [])[:1] or models.ready_first(known)[:1],
        format_func=titles.__getitem__,
        key="server_models",
        placeholder=_("选至少一个模型"),
        help=_("适配器会连同它的基座一起加载，这样训练前后可以对着看。"),
    )


def _who_answers() -> str:
    """Draws the choice of the program that answers, where the studio has installed another than its own
    server; returns its name, '' for the default."""
    installed = installed_programs()
    if not installed:
        return ""
    titles = {"": _("自动（{program}）", program=program_title(installed[0]))}
    titles |= {name: program_title(name) for name in (STUDIO, *installed)}
    return str(
        st.segmented_control(
            _("谁来回答"),
            list(titles),
            default="",
            required=True,
            format_func=titles.__getitem__,
            key="server_program",
            help=_("自动：一个完整模型，或基座带适配器，由装好的程序回答；别的由工坊自己的服务回答。"),
        )
    )


def start_options(program: str = "") -> tuple[int | None, ServerOptions]:
    """Draws the options of a server to start; returns its port (None: any free one) and how it computes,
    which is asked only where the studio's own server may answer."""
    options = _computing() if program in ("", STUDIO) else ServerOptions()
    port = st.number_input(
        _("端口（留空则找一个空的）"),
        1,
        65535,
        None,
        placeholder=_("自动"),
        **kept_number("server_port", 1, 65535, None),
    )
    return port, options


def _computing() -> ServerOptions:
    names = {"": _("不量化"), "4bit": _("4 位"), "8bit": _("8 位")}
    quantization = st.segmented_control(
        _("量化（省内存，稍慢）"),
        list(names),
        default="",
        required=True,
        format_func=names.__getitem__,
        key="server_quantization",
    )
    dtype = st.selectbox(
        _("数值格式"),
        DTYPES,
        format_func=lambda dtype: _("自动") if dtype == "auto" else dtype,
        key="server_dtype",
    )
    return ServerOptions(dtype=dtype, quantization=str(quantization))


def loading_text(workspace: Workspace, server: RunningServer) -> str:
    """Returns what a server that is not ready does, and for how long it has run, as Markdown."""
    progress = jobs.read_progress(workspace, server.job.id)
    message = progress.message if progress is not None and progress.message else _("正在启动")
    return f"{plain(message)} · {jobs.duration_text(server.job.seconds)}"


@st.fragment(run_every=1.0)
@report_errors()
def running_servers(workspace: Workspace) -> None:
    """Draws a line for each server; draws the page again when one becomes ready or ends."""
    servers = serving.servers(workspace)
    state = tuple((server.job.id, server.ready, server.models) for server in servers)
    earlier = st.session_state.setdefault("_servers", state)
    # While the whole page is drawn nothing is drawn anew: that would lose the press of a button further down.
    whole = st.session_state.pop("_servers_whole", False)
    if earlier != state and not whole:
        st.session_state["_servers"] = state
        st.rerun()
    for server in servers:
        line = st.columns([2, 1], vertical_alignment="center")
        names = _("、").join(server.models)
        if server.ready:
            line[0].markdown(f"🟢 **{plain(names)}**  \n`{server.url}`")
            if server.subject.program:
                line[0].caption(_("由 {program} 回答", program=program_title(server.subject.program)))
            if server.memory is not None:
                line[0].caption(_("占用内存 {size}", size=models.size_text(server.memory)))
        else:
            line[0].markdown(f"🟡 **{plain(names)}**  \n{loading_text(workspace, server)}")
        with line[1]:
            stop_button(workspace, server.job, key=f"stop_server_{server.job.id}")
        if server.ready and not server.subject.program:
            adapter_menu(workspace, server)
    newest = jobs.listed(workspace, kind="serve", limit=1)
    if newest and newest[0].state in ("failed", "lost"):
        reason = plain(newest[0].note) or _("没有说明，看日志")
        st.error(_("上次的模型服务失败了：{reason}", reason=reason), icon="⚠️")
        st.page_link("pages/jobs/page.py", label=_("看任务 {id} 的日志", id=newest[0].id), icon="📜")
