"""Pushes dataset versions and models with their cards to Hugging Face and ModelScope, private by default."""

from tianji_core.push.launch import PushPlan, plan_push, plan_sentence, push_job, start_push
from tianji_core.push.licences import LICENCES, default_licence
from tianji_core.push.records import Pushed, last_push
from tianji_core.push.target import HUB_TITLES, TOKENS, PushTarget, checked_target

__all__ = [
    "HUB_TITLES",
    "LICENCES",
    "TOKENS",
    "PushPlan",
    "PushTarget",
    "Pushed",
    "checked_target",
    "default_licence",
    "last_push",
    "plan_push",
    "plan_sentence",
    "push_job",
    "start_push",
]
