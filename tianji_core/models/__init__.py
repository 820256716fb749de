"""模型: bases, adapters and merged models on disk; converts, merges and downloads them. Imports no torch."""

from tianji_core.model_folders.manifest import Artefact, kind_title, size_text
from tianji_core.models.bases import KnownBase, known_bases
from tianji_core.models.card import learnt_from, read_card
from tianji_core.models.catalogue import (
    Trashed,
    allow_code,
    artefact,
    artefacts,
    asks_for_code,
    delete,
    learnt_by_models,
    loadable,
    purge,
    ready_first,
    register_folder,
    restore,
    titles,
    trashed,
)
from tianji_core.models.download import Partial, discard_partial, download, downloading, partials
from tianji_core.models.gguf.formats import GGUF_FORMATS
from tianji_core.models.launch import (
    start_convert,
    start_convert_and_merge,
    start_download,
    start_export_gguf,
    start_merge,
)
from tianji_core.models.making import convert
from tianji_core.models.merged import DTYPES, convert_and_merge, merge
from tianji_core.models.of_recipe import bring_back_recipe, remove_recipe
from tianji_core.models.trying import PROMPTS, try_answer

__all__ = [
    "DTYPES",
    "GGUF_FORMATS",
    "PROMPTS",
    "Artefact",
    "KnownBase",
    "Partial",
    "Trashed",
    "allow_code",
    "artefact",
    "artefacts",
    "asks_for_code",
    "bring_back_recipe",
    "convert",
    "convert_and_merge",
    "delete",
    "discard_partial",
    "download",
    "downloading",
    "kind_title",
    "known_bases",
    "learnt_by_models",
    "learnt_from",
    "loadable",
    "merge",
    "partials",
    "purge",
    "read_card",
    "ready_first",
    "register_folder",
    "remove_recipe",
    "restore",
    "size_text",
    "start_convert",
    "start_convert_and_merge",
    "start_download",
    "start_export_gguf",
    "start_merge",
    "titles",
    "trashed",
    "try_answer",
]
