"""The records of steps."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tianji_core.i18n import N_
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, STATE_TITLES

EDIT, FIX, RATE, TABLE, COPIED, SPLIT_UP, SECOND, RESOLVE, REPLACE, INPUTS, SYSTEM, RENAME = (
    "edit",
    "fix",
    "rate",
    "table",
    "copy",
    "split",
    "second",
    "resolve",
    "replace",
    "inputs",
    "system",
    "rename",
)
ACTION_TITLES = {
    ACCEPTED: STATE_TITLES[ACCEPTED],
    REJECTED: STATE_TITLES[REJECTED],
    PENDING: STATE_TITLES[PENDING],
    EDIT: N_("修改"),
    FIX: N_("修正"),
    RATE: N_("打星"),
    TABLE: N_("在列表里改"),
    COPIED: N_("复制"),
    SPLIT_UP: N_("拆分"),
    SECOND: N_("复审"),
    RESOLVE: N_("裁定"),
    REPLACE: N_("替换"),
    INPUTS: N_("重写输入"),
    SYSTEM: N_("换系统提示"),
    RENAME: N_("跟着改名"),
}
"""Title of every action: the new state of the samples, or another kind of change."""


@dataclass(frozen=True)
class Step:
    """One action on ``count`` samples. ``action`` is the new state, or one of the words below; ``note`` holds
    the reason or the means; ``bulk`` tells that the samples were not chosen one by one."""

    id: int
    recipe: str
    action: str
    title: str
    who: str
    count: int
    undone: bool
    note: str
    bulk: bool
    created_at: datetime


@dataclass(frozen=True)
class Event:
    """The effect of one step on one sample: ``before`` and ``after`` hold the fields that it changed."""

    step: Step
    before: dict[str, Any]
    after: dict[str, Any]
