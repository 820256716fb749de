"""The samples of a training that learns from several dataset versions, drawn by its seed, and their one
file."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tianji_core.dataset import training_file, verify
from tianji_core.dataset.writing import write_synced, write_training_file
from tianji_core.errors import DatasetError, StudioError, TrainingError
from tianji_core.files import sha256
from tianji_core.i18n import _
from tianji_core.model_folders.learnt import LearntPart
from tianji_core.store import datasets
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import TrainingExample
from tianji_core.training.check import PASS, STOP, WARN, Check
from tianji_core.training.estimate import estimate, read_training_file
from tianji_core.training.mix_parts import drawn_counts
from tianji_core.training.part import samples_of
from tianji_core.training.settings import TrainingSettings
from tianji_core.workspace import Workspace

MIXED_TRAIN, MIX = "mixed_train.json", "mix.json"
"""The training file in the work folder of a training with several versions, and what it consists of."""
MANY_PASSES = 4
"""Repetitions of one sample in a pass over the file from which it is likely to be learnt by heart."""
MOST_PASSES = 100
"""Repetitions beyond which a mix is a mistake; the file would also grow beyond all bounds."""
_READ_ONLY = 0o400


class _Stored(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class MixedPart(_Stored):
    """One version in a mixed file: its hash, the share asked for (None: all of it), the samples that it has,
    and ``count``, those in the file, of about ``tokens`` tokens (None where an older studio did not count
    them). The training's own version comes first."""

    version: str = Field(max_length=60)
    sha256: str = Field(max_length=64)
    share: float | None = None
    size: int = Field(ge=0)
    count: int = Field(ge=0)
    tokens: int | None = Field(default=None, ge=0)


class Mix(_Stored):
    """What a mixed training file consists of: its hash, the seed of draw and order, and the parts."""

    sha256: str
    seed: int
    count: int
    parts: tuple[MixedPart, ...]

    @property
    def learnt(self) -> tuple[LearntPart, ...]:
        """The parts as the card of a model names them."""
        samples = sum(part.count for part in self.parts)
        counted = [part.tokens for part in self.parts if part.tokens is not None]
        tokens = sum(counted) if len(counted) == len(self.parts) else 0
        return tuple(
            LearntPart(
                version=part.version,
                sha256=part.sha256,
                weight=part.share,
                size=part.size,
                samples=part.count,
                share=part.count / samples if samples else 0.0,
                token_share=(part.tokens or 0) / tokens if tokens else None,
            )
            for part in self.parts
        )

    @property
    def sentence(self) -> str:
        """The versions with their numbers of samples and true shares."""
        return _("、").join(part.sentence for part in self.learnt)


@dataclass(frozen=True)
class _Component:
    version: DatasetVersion
    size: int
    share: float | None
    count: int

    def drawn(self, examples: list[TrainingExample], seed: int) -> list[TrainingExample]:
        """Whole passes over the examples, then the rest without repetition."""
        passes, rest = divmod(self.count, len(examples))
        return [*examples * passes, *Random(f"{seed}:{self.version.name}").sample(examples, rest)]


def _tokens(file: Path, settings: TrainingSettings, count: int) -> int:
    """About how many tokens ``count`` samples of a training file have."""
    turns = read_training_file(file)
    samples = len(json.loads(file.read_text(encoding="utf-8")))
    return round(estimate(turns, settings).tokens * count / max(1, samples))


def plain_examples(file: Path) -> Iterator[TrainingExample]:
    """Yields the samples of a training file without their receivers and occasions."""
    for number, item in enumerate(json.loads(file.read_text(encoding="utf-8"))):
        *earlier, last = item["conversation"]
        yield TrainingExample(
            name="",
            scene="",
            style="",
            source="",
            system=(earlier[0] if earlier else last)["system"],
            history=[{"input": turn["input"], "output": turn["output"]} for turn in earlier],
            input=last["input"],
            output=last["output"],
            digest=str(number),
            id=number,
        )


def _components(
    workspace: Workspace, version: DatasetVersion, settings: TrainingSettings
) -> list[_Component]:
    """The further versions of a training, verified, with what each of them gives.

    Raises:
        StudioError: a version is gone, damaged, empty, or the training's own, or gives no sample.
    """
    found = [datasets.by_name(workspace.engine, part.version) for part in settings.mix]
    for each in found:
        if each.id == version.id:
            raise TrainingError(_("“{name}”就是训练自己的数据集，不用再混入", name=each.name))
        verify(workspace, each)
        if not each.count:
            raise DatasetError(_("要混入的“{name}”是空的", name=each.name))
    sizes = [each.count for each in found]
    counts = drawn_counts(samples_of(settings, version), sizes, settings.mix)
    for part, count in zip(settings.mix, counts, strict=True):
        if not count:
            raise TrainingError(
                _("“{name}”的份额太小，连一条样本也轮不到；请调大，或不混入它", name=part.version)
            )
    for each, size, count in zip(found, sizes, counts, strict=True):
        if count > MOST_PASSES * size:
            raise TrainingError(
                _(
                    "“{name}”只有 {n} 条，凑够份额每条要学 {passes} 遍；请把份额调低，或多导入一些",
                    name=each.name,
                    n=size,
                    passes=f"{count / size:.0f}",
                )
            )
    return [
        _Component(each, size, part.share, count)
        for each, size, part, count in zip(found, sizes, settings.mix, counts, strict=True)
    ]


def write_mixed(
    workspace: Workspace, version: DatasetVersion, settings: TrainingSettings, own: Path, folder: Path
) -> Path:
    """Writes the samples of ``own`` (the version's file or its varied copy) and those of the further versions
    into one read-only file in ``folder``, with what it consists of beside it, and returns its path. The same
    seed and versions give the same file.

    Raises:
        StudioError: as the check of :func:`mix_check`.
    """
    examples = list(plain_examples(own))
    components = _components(workspace, version, settings)
    mixed = list(examples)
    for each in components:
        mixed += each.drawn(list(plain_examples(training_file(workspace, each.version))), settings.seed)
    Random(settings.seed).shuffle(mixed)
    _tally, digest = write_training_file(mixed, folder / MIXED_TRAIN)
    first = MixedPart(
        version=version.name,
        sha256=version.sha256,
        size=version.count,
        count=len(examples),
        tokens=_tokens(own, settings, len(examples)),
    )
    parts = [
        MixedPart(
            version=each.version.name,
            sha256=each.version.sha256,
            share=each.share,
            size=each.size,
            count=each.count,
            tokens=_tokens(training_file(workspace, each.version), settings, each.count),
        )
        for each in components
    ]
    facts = Mix(sha256=digest, seed=settings.seed, count=len(mixed), parts=(first, *parts))
    write_synced(folder / MIX, facts.model_dump_json(indent=2) + "\n")
    for name in (MIXED_TRAIN, MIX):
        (folder / name).chmod(_READ_ONLY)
    return folder / MIXED_TRAIN


def read_mix(folder: Path) -> Mix | None:
    """Returns what the mixed file in a work folder consists of; None where there is none."""
    try:
        return Mix.model_validate_json((folder / MIX).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return None


def verify_mixed(folder: Path, mix: Mix) -> None:
    """Checks the mixed file of a training against the hash taken when it was written.

    Raises:
        DatasetError: it is missing or was changed.
    """
    path = folder / MIXED_TRAIN
    if not path.is_file():
        raise DatasetError(_("这次训练的混合文件 {file} 不见了；请重新建一个训练", file=path))
    if sha256(path) != mix.sha256:
        raise DatasetError(_("这次训练的混合文件 {file} 被改过；请重新建一个训练", file=path))


def mix_check(
    workspace: Workspace, version: DatasetVersion, settings: TrainingSettings, turns: list[dict[str, str]]
) -> tuple[list[dict[str, str]], list[Check]]:
    """Returns the turns of all samples of a training, given those of its own version ([] where the mix cannot
    be used), and the checks of the mix."""
    title = _("混入")
    try:
        components = _components(workspace, version, settings)
        drawn = []
        for each in components:
            theirs = read_training_file(training_file(workspace, each.version))
            passes = each.count / each.size
            drawn += theirs * int(passes) + theirs[: round(len(theirs) * (passes % 1))]
    except StudioError as error:
        return [], [Check(STOP, title, str(error))]
    counts = [
        (version.name, samples_of(settings, version)),
        *((each.version.name, each.count) for each in components),
    ]
    total = sum(count for _name, count in counts)
    shares = [LearntPart(version=name, samples=count, share=count / total) for name, count in counts]
    parts = _("、").join(part.sentence for part in shares)
    checks = [Check(PASS, title, _("一共 {n} 条：{parts}", n=total, parts=parts))]
    checks += [Check(WARN, title, doubt) for each in components for doubt in _doubts(version, each)]
    return turns + drawn, checks


def _doubts(version: DatasetVersion, part: _Component) -> Iterator[str]:
    """What may not be meant about a further version, a sentence each."""
    name = part.version.name
    if _other_task(version, part.version):
        yield _(
            "“{name}”是配方“{other}”的，不是“{own}”的：它的系统提示词和名单照原样学，评测只看“{own}”",
            name=name,
            other=part.version.recipe,
            own=version.recipe,
        )
    if part.count >= MANY_PASSES * part.size:
        yield _(
            "“{name}”只有 {n} 条，凑够份额每条要学 {passes} 遍，容易背下来；请多导入一些，或调低份额",
            name=name,
            n=part.size,
            passes=f"{part.count / part.size:.1f}",
        )


def _other_task(own: DatasetVersion, other: DatasetVersion) -> bool:
    """Whether a version holds the samples of another recipe; imported conversations belong to none."""
    return own.recipe != other.recipe and not other.conversations
