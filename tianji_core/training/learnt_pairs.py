"""偏好训练: what a training learns from preference pairs, what is checked before it, and its size."""

import contextlib
import json
import math
from collections.abc import Sequence
from pathlib import Path

from tianji_core.dataset.pairs import LEAST, Pair, PairVersion, pair_version, read_pairs
from tianji_core.dataset.writing import write_synced
from tianji_core.errors import ModelError, RecipeError, StudioError
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import MANIFEST, Artefact, read_artefact, read_manifest
from tianji_core.store import datasets, recipes
from tianji_core.store.datasets import DatasetVersion
from tianji_core.training import engine
from tianji_core.training.check import PASS, STOP, WARN, Check
from tianji_core.training.estimate import IterationEstimate, estimate
from tianji_core.training.settings import TrainingSettings
from tianji_core.workspace import Workspace

PAIRS, QUESTIONS = "pairs.json", "questions.json"
"""The pairs in the work folder of a training, and the questions that it asks meanwhile."""
ENOUGH = 100
"""Pairs below which it is said that they teach little."""


def pairs_data(workspace: Workspace, name: str, folder: Path) -> Path:
    """Writes the pairs of a version into a training's work ``folder`` and returns their path; beside them the
    recipe and styles whose held-out cells are asked for, where the recipe is still there.

    Raises:
        DatasetError: there is no such version, or it was changed.
    """
    version = pair_version(workspace, name)
    pairs = read_pairs(version)["train"]
    write_synced(
        folder / PAIRS, json.dumps([pair.messages() for pair in pairs], ensure_ascii=False, indent=1) + "\n"
    )
    if (questions := _questions(workspace, version)) is not None:
        write_synced(folder / QUESTIONS, json.dumps(questions, ensure_ascii=False) + "\n")
    return folder / PAIRS


def pairs_hash(workspace: Workspace, name: str) -> str:
    """The hash of the pairs of a version that are learnt from; '' for no version.

    Raises:
        DatasetError: there is no such version.
    """
    return str(pair_version(workspace, name).manifest["train"]["sha256"]) if name else ""


def pairs_count(workspace: Workspace, name: str) -> int:
    """The number of pairs of a version that are learnt from; 0 for no version. Raises as
    :func:`pairs_hash`."""
    return int(pair_version(workspace, name).manifest["train"]["count"]) if name else 0


def _questions(workspace: Workspace, version: PairVersion) -> dict[str, object] | None:
    """The recipe of a version and those of its styles that the recipe has; None where it is gone."""
    try:
        recipe = recipes.current(workspace.engine, version.manifest["recipe"]).recipe
    except RecipeError:
        return None
    known = {style.text for style in recipe.styles if style.enabled}
    styles = [style for style in version.manifest["train"]["by_style"] if style in known]
    return {"recipe": recipe.model_dump(mode="json"), "styles": styles}


def pairs_check(workspace: Workspace, settings: TrainingSettings) -> tuple[Sequence[Pair], list[Check]]:
    """The pairs to learn from (() where they cannot be used), and what is found about them."""
    title = _("偏好对")
    if not settings.pairs:
        return (), [Check(STOP, title, _("这个预设学的是偏好对：请选一个偏好对版本"))]
    try:
        version = pair_version(workspace, settings.pairs)
        pairs = read_pairs(version)["train"]
    except StudioError as error:
        return (), [Check(STOP, title, str(error))]
    if equal := sum(pair.chosen.strip() == pair.rejected.strip() for pair in pairs):
        detail = _("“{name}”里有 {n} 对的两个回答一样，学不出偏好；请重新冻结", name=version.name, n=equal)
        return (), [Check(STOP, title, detail)]
    count = len(pairs)
    if count < LEAST:
        detail = _("“{name}”只有 {n} 对，至少要 {least} 对", name=version.name, n=count, least=LEAST)
        return (), [Check(STOP, title, detail)]
    checks = [Check(PASS, title, _("“{name}”，{n} 对，校验一致", name=version.name, n=count))]
    if count < ENOUGH:
        detail = _("“{name}”只有 {n} 对，学到的有限；有 {enough} 对以上更好", name=version.name, n=count, enough=ENOUGH)  # fmt: skip
        checks = [Check(WARN, title, detail)]
    if _questions(workspace, version) is None:
        detail = _("这些偏好对的配方不在了，训练中没法检查通过率，退步了不会提前结束")
        checks.append(Check(WARN, _("通过率"), detail))
    return pairs, checks


def reference_checks(source: str, settings: TrainingSettings) -> list[Check]:
    """Whether the base is a model that has learnt its task, and the reference of a config,
    ``source``, this very model."""
    checks = [_start_check(settings)]
    other = engine.reference_model(source)
    if other and Path(other).expanduser().resolve() != settings.base_folder.resolve():
        detail = _(
            "参考模型 {other} 不是这个基座 {name}：两个的话不一样，比不出偏好；请删掉配置里的 ref_llm",
            other=other,
            name=settings.base_folder.name,
        )
        checks.append(Check(STOP, _("参考模型"), detail))
    return checks


def _start_check(settings: TrainingSettings) -> Check:
    title = _("偏好训练的起点")
    try:
        kind = read_manifest(settings.base_folder).kind
    except ModelError as error:
        return Check(STOP, title, str(error))
    if kind == "merged":
        return Check(
            PASS, title, _("{name} 是合并模型，参考就是没练之前的它", name=settings.base_folder.name)
        )
    detail = _(
        "{name} 不是训练后合并出来的模型：偏好训练是接着练，请先训练、合并，再用合并模型做基座",
        name=settings.base_folder.name,
    )
    return Check(WARN, title, detail)


def merged_from(workspace: Workspace, base: str) -> Artefact | None:
    """The newest merged model of the workspace that was trained here, at first from a base folder of this
    name; None for none."""
    known: dict[Path, Artefact] = {}
    for file in workspace.models.glob(f"[!.]*/{MANIFEST}"):
        with contextlib.suppress(ModelError):
            known[file.parent] = read_artefact(file.parent, workspace.home)
    found = [one for one in known.values() if one.kind == "merged" and one.training_run_id is not None]
    return max(
        (one for one in found if _root(one, known) == base), key=lambda one: one.created_at, default=None
    )


def version_of_base(workspace: Workspace, base: Path) -> DatasetVersion | None:
    """The dataset version that a base was trained on here; None where it was not, or the version is gone."""
    with contextlib.suppress(ModelError):
        name = read_artefact(base, workspace.home).dataset_name
        return datasets.find(workspace.engine, name) if name else None
    return None


def _root(model: Artefact, known: dict[Path, Artefact]) -> str:
    """The name of the folder with which the trainings began that led to a merged model."""
    seen: set[Path] = set()
    while model.base in known and model.base not in seen:
        seen.add(model.base)
        model = known[model.base]
    return model.base.name if model.base is not None else ""


def pairs_estimate(pairs: Sequence[Pair], settings: TrainingSettings, world: int = 1) -> IterationEstimate:
    """The size of a training on these pairs in ``world`` processes. Pairs are not packed; ``lengths`` are
    those of the longer answer with its question."""
    turns = [
        {"system": pair.system, "input": pair.prompt, "output": max(pair.chosen, pair.rejected, key=len)}
        for pair in pairs
    ]
    guess = estimate(turns, settings, world)
    iterations = math.ceil(math.ceil(len(pairs) / world) / settings.batch_size) * settings.epochs
    return IterationEstimate(
        samples=len(pairs),
        tokens=2 * guess.tokens,
        packs=len(pairs),
        iterations=iterations,
        steps=math.ceil(iterations / settings.accumulation),
        exact=guess.exact,
        cut=guess.cut,
        lengths=guess.lengths,
    )
