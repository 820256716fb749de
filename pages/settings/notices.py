"""The part of the settings about what is told when a job has ended."""

import streamlit as st

from pages.settings.desktop_switch import desktop_switch
from pages.shared.frame import remember_notice, report_errors
from pages.shared.kept import forget_typed, held, kept_number, kept_text
from pages.shared.secret_field import forget_secret, secret_field
from pages.shared.text import plain
from tianji_core import notices
from tianji_core.i18n import _
from tianji_core.notices import Channel, NoticePreferences
from tianji_core.workspace import Workspace, masked


def notices_part(workspace: Workspace) -> None:
    """Draws the switch of this browser, the channels that are set up, one to set up, and the least
    duration."""
    desktop_switch()
    preferences = notices.load_preferences(workspace)
    for channel in notices.channels_in_use(workspace):
        _channel_row(workspace, channel)
    titles = {channel.key: channel.title for channel in notices.CHANNELS}
    columns = st.columns([2, 3, 1.4], vertical_alignment="bottom")
    key = columns[0].selectbox(
        _("怎么通知"), list(titles), format_func=lambda key: titles[key], key="notice_channel"
    )
    channel = next(channel for channel in notices.CHANNELS if channel.key == key)
    entered = _secrets(columns[1], channel)
    if channel.key == "mail":
        _mail_form(workspace, preferences, channel, entered)
    elif columns[2].button(_("保存"), key="save_channel", type="primary", width="stretch"):
        _save_channel(workspace, channel, entered)
    _least_minutes(workspace, preferences)


def notices_title(workspace: Workspace) -> str:
    """Returns the name of the part with the ways of being told that are set up."""
    used = _("、").join(channel.title for channel in notices.channels_in_use(workspace))
    return _("任务做完时通知我 · {ways}", ways=used or _("没有设置"))


def _channel_row(workspace: Workspace, channel: Channel) -> None:
    row = st.columns([3, 2, 1.4, 1.4], vertical_alignment="center")
    row[0].markdown(f"**{plain(channel.title)}**")
    row[1].markdown(f"`{masked(workspace.key(channel.address))}`")
    if row[2].button(_("试发一条"), key=f"notice_try_{channel.key}", width="stretch"):
        with report_errors():
            notices.send(workspace, channel, notices.trial_notice())
            st.toast(_("送到了：{channel}", channel=channel.title), icon="✅")
    if row[3].button(_("清除"), key=f"notice_clear_{channel.key}", width="stretch"):
        for variable in channel.variables:
            workspace.save_key(variable, None)
        remember_notice(_("{channel}已清除", channel=channel.title))
        st.rerun()


def _secrets(place: st.delta_generator.DeltaGenerator, channel: Channel) -> dict[str, str]:
    """The fields of a channel's secrets; returns what is typed by variable."""
    if channel.key == "mail":
        labels = [_("邮箱的授权码")]
    else:
        labels = [_("地址（整个复制过来）"), _("加签密钥（没开加签就空着）")]
    fields = place.columns(len(channel.variables))
    return {
        variable: secret_field(field, label, f"notice_{variable}", autocomplete="off").strip()
        for field, label, variable in zip(fields, labels, channel.variables, strict=False)
    }


def _save_channel(workspace: Workspace, channel: Channel, entered: dict[str, str]) -> None:
    if not entered[channel.address]:
        st.error(_("先把{channel}的地址或授权码贴进框里", channel=channel.title), icon="⚠️")
        return
    with report_errors():
        notices.host_of(entered[channel.address])  # what is kept as a secret is masked in every text
        _store(workspace, channel, entered)
        st.rerun()


def _store(workspace: Workspace, channel: Channel, entered: dict[str, str]) -> None:
    for variable, value in entered.items():
        workspace.save_key(variable, value or None)
    for variable in entered:
        forget_secret(f"notice_{variable}")
    remember_notice(_("{channel}已设置；点“试发一条”看能不能收到", channel=channel.title))


def _mail_form(
    workspace: Workspace, preferences: NoticePreferences, channel: Channel, entered: dict[str, str]
) -> None:
    """Draws the fields of the mailbox, and the button that stores them with the secret where one is typed."""
    columns = st.columns([3, 1.2, 3, 3, 1.4], vertical_alignment="bottom")
    host = columns[0].text_input(
        _("邮件服务器"),
        preferences.host,
        max_chars=200,
        placeholder="smtp.example.com",
        **kept_text("notice_host", preferences.host),
    )
    port = columns[1].number_input(
        _("端口"), 1, 65535, preferences.port, **kept_number("notice_port", 1, 65535, preferences.port)
    )
    user = columns[2].text_input(
        _("发件邮箱"), preferences.user, max_chars=200, **kept_text("notice_user", preferences.user)
    )
    to = columns[3].text_input(
        _("收件邮箱"), preferences.to, max_chars=200, **kept_text("notice_to", preferences.to)
    )
    if columns[4].button(_("保存"), key="save_mail", type="primary", width="stretch"):
        with report_errors():
            changed = notices.changed_preferences(preferences.minutes, host, int(port), user, to)
            notices.save_preferences(workspace, changed)
            if entered[channel.address]:
                _store(workspace, channel, entered)
            else:
                remember_notice(_("邮箱已保存"))
            forget_typed("notice_host", "notice_port", "notice_user", "notice_to")
            st.rerun()


def _least_minutes(workspace: Workspace, preferences: NoticePreferences) -> None:
    st.session_state["notice_minutes"] = preferences.minutes
    st.number_input(
        _("至少做了多少分钟的任务才通知"),
        0,
        notices.MOST_MINUTES,
        key="notice_minutes",
        on_change=_set_minutes,
        args=(workspace,),
        width=260,
        help=_("每个任务还可以在任务页单独选"),
    )


def _set_minutes(workspace: Workspace) -> None:
    if not held("notice_minutes"):
        return
    with report_errors():
        changed = {"minutes": int(st.session_state["notice_minutes"])}
        notices.save_preferences(workspace, notices.load_preferences(workspace).model_copy(update=changed))
