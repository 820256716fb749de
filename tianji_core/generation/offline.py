"""Finds the tasks of a plan that the offline composer has no phrases for, before a run starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Task
from tianji_core.teachers.composer import BUILT_IN, Phrases, load_phrases

_SHOWN = 6


@dataclass(frozen=True)
class OfflineGaps:
    """Tasks that the composer has no phrases for. ``styles`` are unknown altogether; ``scenes`` are missing
    from a style that it knows and that has no phrases for occasions of their kind; ``count`` of ``total``
    tasks are affected."""

    styles: tuple[str, ...]
    scenes: tuple[str, ...]
    count: int
    total: int
    folder: str

    @property
    def everything(self) -> bool:
        """Whether not a single task could be written."""
        return self.count == self.total

    @property
    def message(self) -> str:
        """What is missing and what to add, in one sentence."""
        parts = []
        if self.styles:
            parts.append(_("风格 {list}", list=_some(self.styles)))
        if self.scenes:
            parts.append(_("场景 {list}", list=_some(self.scenes)))
        return _(
            "离线造句写不了这个计划里的 {count} / {total} 条：它没有{lacking}的语句。请换一个接口模型；或在 {folder} 里为它们添加语句",
            count=self.count,
            total=self.total,
            lacking=_("、").join(parts),
            folder=self.folder,
        )


def offline_gaps(recipe: Recipe, planned: Iterable[Task]) -> OfflineGaps | None:
    """Returns the tasks of ``planned`` that the composer cannot write; None where it can write all of
    them."""
    phrases = _phrases(max(file.stat().st_mtime_ns for file in BUILT_IN.rglob("*.yaml")))
    counts: dict[tuple[str, str], int] = {}
    for task in planned:
        counts[task.style, task.scene] = counts.get((task.style, task.scene), 0) + 1
    kinds = {scene.text: scene.kind for scene in recipe.scenes}
    lacking = {
        (style, scene): n
        for (style, scene), n in counts.items()
        if style not in phrases.styles or phrases.styles[style].banks_of(scene, kinds.get(scene)) is None
    }
    if not lacking:
        return None
    styles = {style for style, _scene in lacking if style not in phrases.styles}
    scenes = {scene for style, scene in lacking if style in phrases.styles}
    return OfflineGaps(
        styles=tuple(s.text for s in recipe.styles if s.text in styles),
        scenes=tuple(s.text for s in recipe.scenes if s.text in scenes),
        count=sum(lacking.values()),
        total=sum(counts.values()),
        folder=f"{phrases.folder.parent.name}/{phrases.folder.name}",
    )


@lru_cache(maxsize=1)
def _phrases(_modified: int) -> Phrases:
    return load_phrases()


def _some(texts: tuple[str, ...]) -> str:
    shown = _("、").join(texts[:_SHOWN])
    return shown if len(texts) <= _SHOWN else shown + _("等 {n} 个", n=len(texts))
