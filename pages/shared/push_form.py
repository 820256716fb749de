"""Pushing a model or a dataset version to a hub: the form, and how its newest push stands."""

import streamlit as st

from pages.shared.clock import local_time
from pages.shared.frame import remember_notice, report_errors
from pages.shared.job_progress import follow_job, log_view
from pages.shared.kept import kept_at
from pages.shared.text import plain
from pages.shared.usable import among, any_text
from tianji_core import jobs, push
from tianji_core.i18n import _
from tianji_core.models import Artefact
from tianji_core.push.target import Kind
from tianji_core.workspace import Workspace

FORM = "push"


def push_popover(workspace: Workspace, kind: Kind, item: str, model: Artefact | None = None) -> None:
    """Draws the button that opens the form; ``model`` is the one of this name, None for a dataset version."""
    opened = st.popover(
        _("推送"), icon="☁️", width="stretch", key=f"push_open_{kind}_{item}", on_change="rerun"
    )
    if opened.open:
        with opened, report_errors():
            _form(workspace, kind, item, model)


def push_state(workspace: Workspace, kind: Kind, item: str) -> None:
    """Draws a running push with its stop button, why the newest one failed, or where it went."""
    job = push.push_job(workspace, kind, item)
    if job is not None and job.active:
        follow_job(workspace, job.id, f"stop_push_{job.id}")
    elif job is not None and job.state in ("failed", "lost"):
        reason = job.note or jobs.state_title(job.state)
        st.error(_("{title}：{reason}", title=plain(job.title), reason=plain(reason)), icon="❌")
        with st.popover(_("日志"), key=f"push_log_{job.id}"):
            log_view(workspace, job)
    elif (known := push.last_push(workspace, kind, item)) is not None:
        who = _("私有") if known.private else _("公开")
        day = local_time(known.pushed_at, "%Y-%m-%d")
        st.caption(_("☁️ 已推到 {url}（{who}，{day}）", url=plain(known.url), who=who, day=day))


def _form(workspace: Workspace, kind: Kind, item: str, model: Artefact | None) -> None:
    known = push.last_push(workspace, kind, item)
    key, group = f"{kind}_{item}", f"{kind}:{item}"
    hub = st.radio(
        _("推到"),
        list(push.HUB_TITLES),
        format_func=push.HUB_TITLES.get,
        horizontal=True,
        **kept_at(
            FORM,
            f"push_hub_{key}",
            among(list(push.HUB_TITLES)),
            known.hub if known else "modelscope",
            "hub",
            group=group,
        ),
    )
    repo = st.text_input(
        _("仓库"),
        placeholder=_("账号或组织/名字"),
        max_chars=200,
        **kept_at(FORM, f"push_repo_{key}", any_text, known.repo if known else "", "repo", group=group),
    )
    # who may see it is asked anew each time: a choice made long ago must not make something public
    public = st.radio(
        _("谁能看到"),
        [False, True],
        key=f"push_public_{key}",
        format_func=lambda value: _("公开") if value else _("私有"),
        captions=[_("只有你和你给了权限的人"), _("任何人都能看到和下载，推上去就收不回来")],
    )
    licence = st.selectbox(
        _("许可"),
        push.LICENCES,
        help=_("模型的权重跟着基座的许可；不知道就选 other。"),
        **kept_at(
            FORM,
            f"push_licence_{key}",
            among(push.LICENCES),
            push.default_licence(workspace, model),
            "licence",
            group=group,
        ),
    )
    into = st.checkbox(
        _("写进已有的仓库"),
        key=f"push_into_{key}",
        help=_("仓库不是在这里建的也往里写，同名的文件会被替换，别的文件留着。"),
    )
    _start(workspace, kind, item, (hub or "modelscope", repo, bool(public), licence or "", into))


def _start(workspace: Workspace, kind: Kind, item: str, asked: tuple[str, str, bool, str, bool]) -> None:
    """Draws what the push would do and the button that starts it."""
    hub, repo, public, licence, into = asked
    variable = push.TOKENS[hub]
    if not workspace.key(variable):
        st.warning(
            _(
                "还没有令牌：在 {hub} 的网站上建一个能写的，写进 .env 或环境变量 `{variable}`，这里不会保存它。",
                hub=push.HUB_TITLES[hub],
                variable=variable,
            ),
            icon="🔑",
        )
    target = None
    if repo.strip():
        target = push.checked_target(workspace, hub, kind, repo)
        plan = push.plan_push(workspace, target, item, licence)
        st.caption(plain(push.plan_sentence(plan, target, public)))
    pressed = st.button(
        _("公开推送") if public else _("推送"),
        key=f"push_start_{kind}_{item}",
        type="primary",
        disabled=target is None,
    )
    if pressed and target is not None:
        job = push.start_push(workspace, target, item, public, licence, into)
        remember_notice(_("已开始：{title}", title=job.title))
        st.rerun()
