"""Collects pairs from everything that was decided, and settles what contradicts itself."""

import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from tianji_core.comparison.board import board_keys, load_board
from tianji_core.comparison.marks import check_board
from tianji_core.dataset.pairs import SOURCES, Pair
from tianji_core.errors import InputError
from tianji_core.evaluation import Checker
from tianji_core.i18n import _
from tianji_core.models.nano import split_cells
from tianji_core.recipe import Recipe
from tianji_core.store import recipes, samples, votes
from tianji_core.store.samples import ACCEPTED, REJECTED, Sample, SampleFilter
from tianji_core.store.votes import BETTER
from tianji_core.workspace import Workspace

CLEARLY = 1.0
"""Points between a judge's scores (0 to 5) from which one text counts as better."""
PER_PROMPT = 4
HELD = 10
"""One prompt in so many is held out."""


@dataclass(frozen=True)
class Collected:
    """Pairs to train with and pairs held out, no prompt in both; ``left_out`` counts, by reason, what did not
    become a pair: equal, conflict, twice, limit."""

    train: tuple[Pair, ...]
    held: tuple[Pair, ...]
    left_out: dict[str, int] = field(default_factory=dict)


def collected_pairs(workspace: Workspace, recipe_key: str, sources: Sequence[str] = SOURCES) -> Collected:
    """Returns the pairs of a recipe from these sources.

    Raises:
        InputError: a source is unknown.
    """
    if unknown := [source for source in sources if source not in SOURCES]:
        raise InputError(
            _("没有“{source}”这种来源，可以的是：{known}", source=unknown[0], known=_("、").join(SOURCES))
        )
    recipe = recipes.current(workspace.engine, recipe_key).recipe
    found: list[Pair] = []
    if "vote" in sources:
        found += _voted(workspace, recipe_key)
    if {"edit", "review", "judge"} & set(sources):
        kept = [
            each
            for batch in samples.each(workspace.engine, SampleFilter(recipe_key))
            for each in batch
            if not each.history
        ]
        found += [pair for pair in _of_samples(kept) if pair.source in sources]
    if "check" in sources:
        found += _checked(workspace, recipe)
    return settled_pairs(found, recipe)


def settled_pairs(found: Iterable[Pair], recipe: Recipe) -> Collected:
    """Returns pairs that do not contradict each other.

    Of two sources that disagree on two answers the more telling one counts; where one source disagrees with
    itself, neither. A prompt keeps at most ``PER_PROMPT`` pairs, the most telling ones. Held out are the
    cells that evaluations ask for, and one in ten of the other prompts."""
    left = Counter[str]()
    by_texts: dict[tuple[str, str, frozenset[str]], list[Pair]] = defaultdict(list)
    for pair in found:
        if pair.chosen == pair.rejected:
            left["equal"] += 1
        else:
            by_texts[pair.texts].append(pair)
    settled = []
    for said in by_texts.values():
        first = min(SOURCES.index(pair.source) for pair in said)
        telling = [pair for pair in said if SOURCES.index(pair.source) == first]
        if len({pair.chosen for pair in telling}) > 1:
            left["conflict"] += len(said)
            continue
        left["twice"] += len(said) - 1
        settled.append(telling[0])
    by_prompt: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in sorted(settled, key=lambda pair: SOURCES.index(pair.source)):
        by_prompt[pair.system, pair.prompt].append(pair)
    _learnt, kept = split_cells({(pair.name, pair.scene) for pair in settled if pair.name and pair.scene})
    asked = set(kept)
    apart = {
        prompt
        for (_system, prompt), pairs in by_prompt.items()
        if int(hashlib.sha256(prompt.encode()).hexdigest(), 16) % HELD == 0
        or any((pair.name, pair.scene) in asked for pair in pairs)
    }
    train: list[Pair] = []
    held: list[Pair] = []
    for (_system, prompt), pairs in by_prompt.items():
        left["limit"] += max(0, len(pairs) - PER_PROMPT)
        (held if prompt in apart else train).extend(pairs[:PER_PROMPT])
    return Collected(tuple(train), tuple(held), {key: number for key, number in left.items() if number})


def _voted(workspace: Workspace, recipe_key: str) -> Iterator[Pair]:
    for vote in votes.listed(workspace.engine, recipe_key):
        if vote.outcome == BETTER and vote.style == vote.loser_style:
            about = (vote.name, vote.scene, vote.style)
            texts = vote.chosen.strip(), vote.rejected.strip()
            yield Pair("vote", vote.system, vote.prompt, *texts, *about)


def _of_samples(kept: Sequence[Sample]) -> Iterator[Pair]:
    """Edits, accepted beside rejected samples, and judged samples of one cell and style."""
    by_cell: dict[tuple[str, str, str], list[Sample]] = defaultdict(list)
    for sample in kept:
        if sample.state == ACCEPTED and sample.original.strip() and sample.original != sample.output:
            yield _pair("edit", sample, sample.output, sample.original)
        if sample.name and sample.scene:
            by_cell[sample.name, sample.scene, sample.style].append(sample)
    for members in by_cell.values():
        accepted = [one for one in members if one.state == ACCEPTED]
        rejected = [one for one in members if one.state == REJECTED]
        for good, bad in zip(accepted, rejected, strict=False):
            yield _pair("review", good, good.output, bad.output)
        judged = [one for one in members if one.score is not None and one.state != REJECTED]
        for one, other in combinations(judged[:PER_PROMPT], 2):
            better, worse = sorted((one, other), key=lambda each: each.score or 0.0, reverse=True)
            if (better.score or 0.0) - (worse.score or 0.0) >= CLEARLY:
                yield _pair("judge", better, better.output, worse.output)


def _pair(source: str, sample: Sample, chosen: str, rejected: str) -> Pair:
    about = (sample.name, sample.scene, sample.style)
    return Pair(source, sample.system, sample.input, chosen.strip(), rejected.strip(), *about)


def _checked(workspace: Workspace, recipe: Recipe) -> Iterator[Pair]:
    """Answers of comparisons that pass every check, beside answers to the same request that do not."""
    checker = Checker(recipe)
    for key in board_keys(workspace):
        try:
            board = load_board(workspace, key)
        except InputError as error:
            print(error, file=sys.stderr, flush=True)
            continue
        if board.recipe != recipe.key:
            continue
        by_request: dict[str, tuple[list[Pair], list[str]]] = defaultdict(lambda: ([], []))
        for answer in check_board(board, lambda _model: checker):
            cell, ask = answer.cell, board.asks[answer.cell.row]
            good, bad = by_request[cell.request]
            if answer.passed:
                about = (ask.name, ask.scene, board.columns[cell.column].style)
                good.append(Pair("check", board.system, cell.request, cell.text.strip(), "", *about))
            elif answer.passed is False:
                bad.append(cell.text.strip())
        for good, bad in by_request.values():
            for better, worse in zip(good, bad, strict=False):
                yield Pair(**{**vars(better), "rejected": worse})
