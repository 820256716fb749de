"""遗忘探针: ordinary questions that show what a model has forgotten in a training. The set is kept with the
workspace; the sweep asks it of the base and of every checkpoint. Importing this package does not load
torch."""

from tianji_core.evaluation.probe.memory import FEW_KNOWN, Memory, ProbeAnswer, ProbePoint, memory_of
from tianji_core.evaluation.probe.questions import (
    ProbeQuestion,
    ProbeSet,
    load_probe,
    probe_text,
    reset_probe,
    save_probe,
)

__all__ = [
    "FEW_KNOWN",
    "Memory",
    "ProbeAnswer",
    "ProbePoint",
    "ProbeQuestion",
    "ProbeSet",
    "load_probe",
    "memory_of",
    "probe_text",
    "reset_probe",
    "save_probe",
]
