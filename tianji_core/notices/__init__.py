"""通知: tells a person elsewhere that a job has ended (webhook, group robots, mail) and switches the machine
off when all is done."""

from tianji_core.notices.afterwards import (
    Afterwards,
    follow_up,
    load_afterwards,
    save_afterwards,
    worth_telling,
)
from tianji_core.notices.channels import CHANNELS, VARIABLES, Channel, channels_in_use
from tianji_core.notices.notice import Notice, notice_of, trial_notice
from tianji_core.notices.power import COMMAND as SWITCH_OFF_VARIABLE
from tianji_core.notices.power import SwitchOff, keep_on, switch_off_after, switch_off_command, switching_off
from tianji_core.notices.preferences import (
    MOST_MINUTES,
    NoticePreferences,
    changed_preferences,
    load_preferences,
    save_preferences,
)
from tianji_core.notices.robots import host_of
from tianji_core.notices.sending import send, send_to_all

__all__ = [
    "CHANNELS",
    "MOST_MINUTES",
    "SWITCH_OFF_VARIABLE",
    "VARIABLES",
    "Afterwards",
    "Channel",
    "Notice",
    "NoticePreferences",
    "SwitchOff",
    "changed_preferences",
    "channels_in_use",
    "follow_up",
    "host_of",
    "keep_on",
    "load_afterwards",
    "load_preferences",
    "notice_of",
    "save_afterwards",
    "save_preferences",
    "send",
    "send_to_all",
    "switch_off_after",
    "switch_off_command",
    "switching_off",
    "trial_notice",
    "worth_telling",
]
