"""Freezing pairs: an immutable folder with the pairs, a manifest of hashes and a card."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tianji_core.comparison.preference_pairs.collecting import collected_pairs
from tianji_core.dataset.pairs import (
    LEAST,
    MANIFEST,
    SOURCE_TITLES,
    SOURCES,
    Pair,
    PairVersion,
    pair_version,
    pairs_home,
)
from tianji_core.dataset.versions import is_folder_name
from tianji_core.errors import DatasetError
from tianji_core.files import sha256, write_json, write_text
from tianji_core.i18n import _
from tianji_core.ownership import discard, draft_folder, move, new_folder
from tianji_core.workspace import Workspace

_LEFT_OUT = {"equal": "两个一样", "conflict": "说法相反", "twice": "重复", "limit": "同一个问题的太多"}
_READ_ONLY = 0o400


def freeze_pairs(
    workspace: Workspace, recipe_key: str, name: str, sources: Sequence[str] = SOURCES, note: str = ""
) -> PairVersion:
    """Freezes the pairs of a recipe from these sources, and returns the version.

    Raises:
        DatasetError: the name cannot be used or is taken, or there are too few pairs.
        InputError: a source is unknown.
    """
    name = name[:].strip()  # a path takes plain text alone
    if not is_folder_name(name):
        raise DatasetError(
            _("名字“{name}”不能用：请用 1-60 个汉字、字母、数字、下划线、连字符或点", name=name)
        )
    home = pairs_home(workspace)
    if (home / name).exists():
        raise DatasetError(_("已经有名叫“{name}”的偏好对版本了，请换一个名字", name=name))
    found = collected_pairs(workspace, recipe_key, sources)
    if len(found.train) < LEAST:
        raise DatasetError(
            _(
                "偏好对只有 {n} 个，至少要 {least} 个；多投些票，或者多审一些样本",
                n=len(found.train),
                least=LEAST,
            )
        )
    if not home.is_dir():
        new_folder(home)
    draft = draft_folder(home, name)
    try:
        counts = {"train": found.train, "held": found.held}
        for split, pairs in counts.items():
            write_json(draft / f"{split}.json", [asdict(pair) for pair in pairs])
        manifest = {
            "name": name,
            "note": note.strip(),
            "recipe": recipe_key,
            "sources": list(sources),
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "left_out": found.left_out,
            **{split: _described(pairs, draft / f"{split}.json") for split, pairs in counts.items()},
        }
        write_json(draft / MANIFEST, manifest)
        write_text(draft / "README_zh.md", _card(manifest))
        for path in draft.iterdir():
            if path.is_file() and not path.name.startswith("."):
                path.chmod(_READ_ONLY)
        move(draft, home / name)
    finally:
        discard(draft)
    return pair_version(workspace, name)


def _described(pairs: Sequence[Pair], file: Path) -> dict[str, Any]:
    longer = sum(len(pair.chosen) > len(pair.rejected) for pair in pairs)
    return {
        "file": file.name,
        "sha256": sha256(file),
        "count": len(pairs),
        "prompts": len({(pair.system, pair.prompt) for pair in pairs}),
        "by_source": dict(Counter(pair.source for pair in pairs)),
        "by_style": dict(Counter(pair.style for pair in pairs)),
        "chosen_longer": round(longer / len(pairs), 4) if pairs else None,
    }


def _card(manifest: dict[str, Any]) -> str:
    """The card, in Chinese whatever the language of the process."""
    train, held = manifest["train"], manifest["held"]
    rows = "\n".join(
        f"| {title} | {train['by_source'].get(source, 0)} | {held['by_source'].get(source, 0)} |"
        for source, title in SOURCE_TITLES.items()
    )
    longer = "—" if train["chosen_longer"] is None else f"{train['chosen_longer']:.0%}"
    left = "，".join(f"{_LEFT_OUT[key]} {number}" for key, number in manifest["left_out"].items()) or "0"
    told = (
        f"配方 {manifest['recipe']} 的偏好对：训练 {train['count']} 对（{train['prompts']} 个问题），"
        f"留出 {held['count']} 对，问题不重叠。"
    )
    counted = f"选中的更长：{longer}。没有收的：{left}。"
    head = "| 来源 | 训练 | 留出 |\n|---|---|---|"
    note = " ".join(manifest["note"].split())
    return "\n\n".join((f"# {manifest['name']}", note, told, counted, f"{head}\n{rows}")) + "\n"
