"""Importing files of conversations as samples of a recipe."""

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tianji_core.dataset.conversation import FORM_TITLES, Conversation
from tianji_core.dataset.encodings import encoding_title
from tianji_core.dataset.item_tally import ItemTally
from tianji_core.dataset.reading import Source, bytes_source, file_source, files_under
from tianji_core.i18n import _
from tianji_core.recipe import Axis, FactReader, Options, Recipe, enabled_axes
from tianji_core.store import datasets, recipes, samples
from tianji_core.store.database import writing
from tianji_core.store.samples import IMPORT, PENDING, NewSample
from tianji_core.workspace import Workspace

_BATCH = 2000
SHOWN = 5
"""Samples that a preview shows."""
MOST_PREVIEWED = 20_000
"""Items that a preview reads of one file."""


@dataclass(frozen=True)
class ImportReport:
    """The result of one file: ``added`` new samples, ``known`` items that were in the recipe already or occur
    twice in the file, ``bad`` items left out as (number from 1, reason). ``unplaced`` counts good items whose
    name or scene is unknown. ``form`` is the most frequent form of its items. ``notices`` say what of the
    good items was mended or cannot be kept."""

    import_id: int
    file: str
    form: str
    encoding: str
    added: int
    known: int
    bad: tuple[tuple[int, str], ...]
    unplaced: int
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportPreview:
    """What an import of a file would store: the first ``samples`` with the numbers of their items, from 1.
    The other fields are as in :class:`ImportReport`; they count the first ``looked`` items, and ``whole``
    says whether the file has no more."""

    file: str
    form: str
    encoding: str
    good: int
    bad: tuple[tuple[int, str], ...]
    unplaced: int
    notices: tuple[str, ...]
    samples: tuple[tuple[int, NewSample], ...]
    looked: int
    whole: bool


def report_lines(report: ImportReport) -> list[str]:
    """Returns the result of one file as text, for the log and the command line."""
    first = _(
        "{file}：新增 {added}，已有 {known}，有问题 {bad}",
        file=report.file,
        added=report.added,
        known=report.known,
        bad=len(report.bad),
    )
    return [first, *_notes(report)]


def preview_lines(preview: ImportPreview) -> list[str]:
    """Returns what an import would do as text, for the command line."""
    first = _(
        "{file}（{form}，{encoding}）：可以导入 {good}，有问题 {bad}",
        file=preview.file,
        form=_(FORM_TITLES.get(preview.form, preview.form)) or _("认不出格式"),
        encoding=preview.encoding,
        good=preview.good,
        bad=len(preview.bad),
    )
    if not preview.whole:
        first += _("（只看了前 {n} 项）", n=preview.looked)
    shown = []
    for number, sample in preview.samples:
        before = _("（前面 {n} 轮）", n=len(sample.history)) if sample.history else ""
        shown.append(f"  {number}. {before}{sample.input} → {sample.output}")
    return [first, *(" ".join(line.split()) for line in shown), *_notes(preview)]


def _notes(told: ImportReport | ImportPreview) -> list[str]:
    bad = (_("  第 {number} 项：{reason}", number=number, reason=reason) for number, reason in told.bad)
    return [*(f"  {notice}" for notice in told.notices), *bad]


Progress = Callable[[int, int], None]
"""Called with the bytes read so far and in total."""


def import_path(
    workspace: Workspace,
    recipe_key: str,
    path: Path,
    state: str = PENDING,
    progress: Progress | None = None,
    called: str = "",
    encoding: str = "",
) -> list[ImportReport]:
    """Imports a file, or every JSON, JSONL, CSV and Parquet file in a folder; returns one report for each. A
    file is stored as a whole or, if it is broken or this process is killed, not at all; all files of a folder
    are checked before the first one is stored. ``called`` precedes the names of the files; '' adds nothing.
    ``encoding`` is that of text files; '' recognises it.

    Raises:
        ImportFileError: a file cannot be read or is not what it seems; says where.
    """
    sources = sources_of(path, called, encoding)
    if len(sources) > 1:
        for source in sources:
            deque(source.items(), maxlen=0)
    return _import(workspace, recipe_key, sources, state, progress)


def sources_of(path: Path, called: str = "", encoding: str = "") -> list[Source]:
    """Returns the files of a path, read and raised as by :func:`import_path`."""
    files = files_under(path)
    if not called:
        return [file_source(file, "", encoding) for file in files]
    names = [f"{called}/{file.relative_to(path) if file != path else file.name}" for file in files]
    return [file_source(file, name, encoding) for file, name in zip(files, names, strict=True)]


def import_bytes(
    workspace: Workspace,
    recipe_key: str,
    content: bytes,
    name: str,
    state: str = PENDING,
    encoding: str = "",
) -> ImportReport:
    """Imports an uploaded file; raises as :func:`import_path`."""
    return _import(workspace, recipe_key, [bytes_source(content, name, encoding)], state, None)[0]


def preview_path(
    workspace: Workspace,
    recipe_key: str,
    path: Path,
    shown: int = SHOWN,
    encoding: str = "",
    called: str = "",
) -> list[ImportPreview]:
    """Returns what :func:`import_path` would store, one preview per file; stores nothing and raises the same
    errors."""
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    return [_preview(recipe, source, shown) for source in sources_of(path, called, encoding)]


def preview_bytes(
    workspace: Workspace, recipe_key: str, content: bytes, name: str, shown: int = SHOWN, encoding: str = ""
) -> ImportPreview:
    """Returns what :func:`import_bytes` would store; stores nothing and raises the same errors."""
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    return _preview(recipe, bytes_source(content, name, encoding), shown)


def _preview(recipe: Recipe, source: Source, shown: int) -> ImportPreview:
    tally, guess = ItemTally(source.name), CellGuess(recipe)
    first: list[tuple[int, NewSample]] = []
    items = source.items()
    for item in islice(items, MOST_PREVIEWED):
        conversation = tally.read(item)
        if conversation is None:
            continue
        sample = _sample(recipe, conversation, guess, PENDING)
        tally.unplaced += not (sample.name and sample.scene)
        if len(first) < shown:
            first.append((tally.number, sample))
    return ImportPreview(
        file=source.name,
        form=tally.form,
        encoding=encoding_title(source.encoding),
        good=tally.good,
        bad=tuple(tally.bad),
        unplaced=tally.unplaced,
        notices=tally.notices(),
        samples=tuple(first),
        looked=tally.number,
        whole=next(items, None) is None,
    )


def _import(
    workspace: Workspace, recipe_key: str, sources: Sequence[Source], state: str, progress: Progress | None
) -> list[ImportReport]:
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    guess = CellGuess(recipe)
    total, before, reports = sum(source.size for source in sources), 0, []
    for source in sources:

        def told(done: int, start: int = before) -> None:
            if progress is not None:
                progress(start + done, total)

        reports.append(_store(workspace, recipe, source, guess, state, told))
        before += source.size
    return reports


def _store(
    workspace: Workspace,
    recipe: Recipe,
    source: Source,
    guess: "CellGuess",
    state: str,
    told: Callable[[int], None],
) -> ImportReport:
    tally, added = ItemTally(source.name), 0
    with writing(workspace.engine) as connection:
        number = datasets.insert_import(connection, recipe.key, source.name, source.sha256, "")
        batch: list[NewSample] = []
        for item in source.items(told):
            conversation = tally.read(item)
            if conversation is None:
                continue
            batch.append(_sample(recipe, conversation, guess, state))
            tally.unplaced += not (batch[-1].name and batch[-1].scene)
            if len(batch) >= _BATCH:
                added += len(samples.insert_new(connection, batch, IMPORT, number))
                batch = []
        added += len(samples.insert_new(connection, batch, IMPORT, number))
        datasets.finish_import(connection, number, tally.form, added, tally.good - added, tally.bad)
    return ImportReport(
        import_id=number,
        file=source.name,
        form=tally.form,
        encoding=encoding_title(source.encoding),
        added=added,
        known=tally.good - added,
        bad=tuple(tally.bad),
        unplaced=tally.unplaced,
        notices=tally.notices(),
    )


def _sample(recipe: Recipe, conversation: Conversation, guess: "CellGuess", state: str) -> NewSample:
    last = conversation.turns[-1]
    fact, asked = guess.facts.read(conversation.turns[0].input)
    options, _rest = guess.options_of(asked)
    name, scene, style = guess.of(asked, conversation.style)
    return NewSample(
        recipe=recipe.key,
        system=conversation.system or recipe.prompts.system,
        input=last.input,
        output=last.output,
        name=name,
        scene=scene,
        style=style,
        history=tuple((turn.input, turn.output) for turn in conversation.turns[:-1]),
        prompt=conversation.prompt,
        state=state,
        options=options,
        fact=fact.text if fact is not None else "",
    )


_ENDS = re.compile(r"(?:[\s。.!！~～]|\\[nrt])+$")
"""What an input may end in behind its last word, line ends that were written out among it."""


def _said(axis: Axis) -> list[tuple[str, str]]:
    return [(word, option.id) for option in axis.options for word in option.words]


class CellGuess:
    """Finds the name, scene and style that a training input asks for, by the words of the recipe; longer
    words come first ('邻居赵大妈' before '邻居')."""

    def __init__(self, recipe: Recipe) -> None:
        self.names = sorted((n.text for n in recipe.names), key=len, reverse=True)
        words = {word: scene.text for scene in recipe.scenes for word in (scene.text, scene.wish)}
        self.scenes = sorted(words.items(), key=lambda pair: len(pair[0]), reverse=True)
        self.styles = {style.text for style in recipe.styles}
        named = {suffix: s.text for s in recipe.styles if (suffix := s.suffix.strip(",， "))}
        self.suffixes = sorted(named.items(), key=lambda pair: len(pair[0]), reverse=True)
        self.axes = [
            (axis.id, sorted(_said(axis), key=lambda pair: len(pair[0]), reverse=True))
            for axis in enabled_axes(recipe)
        ]
        self.facts = FactReader(recipe.facts)
        self.plain = next((s.text for s in recipe.styles if not s.suffix.strip()), "")

    def options_of(self, asked: str) -> tuple[Options, str]:
        """Returns the options of the enabled axes whose words an input contains, and the input without these
        words. A word of one character counts only where it stands alone between commas."""
        options, asked = [], _ENDS.sub("", asked)
        for axis, words in self.axes:
            for word, option in words:
                found = re.search(rf"[,，、 ]*{re.escape(word)}", asked)
                if len(word) < 2:
                    found = re.search(rf"[,，、 ]{re.escape(word)}(?=[,，、。！!]|$)", asked)
                if found is not None:
                    options.append((axis, option))
                    asked = asked[: found.start()] + asked[found.end() :]
                    break
        return tuple(options), asked

    def of(self, asked: str, style: str = "") -> tuple[str, str, str]:
        """Returns (name, scene, style) of an input, '' for what it does not contain. ``style`` is the one
        given by the file."""
        style = style if style in self.styles else ""
        _options, rest = self.options_of(asked)
        if not style:
            for suffix, text in self.suffixes:
                if rest.endswith(suffix):
                    style = text
                    rest = rest.removesuffix(suffix)
                    break
        name = next((n for n in self.names if n in rest), "")
        rest = rest.replace(name, "，", 1) if name else rest
        scene = next((text for word, text in self.scenes if word in rest), "")
        if not style and name and scene:
            style = self.plain
        return name, scene, style
