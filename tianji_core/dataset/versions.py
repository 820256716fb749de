"""Freezing accepted samples into an immutable, hashed training file, and trusting it later."""

import hashlib
import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tianji_core.cleaning import RULES, rules_basis
from tianji_core.dataset.card import data_cards
from tianji_core.dataset.placing import drafting, put
from tianji_core.dataset.selection import Balance, select
from tianji_core.dataset.statistics import Tally
from tianji_core.dataset.variety import phrases, self_bleu
from tianji_core.errors import DatasetError
from tianji_core.files import sha256
from tianji_core.i18n import _
from tianji_core.store import datasets, recipes, samples
from tianji_core.store.database import writing
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import ACCEPTED, SampleFilter, TrainingExample
from tianji_core.workspace import Workspace

TRAIN, VALIDATION, MANIFEST = "train.json", "val.json", "manifest.json"
_NAME = re.compile(r"\w[\w.-]{0,59}")
_READ_ONLY = 0o444


def accepted(recipe_key: str) -> SampleFilter:
    """What is frozen unless something else is asked for."""
    return SampleFilter(recipe_key, states=(ACCEPTED,))


def check_name(workspace: Workspace, name: str) -> str:
    """The name as it will be used.

    Raises:
        DatasetError: not usable as a folder's name, or taken.
    """
    name = name.strip()
    if _NAME.fullmatch(name) is None or name.endswith("."):
        raise DatasetError(
            _(
                "数据集名字“{name}”不能用：请用 1-60 个汉字、字母、数字、下划线、连字符或点，开头不能是点和连字符",
                name=name,
            )
        )
    if datasets.find(workspace.engine, name) is not None:
        raise DatasetError(_("已经有名叫“{name}”的数据集版本了，请换一个名字", name=name))
    return name


def freeze(
    workspace: Workspace,
    recipe_key: str,
    name: str,
    wanted: SampleFilter | None = None,
    note: str = "",
    balance: Balance | None = None,
    parent: str = "",
) -> DatasetVersion:
    """Write the matching samples (default: all accepted ones) to ``datasets/<name>/train.json`` with a manifest and a
    data card beside it, read-only, and remember them as a version; with a share for validation those go to ``val.json``.
    Samples that are equal in every turn are written once. ``parent`` names the version that this one goes on from;
    default: the newest one of the recipe. When this is interrupted at any point, either the whole version exists or none
    of it.

    Raises:
        DatasetError: nothing matches, the name cannot be used, there is no such parent, or no validation can be split.
    """
    name = check_name(workspace, name)
    balance = balance or Balance()
    stored = recipes.current(workspace.engine, recipe_key)
    wanted = wanted or accepted(recipe_key)
    parents = _parents(workspace, recipe_key, parent)
    target = workspace.datasets / name
    with drafting(workspace, name) as draft:
        chosen = select(samples.stream(workspace.engine, wanted), balance)
        if not chosen.train:
            raise DatasetError(_("没有可以冻结的样本：请先到审核页采用一些样本"))
        tally, digest = _write_training_file(chosen.train, draft / TRAIN)
        manifest: dict[str, Any] = {
            "format": 2,
            "name": name,
            "note": note.strip(),
            "recipe": recipe_key,
            "recipe_revision": stored.revision,
            "threshold": stored.recipe.threshold,
            "filter": {key: value for key, value in asdict(wanted).items() if value},
            "balance": asdict(balance),
            "left_out": chosen.left_out,
            "rules": {"basis": rules_basis(workspace, recipe_key), "ids": [rule.id for rule in RULES]},
            "parents": parents,
            "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "file": TRAIN,
            "sha256": digest,
            **tally.plain(),
            **_variety(chosen.train, balance.seed),
        }
        if chosen.validation:
            held, held_digest = _write_training_file(chosen.validation, draft / VALIDATION)
            plain = held.plain()
            manifest["validation"] = {
                "file": VALIDATION,
                "sha256": held_digest,
                "count": held.count,
                "by_style": plain["by_style"],
                "cells": plain["cells"],
            }
        manifest = json.loads(json.dumps(manifest))  # as it will be read back: tuples become lists
        _write_synced(draft / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
        for file, text in data_cards(manifest, stored.recipe.title).items():
            _write_synced(draft / file, text)
        for path in draft.iterdir():
            path.chmod(_READ_ONLY)
        draft.chmod(0o755)
        with writing(workspace.engine) as connection:
            folder = str(target.relative_to(workspace.home))
            number = datasets.insert_version(
                connection, recipe_key, name, folder, digest, tally.count, manifest
            )
            put(workspace, draft, target)
    return datasets.get(workspace.engine, number)


def _parents(workspace: Workspace, recipe_key: str, parent: str) -> list[dict[str, Any]]:
    if parent:
        found = [datasets.by_name(workspace.engine, parent)]
    else:
        found = datasets.listed(workspace.engine, recipe_key, limit=1)
    return [{"name": each.name, "sha256": each.sha256, "count": each.count} for each in found]


def _variety(lines: Sequence[TrainingExample], seed: int) -> dict[str, Any]:
    texts = [line.output for line in lines]
    bleu = self_bleu(texts, seed)
    return {
        "self_bleu": None if bleu is None else round(bleu, 4),
        "phrases": [[each.text, each.share] for each in phrases(texts, seed)],
    }


def _write_training_file(lines: Sequence[TrainingExample], path: Path) -> tuple[Tally, str]:
    """Write samples as a list of {"conversation": [{"system", "input", "output"}]}, indented by 4, non-ASCII kept: the
    bytes of ``json.dump(…, ensure_ascii=False, indent=4)``. Returns the counts and the SHA-256 of the file."""
    tally, hashed = Tally(), hashlib.sha256()
    with path.open("wb") as file:

        def write(text: str) -> None:
            data = text.encode()
            hashed.update(data)
            file.write(data)

        write("[")
        for line in lines:
            write(("," if tally.count else "") + "\n    {\n" + _conversation(line) + "\n    }")
            tally.add(line.name, line.scene, line.style, line.source, line.output, len(line.history) + 1)
        write("\n]\n")
        file.flush()
        os.fsync(file.fileno())
    return tally, hashed.hexdigest()


def _conversation(line: TrainingExample) -> str:
    turns = [(turn["input"], turn["output"]) for turn in line.history] + [(line.input, line.output)]
    written = []
    for number, (asked, answered) in enumerate(turns):
        fields = (("system", "" if number else line.system), ("input", asked), ("output", answered))
        body = ",\n".join(f'                "{key}": {_quoted(value)}' for key, value in fields)
        written.append("            {\n" + body + "\n            }")
    return '        "conversation": [\n' + ",\n".join(written) + "\n        ]"


_quoted = json.JSONEncoder(ensure_ascii=False).encode


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def training_file(workspace: Workspace, version: DatasetVersion) -> Path:
    """Where the training file of a version stands."""
    return workspace.home / version.folder / TRAIN


def validation_file(workspace: Workspace, version: DatasetVersion) -> Path | None:
    """Where the validation file of a version stands; None where it has none."""
    held = version.manifest.get("validation")
    return workspace.home / version.folder / held["file"] if held else None


def verify(workspace: Workspace, version: DatasetVersion) -> None:
    """Compare the files of a version with the hashes that were taken when it was frozen.

    Raises:
        DatasetError: a file is gone, or is not what was frozen.
    """
    held = version.manifest.get("validation")
    files = [(training_file(workspace, version), version.sha256)]
    if held:
        files.append((workspace.home / version.folder / held["file"], held["sha256"]))
    for path, digest in files:
        if not path.is_file():
            raise DatasetError(_("数据集“{name}”的文件 {file} 不见了", name=version.name, file=path))
        if sha256(path) != digest:
            raise DatasetError(
                _(
                    "数据集“{name}”的文件 {file} 被改过，和冻结时不一样了；请重新冻结一个版本",
                    name=version.name,
                    file=path,
                )
            )
