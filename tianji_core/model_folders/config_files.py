"""Reading the JSON files of a model folder: ``config.json`` and ``tokenizer_config.json``."""

import json
from pathlib import Path
from typing import Any

from tianji_core.errors import ModelError
from tianji_core.i18n import _

CONFIG = "config.json"
TOKENIZER_CONFIG = "tokenizer_config.json"


def read_object(folder: Path, name: str) -> dict[str, Any]:
    """The JSON object in the file ``name`` of a model folder.

    Raises:
        ModelError: the file is missing, cannot be read, or holds no JSON object.
    """
    try:
        value = json.loads((folder / name).read_text(encoding="utf-8"))
        if not isinstance(value, dict):
            raise ValueError("not an object")
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(_("{folder} 里的 {name} 读不懂，请重新下载", folder=folder, name=name)) from error
    return value


def optional_object(folder: Path, name: str) -> dict[str, Any]:
    """The same, or an empty object where the file is missing or cannot be read."""
    try:
        return read_object(folder, name)
    except ModelError:
        return {}


def model_type(folder: Path) -> str:
    """The architecture's short name in ``config.json``, such as 'qwen2'; '' where the file names none."""
    return str(optional_object(folder, CONFIG).get("model_type", ""))
