"""Finds the tasks of a plan that the offline composer has no phrases for, before a run starts."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from tianji_core.errors import ComposerError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe, Task, Words, brief, known_options, shipped_kind
from tianji_core.teachers.composer import BUILT_IN, Composer, Phrases, load_phrases

_SHOWN = 6
_SHIPPED = Words()
_TRIED = 400
"""Pairs of a style and a fact that are tried."""


@dataclass(frozen=True)
class OfflineGaps:
    """Tasks that the composer has no phrases for. ``styles`` are unknown altogether; ``scenes`` are missing
    from a style that it knows and that has no phrases for occasions of their kind; ``count`` of ``total``
    tasks are affected. ``options`` and ``facts`` say which conditions and which facts change nothing in which
    styles, since no sentence for them fits there; such tasks are written all the same."""

    styles: tuple[str, ...]
    scenes: tuple[str, ...]
    count: int
    total: int
    folder: str
    options: tuple[str, ...] = ()
    facts: tuple[str, ...] = ()
    words: Words = _SHIPPED

    @property
    def everything(self) -> bool:
        """Whether not a single task could be written."""
        return self.count == self.total

    @property
    def message(self) -> str:
        """What is missing and what to add, a clause for each."""
        said = [self._unwritten] if self.count else []
        for title, lacking in ((_("条件"), self.options), (_("细节"), self.facts)):
            if lacking:
                list_ = _some(lacking)
                said.append(
                    _("离线造句没有合用的{title}语句，照写但看不出来：{list}", title=title, list=list_)
                )
        return _("；").join(said)

    @property
    def _unwritten(self) -> str:
        parts, said = [], self.words.shown()
        if self.styles:
            parts.append(_("{kind} {list}", kind=said.style, list=_some(self.styles)))
        if self.scenes:
            parts.append(_("{kind} {list}", kind=said.scene, list=_some(self.scenes)))
        return _(
            "离线造句写不了这个计划里的 {count} / {total} 条：它没有{lacking}的语句。请换一个接口模型；或在 {folder} 里为它们添加语句",
            count=self.count,
            total=self.total,
            lacking=_("、").join(parts),
            folder=self.folder,
        )


def offline_gaps(recipe: Recipe, planned: Iterable[Task]) -> OfflineGaps | None:
    """Returns the tasks of ``planned`` that the composer cannot write or whose conditions it cannot show;
    None where there are none."""
    phrases = _phrases(max(file.stat().st_mtime_ns for file in BUILT_IN.rglob("*.yaml")))
    planned = list(planned)
    counts: dict[tuple[str, str], int] = {}
    for task in planned:
        counts[task.style, task.scene] = counts.get((task.style, task.scene), 0) + 1
    kinds = {scene.text: shipped_kind(scene.kind) for scene in recipe.scenes}
    lacking = {
        (style, scene): n
        for (style, scene), n in counts.items()
        if style not in phrases.styles or phrases.styles[style].banks_of(scene, kinds.get(scene)) is None
    }
    written = [task for task in planned if (task.style, task.scene) not in lacking]
    options, facts = _silent_options(recipe, written, phrases), _silent_facts(recipe, written, phrases)
    if not lacking and not options and not facts:
        return None
    styles = {style for style, _scene in lacking if style not in phrases.styles}
    scenes = {scene for style, scene in lacking if style in phrases.styles}
    return OfflineGaps(
        styles=tuple(s.text for s in recipe.styles if s.text in styles),
        scenes=tuple(s.text for s in recipe.scenes if s.text in scenes),
        count=sum(lacking.values()),
        total=sum(counts.values()),
        folder=f"{phrases.folder.parent.name}/{phrases.folder.name}",
        options=options,
        facts=facts,
        words=recipe.words,
    )


def _silent_options(recipe: Recipe, written: Iterable[Task], phrases: Phrases) -> tuple[str, ...]:
    """Returns the options that set no length and have no sentence in a style, with these styles."""
    met = dict.fromkeys((pair, task.style) for task in written for pair in task.options)
    silent: dict[str, list[str]] = {}
    for pair, style in met:
        for axis, option in known_options(recipe, [pair]):
            if option.limits(style) == (None, None) and not phrases.closings(*pair, style):
                silent.setdefault(f"{axis.title} {option.title}", []).append(style)
    return tuple(f"{title}（{_('、').join(styles)}）" for title, styles in silent.items())


def _silent_facts(recipe: Recipe, written: Iterable[Task], phrases: Phrases) -> tuple[str, ...]:
    """Returns the styles whose texts do not use some fact, with the number of such facts: one text of each
    style and fact is written to see."""
    first: dict[tuple[str, str], Task] = {}
    for task in written:
        if task.fact and len(first) < _TRIED:
            first.setdefault((task.style, task.fact), task)
    composer = Composer(phrases)
    silent: dict[str, int] = {}
    for (style, _fact), task in first.items():
        try:
            used = composer.uses_fact(brief(recipe, task, 0))
        except ComposerError:
            used = False
        silent[style] = silent.get(style, 0) + (not used)
    return tuple(_("{style}（{n} 条）", style=style, n=n) for style, n in silent.items() if n)


@lru_cache(maxsize=1)
def _phrases(_modified: int) -> Phrases:
    return load_phrases()


def _some(texts: tuple[str, ...]) -> str:
    shown = _("、").join(texts[:_SHOWN])
    return shown if len(texts) <= _SHOWN else shown + _("等 {n} 个", n=len(texts))
