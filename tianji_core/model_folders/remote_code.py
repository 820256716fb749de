"""Python code that a model folder brings along, which loading the model would execute."""

import hashlib
import json
from pathlib import Path

from tianji_core.model_folders.config_files import CONFIG, TOKENIZER_CONFIG, optional_object

_NAMING_CODE = (CONFIG, TOKENIZER_CONFIG)


def brings_code(folder: Path) -> bool:
    """Whether a model's configuration or tokenizer names code of its own (``auto_map``)."""
    return any(
        '"auto_map"' in (folder / name).read_text(encoding="utf-8", errors="replace")
        for name in _NAMING_CODE
        if (folder / name).is_file()
    )


def code_hash(folder: Path) -> str:
    """The SHA-256 over every Python file of a model folder and over the ``auto_map`` entries; '' without
    code."""
    if not brings_code(folder):
        return ""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder)}:{len(content)}:".encode() + content)
    for name in _NAMING_CODE:
        if (folder / name).is_file():
            named = optional_object(folder, name).get("auto_map")
            digest.update(json.dumps(named, sort_keys=True).encode())
    return digest.hexdigest()
