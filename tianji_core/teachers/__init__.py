"""造数模型: whatever answers a prompt. One small file per API family, and the offline composer."""

from tianji_core.teachers.base import Answer, BatchTeacher, Sampling, Teacher
from tianji_core.teachers.batches import BatchServer
from tianji_core.teachers.choice import TeacherChoice, WeightedTeacher
from tianji_core.teachers.off_peak import OffPeak
from tianji_core.teachers.providers import (
    ModelEntry,
    Provider,
    forget_provider,
    load_providers,
    own_providers_path,
    provider,
    providers,
    save_provider,
)
from tianji_core.teachers.registry import (
    ConnectionReport,
    KeyState,
    checked_choice,
    key_state,
    key_variables,
    make_batch_server,
    make_teacher,
    make_transcriber,
    price_of,
    request_identity,
    resolved_model,
    test_connection,
    transcription_server,
)
from tianji_core.teachers.sampling import USUAL, USUAL_TOKENS, SamplingPlan

__all__ = [
    "USUAL",
    "USUAL_TOKENS",
    "Answer",
    "BatchServer",
    "BatchTeacher",
    "ConnectionReport",
    "KeyState",
    "ModelEntry",
    "OffPeak",
    "Provider",
    "Sampling",
    "SamplingPlan",
    "Teacher",
    "TeacherChoice",
    "WeightedTeacher",
    "checked_choice",
    "forget_provider",
    "key_state",
    "key_variables",
    "load_providers",
    "make_batch_server",
    "make_teacher",
    "make_transcriber",
    "own_providers_path",
    "price_of",
    "provider",
    "providers",
    "request_identity",
    "resolved_model",
    "save_provider",
    "test_connection",
    "transcription_server",
]
