"""Pairs in the forms of other programs."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tianji_core.dataset.pairs import Pair
from tianji_core.errors import InputError
from tianji_core.files import write_json, write_text
from tianji_core.i18n import _
from tianji_core.outputs import write_output_folder
from tianji_core.training.engine import PAIRS_FORM
from tianji_core.workspace import Workspace


def _sharegpt(pair: Pair) -> dict[str, Any]:
    return {
        "conversations": [{"from": "human", "value": pair.prompt}],
        "chosen": {"from": "gpt", "value": pair.chosen},
        "rejected": {"from": "gpt", "value": pair.rejected},
        "system": pair.system,
    }


def _engine(folder: Path, split: str, pairs: Sequence[Pair]) -> None:
    write_json(folder / f"{split}.json", [pair.messages() for pair in pairs])


def _trl(folder: Path, split: str, pairs: Sequence[Pair]) -> None:
    lines = (json.dumps(pair.messages(), ensure_ascii=False) + "\n" for pair in pairs)
    write_text(folder / f"{split}.jsonl", "".join(lines))


def _llama_factory(folder: Path, split: str, pairs: Sequence[Pair]) -> None:
    """The file and its entry in ``dataset_info.json``, which LLaMA-Factory reads with ``dataset_dir``."""
    write_json(folder / f"{split}.json", [_sharegpt(pair) for pair in pairs])
    about = folder / "dataset_info.json"
    known = json.loads(about.read_text(encoding="utf-8")) if about.is_file() else {}
    columns = {"messages": "conversations", "chosen": "chosen", "rejected": "rejected", "system": "system"}
    known[split] = {
        "file_name": f"{split}.json",
        "ranking": True,
        "formatting": "sharegpt",
        "columns": columns,
    }
    write_json(about, known)


PAIR_FORMS: dict[str, Callable[[Path, str, Sequence[Pair]], None]] = {
    PAIRS_FORM: _engine,
    "trl": _trl,
    "llama-factory": _llama_factory,
}
"""Form → what writes one split of it into a folder."""


def write_pairs(
    workspace: Workspace, splits: dict[str, Sequence[Pair]], form: str, path: Path, overwrite: bool = False
) -> None:
    """Writes pairs, by split, as a folder at ``path``.

    Raises:
        InputError: the form is unknown, or something else is at ``path``.
    """
    if form not in PAIR_FORMS:
        known = _("、").join(PAIR_FORMS)
        raise InputError(_("没有“{form}”这种写法，可以的是：{known}", form=form, known=known))

    def fill(folder: Path) -> None:
        for split, pairs in splits.items():
            if pairs:
                PAIR_FORMS[form](folder, split, pairs)

    write_output_folder(workspace, path, fill, overwrite)
