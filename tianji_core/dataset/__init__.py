"""Datasets: importing conversations, freezing accepted samples into immutable versions, exporting them."""

from tianji_core.dataset.clean_freeze import clean_freeze_job, free_version_name, start_clean_freeze
from tianji_core.dataset.conversation import (
    ALPACA,
    CSV,
    FORM_TITLES,
    HUB,
    MERGED,
    MESSAGES,
    PAIRS,
    PARQUET,
    RAW,
    SHAREGPT,
    Conversation,
    Turn,
)
from tianji_core.dataset.conversation_version import freeze_conversations
from tianji_core.dataset.difference import Change, VersionDifference, difference
from tianji_core.dataset.exporting import EXPORT_SUFFIXES, export, exported
from tianji_core.dataset.hub import check_dataset_id
from tianji_core.dataset.import_job import (
    ImportSubject,
    fetched_folder,
    import_job,
    imports_of,
    is_large,
    start_fetched_import,
    start_hub_fetch,
    start_hub_import,
    start_path_import,
)
from tianji_core.dataset.importing import (
    CellGuess,
    ImportPreview,
    ImportReport,
    import_bytes,
    import_path,
    preview_bytes,
    preview_lines,
    preview_path,
    report_lines,
    sources_of,
)
from tianji_core.dataset.reading import bytes_source, files_under
from tianji_core.dataset.selection import Balance
from tianji_core.dataset.shapes import conversation_of
from tianji_core.dataset.variants import Variant, Variation
from tianji_core.dataset.versions import (
    accepted,
    check_name,
    freeze,
    freeze_examples,
    previewed,
    training_file,
    validation_file,
    verify,
)
from tianji_core.store.datasets import DatasetVersion

__all__ = [
    "ALPACA",
    "CSV",
    "EXPORT_SUFFIXES",
    "FORM_TITLES",
    "HUB",
    "MERGED",
    "MESSAGES",
    "PAIRS",
    "PARQUET",
    "RAW",
    "SHAREGPT",
    "Balance",
    "CellGuess",
    "Change",
    "Conversation",
    "DatasetVersion",
    "ImportPreview",
    "ImportReport",
    "ImportSubject",
    "Turn",
    "Variant",
    "Variation",
    "VersionDifference",
    "accepted",
    "bytes_source",
    "check_dataset_id",
    "check_name",
    "clean_freeze_job",
    "conversation_of",
    "difference",
    "export",
    "exported",
    "fetched_folder",
    "files_under",
    "free_version_name",
    "freeze",
    "freeze_conversations",
    "freeze_examples",
    "import_bytes",
    "import_job",
    "import_path",
    "imports_of",
    "is_large",
    "preview_bytes",
    "preview_lines",
    "preview_path",
    "previewed",
    "report_lines",
    "sources_of",
    "start_clean_freeze",
    "start_fetched_import",
    "start_hub_fetch",
    "start_hub_import",
    "start_path_import",
    "training_file",
    "validation_file",
    "verify",
]
