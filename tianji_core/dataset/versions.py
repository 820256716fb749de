"""Dataset versions: freezing samples into immutable, hashed training files, and verifying them later."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tianji_core.cleaning import RULES, rules_basis
from tianji_core.cleaning.tone import mean_tone
from tianji_core.dataset.card import data_cards
from tianji_core.dataset.placing import drafting, put
from tianji_core.dataset.selection import Balance, Selection, counted, select
from tianji_core.dataset.variants import (
    NO_VARIATION,
    VARIED,
    Variant,
    Variation,
    Varying,
    rewritten,
    variation_facts,
)
from tianji_core.dataset.variety import phrases, self_bleu
from tianji_core.dataset.writing import write_synced, write_training_file
from tianji_core.errors import DatasetError
from tianji_core.files import sha256
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store import datasets, recipes, samples
from tianji_core.store.acceptance import acceptance
from tianji_core.store.database import writing
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.recipes import StoredRecipe
from tianji_core.store.samples import ACCEPTED, SampleFilter, TrainingExample
from tianji_core.workspace import Workspace

TRAIN, VALIDATION, MANIFEST = "train.json", "val.json", "manifest.json"
_NAME = re.compile(r"\w[\w.-]{0,59}")
_READ_ONLY = 0o400


def accepted(recipe_key: str) -> SampleFilter:
    """Returns the filter of the accepted samples of a recipe, the default of :func:`freeze`."""
    return SampleFilter(recipe_key, states=(ACCEPTED,))


def is_folder_name(name: str) -> bool:
    """Returns whether a version can have this name: 1 to 60 letters, digits, underscores, hyphens and dots,
    the first and the last no dot."""
    return _NAME.fullmatch(name) is not None and not name.endswith(".")


def check_name(workspace: Workspace, name: str) -> str:
    """Returns the name of a new version, stripped of white space.

    Raises:
        DatasetError: the name cannot be that of a folder, or is taken.
    """
    name = name[:].strip()  # a path takes plain text alone
    if not is_folder_name(name):
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
    matching: SampleFilter | None = None,
    note: str = "",
    balance: Balance | None = None,
    parent: str = "",
    variation: Variation = NO_VARIATION,
    progress: Callable[[int, int], None] | None = None,
) -> DatasetVersion:
    """Freezes the samples that match ``matching`` (default: all accepted ones) as a dataset version and
    returns it.

    The read-only folder ``datasets/<name>/`` gets ``train.json``, with a share for validation ``val.json``, a
    manifest and a data card. Samples that are equal in every turn are written once. ``variation`` replaces
    receivers and occasions of training samples, never of the validation set; ``varied.json`` lists which.
    ``parent`` names the version that this one continues (default: the newest one of the recipe).
    ``progress`` gets (steps done, all of them): a step is a sample read, and what is done with it afterwards
    another. An interruption at any point leaves either the whole version or nothing.

    Raises:
        DatasetError: nothing matches, the name cannot be used, there is no such parent, or no validation set
        can be split off.
    """
    name = check_name(workspace, name)
    balance = balance or Balance()
    stored = recipes.current(workspace.engine, recipe_key)
    sample_filter = matching or accepted(recipe_key)
    facts = {
        "note": note.strip(),
        "filter": {key: value for key, value in asdict(sample_filter).items() if value},
        "balance": asdict(balance),
        "parents": _parents(workspace, recipe_key, parent),
    }
    with drafting(workspace, name) as draft:
        found = samples.stream(workspace.engine, sample_filter)
        if progress is not None:
            found = counted(found, 2 * samples.count(workspace.engine, sample_filter), progress)
        selection = select(found, balance)
        if not selection.train:
            raise DatasetError(_("没有可以冻结的样本：请先到审核页采用一些样本"))
        return _placed(workspace, stored, name, facts, selection, draft, variation)


def freeze_examples(
    workspace: Workspace,
    recipe_key: str,
    name: str,
    train: Sequence[TrainingExample],
    validation: Sequence[TrainingExample],
    note: str,
    parent: str,
    made: dict[str, Any],
) -> DatasetVersion:
    """Freezes examples that are not, or not all, samples of the workspace, in this order, and returns the
    version; ``made`` says in the manifest how they came about, ``parent`` '' stands for none. An example that
    occurs twice is written once.

    Raises:
        DatasetError: there is no example, the name cannot be used, or there is no such parent.
    """
    name = check_name(workspace, name)
    if not train:
        raise DatasetError(_("没有可以冻结的样本：请先到审核页采用一些样本"))
    stored = recipes.current(workspace.engine, recipe_key)
    once = {example.digest: example for example in train}
    facts = {
        **made,
        "note": note.strip(),
        "filter": {"recipe": recipe_key},
        "balance": asdict(Balance()),
        "parents": _parents(workspace, recipe_key, parent) if parent else [],
    }
    with drafting(workspace, name) as draft:
        selection = Selection(tuple(once.values()), tuple(validation), len(train) - len(once))
        return _placed(workspace, stored, name, facts, selection, draft)


def _placed(
    workspace: Workspace,
    stored: StoredRecipe,
    name: str,
    facts: dict[str, Any],
    selection: Selection,
    draft: Path,
    variation: Variation = NO_VARIATION,
) -> DatasetVersion:
    """Fills the draft, puts it in its place and stores the version."""
    recipe_key, target = stored.recipe.key, workspace.datasets / name
    rules = [rule.id for rule in RULES if rule.holds_in(stored.recipe)]
    numbers = [example.id for example in selection.train if example.id]
    manifest: dict[str, Any] = {
        "format": 2,
        "name": name,
        "recipe": recipe_key,
        "recipe_revision": stored.revision,
        "threshold": stored.recipe.threshold,
        **facts,
        "left_out": selection.left_out,
        "rules": {"basis": rules_basis(workspace, recipe_key), "ids": rules},
        "acceptance": asdict(acceptance(workspace.engine, recipe_key, numbers)),
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **_write_examples(selection, draft, int(facts["balance"]["seed"]), Varying(stored.recipe, variation)),
    }
    manifest = json.loads(json.dumps(manifest))  # in the form in which it is read back: tuples become lists
    _seal(draft, manifest, stored.recipe.title)
    with writing(workspace.engine) as connection:
        folder = str(target.relative_to(workspace.home))
        version_id = datasets.insert_version(
            connection, recipe_key, name, folder, manifest["sha256"], manifest["count"], manifest
        )
        put(workspace, draft, target)
    return datasets.get(workspace.engine, version_id)


def _write_examples(selection: Selection, draft: Path, seed: int, varying: Varying) -> dict[str, Any]:
    """Writes the training and validation files; returns the part of the manifest that describes them. The
    counts name the listed receiver and occasion of a varied sample."""
    variants = varying.variants(selection.train)
    train = rewritten(selection.train, variants)
    tally, digest = write_training_file(train, draft / TRAIN)
    described = {
        "file": TRAIN,
        "sha256": digest,
        **tally.plain(),
        **_variety(train, seed, varying.context.recipe),
    }
    if varying.variation:
        facts = variation_facts(varying.variation, variants)
        write_synced(draft / VARIED, json.dumps(facts.pop("samples"), ensure_ascii=False) + "\n")
        described["varied"] = {**facts, "file": VARIED, "sha256": sha256(draft / VARIED)}
    if selection.validation:
        tally, digest = write_training_file(selection.validation, draft / VALIDATION)
        counts = tally.plain()
        described["validation"] = {
            "file": VALIDATION,
            "sha256": digest,
            "count": tally.count,
            "by_style": counts["by_style"],
            "cells": counts["cells"],
        }
    return described


def _seal(draft: Path, manifest: dict[str, Any], recipe_title: str) -> None:
    """Adds the manifest and the data cards, and makes every file read-only."""
    write_synced(draft / MANIFEST, json.dumps(manifest, ensure_ascii=False, indent=2) + "\n")
    for file, text in data_cards(manifest, recipe_title).items():
        write_synced(draft / file, text)
    for path in draft.iterdir():
        path.chmod(_READ_ONLY)


def _parents(workspace: Workspace, recipe_key: str, parent: str) -> list[dict[str, Any]]:
    if parent:
        versions = [datasets.by_name(workspace.engine, parent)]
    else:
        known = datasets.listed(workspace.engine, recipe_key)
        versions = [version for version in known if not version.conversations][:1]
    return [{"name": version.name, "sha256": version.sha256, "count": version.count} for version in versions]


def _variety(examples: Sequence[TrainingExample], seed: int, recipe: Recipe) -> dict[str, Any]:
    texts = [example.output for example in examples]
    by_style: dict[str, list[str]] = {}
    for example in examples:
        by_style.setdefault(example.style, []).append(example.output)
    bleu = self_bleu(texts, seed)
    heard: dict[str, Any] = {}
    if recipe.blessings:
        heard["assistant_tone"] = {style: mean_tone(some, seed) for style, some in sorted(by_style.items())}
        heard["assistant_tone_overall"] = mean_tone(texts, seed)
    return {
        "self_bleu": None if bleu is None else round(bleu, 4),
        "phrases": [[phrase.text, phrase.share] for phrase in phrases(texts, seed)],
        **heard,
    }


def previewed(
    workspace: Workspace,
    recipe_key: str,
    matching: SampleFilter | None,
    balance: Balance | None,
    variation: Variation,
) -> tuple[list[Variant], int]:
    """Returns (the samples that :func:`freeze` would replace, the number of training samples) for the same
    arguments; freezes nothing.

    Raises:
        DatasetError: no validation set can be split off.
    """
    stored = recipes.current(workspace.engine, recipe_key)
    lines = samples.stream(workspace.engine, matching or accepted(recipe_key))
    train = select(lines, balance or Balance()).train
    return Varying(stored.recipe, variation).variants(train), len(train)


def training_file(workspace: Workspace, version: DatasetVersion) -> Path:
    """Returns the path of the training file of a version."""
    return workspace.home / version.folder / TRAIN


def validation_file(workspace: Workspace, version: DatasetVersion) -> Path | None:
    """Returns the path of the validation file of a version, or None if it has none."""
    validation = version.manifest.get("validation")
    return workspace.home / version.folder / validation["file"] if validation else None


def verify(workspace: Workspace, version: DatasetVersion) -> None:
    """Checks the files of a version against the hashes taken when it was frozen.

    Raises:
        DatasetError: a file is missing or has been changed.
    """
    validation = version.manifest.get("validation")
    files = [(training_file(workspace, version), version.sha256)]
    for part in (validation, version.manifest.get("varied")):
        if part:
            files.append((workspace.home / version.folder / part["file"], part["sha256"]))
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
