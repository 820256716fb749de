"""造数模型: whatever answers a prompt. One small file per API family, and the offline composer."""

from tianji_core.teachers.base import Answer, Sampling, Teacher
from tianji_core.teachers.choice import TeacherChoice
from tianji_core.teachers.providers import ModelEntry, Provider, load_providers, provider, providers
from tianji_core.teachers.registry import (
    ConnectionReport,
    KeyState,
    checked_choice,
    key_state,
    make_teacher,
    resolved_model,
    test_connection,
)

__all__ = [
    "Answer",
    "ConnectionReport",
    "KeyState",
    "ModelEntry",
    "Provider",
    "Sampling",
    "Teacher",
    "TeacherChoice",
    "checked_choice",
    "key_state",
    "load_providers",
    "make_teacher",
    "provider",
    "providers",
    "resolved_model",
    "test_connection",
]
