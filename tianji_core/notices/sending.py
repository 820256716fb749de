"""Sends a notice through every channel that is set up."""

import time

from tianji_core.errors import NoticeError, RobotLimitError, StudioError
from tianji_core.notices.channels import Channel, channels_in_use
from tianji_core.notices.mail import send_by_mail
from tianji_core.notices.notice import Notice
from tianji_core.notices.preferences import load_preferences
from tianji_core.notices.robots import send_by_robot
from tianji_core.workspace import Workspace

PAUSES = (3.0, 20.0)
"""Seconds before the second and the third attempt."""
LIMITED = 65.0
"""Seconds before a robot is tried again that took no more messages: they count those of a minute."""


def send(workspace: Workspace, channel: Channel, notice: Notice) -> None:
    """Sends a message through one channel, once.

    Raises:
        NoticeError: it did not arrive. SettingsError: the preferences or the keys cannot be read.
    """
    address = workspace.key(channel.address) or ""
    if channel.key == "mail":
        send_by_mail(load_preferences(workspace), address, notice)
    else:
        sign = (workspace.key(channel.sign) if channel.sign else None) or ""
        send_by_robot(channel, address, sign, notice)


def send_to_all(
    workspace: Workspace,
    notice: Notice,
    pauses: tuple[float, ...] = PAUSES,
    limited: float = LIMITED,
) -> dict[Channel, str]:
    """Sends a message through every channel that is set up and returns why it did not arrive, '' where it
    did. What fails is tried again after each of the ``pauses``; a robot that was sent too many messages only
    once, ``limited`` seconds after them: each attempt counts.

    Raises:
        SettingsError: the keys cannot be read.
    """
    outcome = dict.fromkeys(channels_in_use(workspace), "")
    left, full = list(outcome), []
    for pause in (0.0, *pauses):
        if left:
            time.sleep(pause)
        left, refusing = _attempted(workspace, notice, left, outcome)
        full += refusing
    if full and pauses:
        time.sleep(limited)
        _attempted(workspace, notice, full, outcome)
    return outcome


def _attempted(
    workspace: Workspace, notice: Notice, channels: list[Channel], outcome: dict[Channel, str]
) -> tuple[list[Channel], list[Channel]]:
    """Tries channels once and stores their outcome; returns those that failed and those that take no more
    messages for a while."""
    failed, full = [], []
    for channel in channels:
        try:
            send(workspace, channel, notice)
            outcome[channel] = ""
        except StudioError as error:
            outcome[channel] = str(error)
            if isinstance(error, RobotLimitError):
                full.append(channel)
            elif isinstance(error, NoticeError):
                failed.append(channel)
    return failed, full
