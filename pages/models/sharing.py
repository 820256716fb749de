"""The part of the models page about links through which others ask one model."""

from urllib.parse import SplitResult, urlsplit

import streamlit as st

from pages.shared.clock import local_time
from pages.shared.frame import current_recipe, remember_notice, report_errors
from pages.shared.kept import forget_typed, kept_text
from pages.shared.text import plain
from tianji_core import models
from tianji_core.access.hosts import STUDIO_VARIABLE, is_loopback, outward_address, studio_address
from tianji_core.i18n import _
from tianji_core.serving import servers
from tianji_core.sharing import LONGEST_DAYS, MOST_PER_MINUTE, Share, Shares, kept_questions
from tianji_core.workspace import Workspace

_SHOWN = 50
"""Links that are drawn, the open ones first."""


def shared_models(workspace: Workspace) -> None:
    """Draws the form for a new link, and the links there are with a button that revokes each."""
    shares = Shares(workspace)
    st.caption(
        _(
            "有链接的人不用账号就能问这一个模型：只有选项和一句话的框，看不到列表和设置，也进不了别的页。到期自己失效，随时可以收回。"
        )
    )
    names = models.titles(workspace)
    _new_link(workspace, shares, names)
    _reach()
    listed = sorted(shares.listed(), key=lambda share: not share.open())
    for share in listed[:_SHOWN]:
        _link(workspace, shares, share, names.get(share.model, share.model))


def _new_link(workspace: Workspace, shares: Shares, names: dict[str, str]) -> None:
    loadable = models.loadable(workspace)
    loaded = [name for server in servers(workspace) if server.ready for name in server.models]
    trained = [model for model in loadable if model.kind != "base"]
    known = models.ready_first(trained or loadable, loaded)
    if not known:
        st.info(_("还没有模型可以分享。先下载一个基座，或者训练出一个适配器。"))
        return
    with st.container(border=True):
        first = st.columns([5, 1.6], vertical_alignment="bottom")
        model = first[0].selectbox(
            _("分享哪个模型"), known, format_func=lambda name: names.get(name, name), key="share_model"
        )
        pressed = first[1].button(
            _("做一个链接"), key="share_add", icon="🔗", type="primary", width="stretch"
        )
        columns = st.columns([3, 1.4, 1.6], vertical_alignment="bottom")
        title = columns[0].text_input(
            _("页面的标题"),
            max_chars=60,
            placeholder=current_recipe().recipe.title,
            **kept_text("share_title"),
        )
        days = columns[1].number_input(_("几天后到期"), 1, LONGEST_DAYS, 7, key="share_days")
        per_minute = columns[2].number_input(
            _("每分钟最多几问"),
            1,
            MOST_PER_MINUTE,
            10,
            key="share_per_minute",
            help=_("拿到链接的人加在一起"),
        )
        row = st.container(horizontal=True, vertical_alignment="center")
        login = row.checkbox(_("要先登录"), key="share_login")
        keep = row.checkbox(_("保存问题和回答"), key="share_keep", help=_("页面上会写明"))
    if pressed:
        with report_errors():
            shares.add(
                model,
                current_recipe().recipe.key,
                float(days),
                title=title,
                per_minute=int(per_minute),
                keep=keep,
                login=login,
            )
            forget_typed("share_title")
            remember_notice(_("链接做好了；模型要开着，对方才问得到"))
            st.rerun()


def _link(workspace: Workspace, shares: Shares, share: Share, name: str) -> None:
    with st.container(border=True, key=f"share_{share.id}"):
        row = st.columns([6, 1.2], vertical_alignment="center")
        end = local_time(share.expires_at)
        if share.revoked_at is not None:
            state = _("已收回")
        else:
            state = _("{time} 到期", time=end) if share.open() else _("{time} 已到期", time=end)
        notes = [state, _("每分钟 {n} 问", n=share.per_minute)]
        notes += [_("要先登录")] if share.login else []
        notes += [_("保存问题和回答")] if share.keep else []
        row[0].markdown(f"**{plain(share.title or name)}** · {plain(name)}  \n" + " · ".join(notes))
        if share.open():
            st.code(_studio() + shares.path(share), language=None, wrap_lines=True)
            if row[1].button(_("收回"), key=f"share_revoke_{share.id}", width="stretch"):
                with report_errors():
                    shares.revoke(share.id)
                    remember_notice(_("收回了，链接不再能用"))
                    st.rerun()
        if share.keep:
            with report_errors():
                _kept_questions(workspace, share)


def _kept_questions(workspace: Workspace, share: Share) -> None:
    """Draws a menu with what was asked and answered, which is read only where it is open."""
    opened = st.popover(_("收下的问题"), key=f"share_kept_{share.id}", on_change="rerun")
    if not opened.open:
        return
    with opened:
        said = kept_questions(workspace, share)
        if not said:
            st.caption(_("没有收下的问题"))
        for asked, answer in reversed(said[-_SHOWN:]):
            st.markdown(f"**{plain(asked)}**  \n{plain(answer)}")


def _studio() -> str:
    """The address of the studio in links, without a page: the one that is set; else the one under which this
    browser knows it; where only this machine knows that one and others reach the studio, the one that others
    use."""
    if known := studio_address():
        return known
    parts = urlsplit(st.context.url or "http://127.0.0.1:6006/")
    place = parts.netloc
    if _local_only(parts) and not is_loopback(_bound()) and (outward := outward_address()):
        place = f"{outward}:{st.get_option('server.port')}"  # that of the browser may be one of a tunnel
    return f"{parts.scheme}://{place}{parts.path.rstrip('/').removesuffix('/models')}"


def _reach() -> None:
    """Says where only this machine can open the links, and how others can."""
    parts = urlsplit(st.context.url or "http://127.0.0.1:6006/")
    if studio_address() or not _local_only(parts):
        return
    if not is_loopback(_bound()):
        if not outward_address():
            st.warning(
                _(
                    "工坊不知道别人用哪个地址打开它（在容器里，或者经过隧道），下面的链接只有这台机器打得开。启动前设好 `{variable}`，例如 `{variable}=https://studio.example.com`。",
                    variable=STUDIO_VARIABLE,
                ),
                icon="🔒",
            )
        return
    outward = outward_address() or _("这台机器的地址")
    st.warning(
        _(
            "现在的链接只有这台机器打得开。要给别人用：关掉工坊，换成 `{command}` 启动，再把链接里的 {local} 换成 {outward}。那时工坊自己要登录，登录地址在启动时打印。",
            command="python -m tianji_core studio --host 0.0.0.0",
            local=parts.hostname or "127.0.0.1",
            outward=outward,
        ),
        icon="🔒",
    )


def _local_only(parts: SplitResult) -> bool:
    return is_loopback(parts.hostname or "")


def _bound() -> str:
    """The address on which the studio listens."""
    return str(st.get_option("server.address") or "127.0.0.1")
