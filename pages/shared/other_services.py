"""Models that another program serves: connecting to a running service, and starting vLLM or LMDeploy."""

import streamlit as st

from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import follow_job
from pages.shared.kept import forget_typed, kept_number, kept_text
from pages.shared.text import plain
from pages.shared.visitors import role
from tianji_core import models
from tianji_core.errors import ServerError
from tianji_core.i18n import _
from tianji_core.models.launch import start_merge
from tianji_core.roles import Role
from tianji_core.serving import external
from tianji_core.serving.client import model_names
from tianji_core.serving.fitting import sentence, to_merge, unfit, without_heads
from tianji_core.serving.program_environments import (
    install_job,
    missing_size,
    own_program,
    remove_program,
    start_install,
)
from tianji_core.serving.programs import program_named, programs
from tianji_core.serving.services import is_confirmed, key_variable_of, remember_service
from tianji_core.workspace import Workspace


def foreign_service(workspace: Workspace) -> None:
    """Draws the form for any OpenAI-compatible service; its address is kept in the address of the page."""
    linked = st.query_params.get("service", ""), st.query_params.get("service_model", "")
    variable_known = key_variable_of(workspace, linked[0])
    with st.container():
        url = st.text_input(
            _("服务地址"),
            linked[0],
            **kept_text("service_url", linked[0]),
            placeholder="http://127.0.0.1:11434/v1",
        )
        st.caption(_("Ollama 一般在 11434 端口，vLLM 在 8000，LMDeploy 在 23333；地址都以 /v1 结尾。"))
        name = st.text_input(
            _("模型名（留空则问它有什么）"), linked[1], **kept_text("service_name", linked[1])
        )
        variable = st.text_input(
            _("密钥的环境变量名（不要密钥就留空）"),
            variable_known,
            **kept_text("service_variable", variable_known),
            placeholder="OPENAI_API_KEY",
        )
        if st.button(_("使用"), key="service_use") and url.strip():
            with report_errors():
                remember_service(workspace, url, variable.strip())
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
                forget_typed("service_url", "service_name", "service_variable")
                st.query_params.update(service=url.strip(), service_model=chosen)
                st.rerun()


def linked_service(workspace: Workspace) -> None:
    """Asks about the service in the page's address where no person has confirmed it yet: a link may come from
    anybody."""
    url, model = st.query_params.get("service", ""), st.query_params.get("service_model", "")
    if not (url and model) or is_confirmed(workspace, url):
        return
    st.warning(
        _(
            "这个链接想把您写的话发给服务 {url} 的模型“{model}”。认得它才用。",
            url=plain(url[:200]),
            model=plain(model[:100]),
        ),
        icon="🔗",
    )
    answers = st.columns(2)
    if answers[0].button(_("认得，用它"), key="service_confirm", width="stretch"):
        with report_errors():
            remember_service(workspace, url)
            st.rerun()
    if answers[1].button(_("不用它"), key="service_refuse", type="primary", width="stretch"):
        del st.query_params["service"]
        st.query_params.pop("service_model", None)
        st.rerun()


def other_program(workspace: Workspace, names: list[str]) -> None:
    """Draws the command that serves one of the models ``names`` with another program, and starts it where
    that is installed."""
    titles = {key: program.title for key, program in programs().items()}
    program = st.segmented_control(
        _("程序"),
        list(titles),
        default=next(iter(titles)),
        required=True,
        format_func=titles.__getitem__,
        key="program",
    )
    called = models.titles(workspace)
    model = st.selectbox(
        _("模型"), names, format_func=lambda name: called.get(name, name), key="program_model"
    )
    line = st.columns(2)
    gpus = line[0].number_input(_("几张卡一起算"), 1, 64, 1, **kept_number("program_gpus", 1, 64, 1))
    port = line[1].number_input(
        _("端口"),
        1,
        65535,
        external.DEFAULT_PORT,
        **kept_number("program_port", 1, 65535, external.DEFAULT_PORT),
    )
    with report_errors():
        if unfitting := unfit(workspace, [str(model)]):
            _head_choice(workspace, str(model), unfitting)
            return
        made = external.command(workspace, str(program), [str(model)], port=int(port), gpus=int(gpus))
        _start_or_install(workspace, made)
        st.caption(_("在别的机器上：运行下面的命令，再用“别的服务”连过去。"))
        st.code(made.text, language="bash", wrap_lines=True)
        st.download_button(
            _("存成脚本"),
            f"#!/bin/sh\nexec {made.text}\n",
            f"serve-{program}.sh",
            "text/x-shellscript",
            key="program_script",
            icon="⬇️",
            type="tertiary",
            on_click="ignore",
        )


def _start_or_install(workspace: Workspace, made: external.Command) -> None:
    """Draws the button that starts a program here, and how it comes onto this machine or leaves it."""
    if made.installed and st.button(_("在这台机器上启动"), key="program_start", icon="🚀"):
        external.start(workspace, made)
        remember_notice(_("正在启动 {program}，加载好就可以用", program=made.program.title))
        st.rerun()
    if not program_part(workspace, made.name) and not made.installed:
        st.caption(
            _(
                "这台机器上没有 {program}（python -m tianji_core serve --program {name} --install 会装上它）。",
                program=made.program.title,
                name=made.name,
            )
        )


def _head_choice(workspace: Workspace, name: str, unfitting: dict[str, list[str]]) -> None:
    """Says that another program cannot load an adapter as it is, with buttons that merge it or make one
    without the head."""
    for adapter, parts in unfitting.items():
        st.warning(plain(sentence(adapter, parts)), icon="⚠️")
    row = st.container(horizontal=True)
    if row.button(_("合并成一个模型"), key="program_merge", icon="🧬"):
        job = start_merge(workspace, to_merge(workspace, [name]))
        remember_notice(_("已开始：{title}", title=job.title))
        st.rerun()
    if row.button(_("做一个不带这部分的适配器"), key="program_strip", icon="✂️"):
        made = "、".join(without_heads(workspace, [name]))
        remember_notice(_("做好了 {name}，在“模型”里选它；回答会和原来略有不同", name=made))
        st.rerun()


def program_part(workspace: Workspace, name: str) -> bool:
    """Draws how far the installation of a program is, or buttons that install or remove its environment of
    its own; returns whether it is being installed."""
    program = program_named(name)
    if (running := install_job(workspace, name)) is not None:
        follow_job(workspace, running.id, "stop_program_part")
        return True
    if role() is not Role.OWNER:
        return False
    if own_program(name) is not None:
        st.caption(_("{program} {version} 在自己的环境里", program=program.title, version=program.version))
        if st.button(_("删掉它的环境"), key="program_remove", icon="🗑️"):
            with report_errors():
                remove_program(workspace, name)
                remember_notice(_("删掉了 {program} 的环境", program=program.title))
                st.rerun()
        return False
    label = _("安装 {program}（{n} GB）", program=program.title, n=f"{missing_size(name) / 1e9:.1f}")
    if st.button(label, key="program_install", icon="⬇️"):
        with report_errors():
            job = start_install(workspace, name)
            if job is not None:
                remember_notice(_("已开始：{title}", title=job.title))
            st.rerun()
    return False
