"""Model servers on a page: what runs and how much memory it takes, starting and stopping, adapters that come and go."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors, stop_button
from pages.shared.text import plain
from tianji_core import jobs, models, serving
from tianji_core.errors import ServerError
from tianji_core.i18n import _
from tianji_core.serving import ModelRef, RunningServer, ServerOptions, external
from tianji_core.serving.client import model_names
from tianji_core.serving.launch import DTYPES
from tianji_core.serving.services import key_variable_of, remember_key_variable
from tianji_core.workspace import Workspace


def server_panel(workspace: Workspace) -> None:
    """The servers, and what starts another one."""
    running_servers(workspace)
    known = models.artefacts(workspace)
    if not known:
        st.info(_("还没有模型。先下载一个基座，或者训练出一个适配器。"))
        st.page_link("pages/models/page.py", label=_("去模型页"), icon="🧩")
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
        port, options = start_options()
        first = "secondary" if jobs.listed(workspace, kind="serve", active=True) else "primary"
        if st.button(_("启动模型服务"), key="start_server", icon="🚀", type=first, disabled=not chosen):
            with report_errors():
                serving.start_for(workspace, chosen, port, options)
                remember_notice(_("正在启动模型服务，加载好就可以用"))
                st.rerun()
    with st.popover(_("接别的兼容服务"), width="stretch"):
        foreign_service(workspace)
    with st.popover(_("用 vLLM / LMDeploy"), width="stretch", disabled=not known):
        other_program(workspace, [each.name for each in known])


def start_options() -> tuple[int | None, ServerOptions]:
    """(port or None for any, how the server computes)."""
    with st.popover(_("怎样加载"), width="stretch"):
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
            format_func=lambda each: _("自动") if each == "auto" else each,
            key="server_dtype",
        )
        port = st.number_input(
            _("端口（留空则找一个空的）"), 1, 65535, None, key="server_port", placeholder=_("自动")
        )
    return port, ServerOptions(dtype=dtype, quantization=str(quantization))


@st.fragment(run_every=1.0)
@report_errors()
def running_servers(workspace: Workspace) -> None:
    """One line per server; the page is drawn anew when one becomes ready or ends."""
    found = serving.servers(workspace)
    state = tuple((server.job.id, server.ready, server.models) for server in found)
    if st.session_state.setdefault("_servers", state) != state:
        st.session_state["_servers"] = state
        st.rerun()
    for server in found:
        line = st.columns([2, 1], vertical_alignment="center")
        names = _("、").join(server.models)
        if server.ready:
            line[0].markdown(f"🟢 **{plain(names)}**  \n`{server.url}`")
            if server.memory is not None:
                line[0].caption(_("占用内存 {size}", size=models.size_text(server.memory)))
        else:
            progress = jobs.read_progress(workspace, server.job.id)
            message = progress.message if progress is not None and progress.message else _("正在启动")
            seconds = jobs.duration_text(server.job.seconds)
            line[0].markdown(f"🟡 **{plain(names)}**  \n{message} · {seconds}")
        with line[1]:
            stop_button(workspace, server.job, key=f"stop_server_{server.job.id}")
        if server.ready and not server.job.subject.get("program"):
            adapter_menu(workspace, server)
    newest = jobs.listed(workspace, kind="serve", limit=1)
    if newest and newest[0].state in ("failed", "lost"):
        reason = plain(newest[0].note) or _("没有说明，看日志")
        st.error(_("上次的模型服务失败了：{reason}", reason=reason), icon="⚠️")
        st.page_link("pages/jobs/page.py", label=_("看任务 {id} 的日志", id=newest[0].id), icon="📜")


def foreign_service(workspace: Workspace) -> None:
    """The address of any OpenAI-compatible service, kept in the page's own address."""
    with st.form("foreign_service", border=False):
        url = st.text_input(
            _("服务地址"),
            st.query_params.get("service", ""),
            key="service_url",
            placeholder="http://127.0.0.1:11434/v1",
        )
        st.caption(_("Ollama 一般在 11434 端口，vLLM 在 8000，LMDeploy 在 23333；地址都以 /v1 结尾。"))
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
                offered = [] if name.strip() else model_names(url, key)
                chosen = name.strip() or next(iter(offered), "")
                if not chosen:
                    raise ServerError(_("{url} 没有列出任何模型，请写明模型名", url=url.strip()))
                if len(offered) > 1:
                    others = _("、").join(offered[1:6])
                    remember_notice(
                        _("用的是 {model}；要换成 {others}，把名字写进“模型名”", model=chosen, others=others)
                    )
                st.query_params.update(service=url.strip(), service_model=chosen)
                st.rerun()


def adapter_menu(workspace: Workspace, server: RunningServer) -> None:
    """Adapters of this server's bases: load one, or unload one, while it answers."""
    known = {each.name: each for each in models.artefacts(workspace)}
    bases = {known[name].path for name in server.models if name in known}
    fitting = [each for each in known.values() if each.kind == "adapter" and each.base in bases]
    loaded = [name for name in server.models if name not in server.job.subject["models"]]
    if not fitting and not loaded:
        return
    with st.popover(_("适配器：装上或卸下"), key=f"adapters_{server.job.id}"):
        for name in loaded:
            if st.button(_("卸下 {name}", name=name), key=f"unload_{server.job.id}_{name}", icon="➖"):
                _change(workspace, server, ModelRef(name, ""), load=False)
        for each in fitting:
            if each.name not in server.models and st.button(
                _("装上 {name}", name=each.name), key=f"load_{server.job.id}_{each.name}", icon="➕"
            ):
                _change(workspace, server, ModelRef(each.name, str(each.path)), load=True)


def _change(workspace: Workspace, server: RunningServer, adapter: ModelRef, load: bool) -> None:
    with report_errors():
        serving.change_adapter(workspace, server, adapter, load)
        done = _("{name} 已装上", name=adapter.name) if load else _("{name} 已卸下", name=adapter.name)
        remember_notice(done)
        st.rerun()


def other_program(workspace: Workspace, names: list[str]) -> None:
    """The command that serves a model with another program; started here where that is installed."""
    titles = {key: each.title for key, each in external.programs().items()}
    program = st.segmented_control(
        _("程序"),
        list(titles),
        default=next(iter(titles)),
        required=True,
        format_func=titles.__getitem__,
        key="program",
    )
    model = st.selectbox(_("模型"), names, key="program_model")
    line = st.columns(2)
    gpus = line[0].number_input(_("几张卡一起算"), 1, 64, 1, key="program_gpus")
    port = line[1].number_input(_("端口"), 1, 65535, external.DEFAULT_PORT, key="program_port")
    with report_errors():
        made = external.command(workspace, str(program), [str(model)], port=int(port), gpus=int(gpus))
        st.code(made.text, language="bash", wrap_lines=True)
        st.download_button(
            _("存成脚本"),
            f"#!/bin/sh\nexec {made.text}\n",
            f"serve-{program}.sh",
            "text/x-shellscript",
            key="program_script",
            icon="⬇️",
            on_click="ignore",
        )
        if not made.installed:
            st.caption(
                _(
                    "这台机器上没有 {program}（{install}）。把命令复制到装了它的机器上运行，再用“接别的兼容服务”连过去。",
                    program=made.program.title,
                    install=made.program.install,
                )
            )
        elif st.button(_("在这台机器上启动"), key="program_start", icon="🚀"):
            external.start(workspace, made)
            remember_notice(_("正在启动 {program}，加载好就可以用", program=made.program.title))
            st.rerun()
