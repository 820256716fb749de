"""Datasets: importing conversations, freezing accepted samples into immutable versions, exporting them."""

from tianji_core.dataset.conversation import (
    ALPACA,
    FORM_TITLES,
    MERGED,
    MESSAGES,
    RAW,
    SHAREGPT,
    Conversation,
    Turn,
    conversation_of,
)
from tianji_core.dataset.exporting import EXPORT_SUFFIXES, export, exported
from tianji_core.dataset.importing import CellGuess, ImportReport, import_bytes, import_path
from tianji_core.dataset.versions import accepted, check_name, freeze, training_file, verify
from tianji_core.store.datasets import DatasetVersion

__all__ = [
    "ALPACA",
    "EXPORT_SUFFIXES",
    "FORM_TITLES",
    "MERGED",
    "MESSAGES",
    "RAW",
    "SHAREGPT",
    "CellGuess",
    "Conversation",
    "DatasetVersion",
    "ImportReport",
    "Turn",
    "accepted",
    "check_name",
    "conversation_of",
    "export",
    "exported",
    "freeze",
    "import_bytes",
    "import_path",
    "training_file",
    "verify",
]
