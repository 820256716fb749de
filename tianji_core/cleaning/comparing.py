"""Rules that compare all samples of a recipe: near duplicates, and openings that too many texts share."""

import hashlib
import math
from collections.abc import Collection, Container
from dataclasses import replace

from tianji_core.cleaning.near import BANDS, alike, band_keys, leaders, near_pairs
from tianji_core.cleaning.rule import bounds, program_digest
from tianji_core.cleaning.rules import EXACT_DUPLICATE, NEAR_DUPLICATE, OVERUSED_OPENING, RULES
from tianji_core.i18n import _
from tianji_core.recipe import built_in_recipes
from tianji_core.roles import bookkeeping
from tianji_core.store import comparing, findings, steps
from tianji_core.store.comparing import CheckState, Compared, Signature
from tianji_core.store.samples import ACCEPTED, REJECTED, Sample, SampleFilter
from tianji_core.store.steps import Step
from tianji_core.workspace import Workspace

_settled: dict[tuple[str, str], str] = {}
"""The newest steps of a recipe, by database and recipe, after which this process found nothing to compare."""


def rules_basis(workspace: Workspace, recipe_key: str) -> str:
    """Returns a digest of what findings depend on besides the texts: the recipe's revision and the rules."""
    revision = comparing.newest_revision(workspace.engine, recipe_key)
    file = built_in_recipes().get(recipe_key) if not revision else None
    built_in = file.read_text(encoding="utf-8") if file is not None else ""
    parts = (str(revision), built_in, program_digest(), *(rule.id for rule in RULES))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@bookkeeping()
def forget_outdated(workspace: Workspace, recipe_key: str) -> bool:
    """Marks every sample as unchecked if the recipe or the rules have changed since the last check; returns
    whether they had."""
    state, current = comparing.check_state(workspace.engine, recipe_key), rules_basis(workspace, recipe_key)
    if state is not None and state.basis == current:
        return False
    comparing.save_check_state(workspace.engine, recipe_key, CheckState(current, False, ""))
    return bool(findings.forget_checks(workspace.engine, recipe_key))


def must_compare(workspace: Workspace, recipe_key: str) -> None:
    """Records that texts have changed, so that :func:`compare_all` has work to do."""
    state = comparing.check_state(workspace.engine, recipe_key)
    if state is None or state.compared:
        mark = CheckState(state.basis if state else rules_basis(workspace, recipe_key), False, "")
        comparing.save_check_state(workspace.engine, recipe_key, mark)


@bookkeeping()
def compare_all(workspace: Workspace, recipe_key: str) -> int:
    """Updates the findings of near duplicates and of frequent openings; returns how many samples were
    compared. Takes two short queries if no text has changed since the last time, and writes nothing where the
    steps since then leave all as it is: that is so after nearly every key of a review."""
    state = comparing.check_state(workspace.engine, recipe_key)
    mark = comparing.steps_mark(workspace.engine, recipe_key)
    place = (str(workspace.engine.url), recipe_key)
    if state is None or (state.compared and mark in (state.steps, _settled.get(place))):
        return 0
    due = comparing.left_by_leaders(workspace.engine, recipe_key)
    if state.compared and not due:
        _settled[place] = mark
        return 0
    done = _find_near(workspace, recipe_key, due)
    _mark_near(workspace, recipe_key)
    _mark_openings(workspace, recipe_key)
    comparing.save_check_state(workspace.engine, recipe_key, replace(state, compared=True, steps=mark))
    return done


def _find_near(workspace: Workspace, recipe_key: str, due: Collection[int]) -> int:
    """Compares the samples without a signature, those of ``due``, and those whose twin is one of these."""
    import numpy as np

    compared = comparing.compared(workspace.engine, recipe_key)
    fresh = {row.id for row in compared if row.bands is None}
    due = fresh | set(due)
    due |= {row.id for row in compared if row.twin_id in due}
    if not due:
        return 0
    place = {row.id: index for index, row in enumerate(compared)}
    keys = np.zeros((len(compared), BANDS), dtype=np.uint64)
    known = [index for index, row in enumerate(compared) if row.bands is not None]
    if known:
        stored = b"".join(compared[index].bands or b"" for index in known)
        keys[known] = np.frombuffer(stored, dtype="<u8").reshape(len(known), BANDS)
    texts = comparing.texts(workspace.engine, sorted(fresh))
    ordered = sorted(fresh & texts.keys())
    if ordered:
        keys[[place[number] for number in ordered]] = band_keys([texts[n][0] for n in ordered])
    close = _sharing_a_band(keys, [place[number] for number in due])
    texts |= comparing.texts(workspace.engine, sorted({compared[i].id for i in close} - texts.keys()))
    repeated = _twins(compared, place, keys, close, texts, due)
    stored, width = keys.astype("<u8").tobytes(), 8 * BANDS
    signatures = []
    for number in sorted(due & texts.keys()):
        start = width * place[number]
        bands = stored[start : start + width] if number in fresh else None
        signatures.append(Signature(number, texts[number][1], bands, *repeated.get(number, (None, None))))
    comparing.save_signatures(workspace.engine, recipe_key, signatures)
    return len(signatures)


def _sharing_a_band(keys, due):  # type: ignore[no-untyped-def]
    """Returns the indexes of all texts that share a band with one of ``due`` (indexes), these included."""
    import numpy as np

    if len(due) == len(keys):
        return list(range(len(keys)))
    mine = np.zeros(len(keys), dtype=bool)
    mine[due] = True
    for band in range(BANDS):
        mine |= np.isin(keys[:, band], keys[due, band])
    return np.flatnonzero(mine).tolist()


def _twins(  # type: ignore[no-untyped-def]
    compared: list[Compared],
    place: dict[int, int],
    keys,
    close: list[int],
    texts: dict[int, tuple[str, str]],
    due: Collection[int],
) -> dict[int, tuple[int, float]]:
    """Returns sample id → (id of the kept sample, similarity) for the samples of ``due``. Equal texts are
    compared once and are no near duplicates of each other: the rule for exact duplicates reports them."""
    by_text: dict[str, list[int]] = {}
    for index in close:
        if compared[index].id in texts:
            by_text.setdefault(texts[compared[index].id][0], []).append(index)
    different = list(by_text)
    due_texts = [n for n, text in enumerate(different) if any(compared[i].id in due for i in by_text[text])]
    pairs = near_pairs(different, keys[[by_text[text][0] for text in different]], due_texts)

    def standing(text: str) -> list[int]:
        return [i for i in by_text[text] if not compared[i].rejected]

    kept = [
        n
        for n, text in enumerate(different)
        if any(compared[i].id not in due and compared[i].twin_id is None for i in standing(text))
    ]
    order = sorted(due_texts, key=lambda n: (not standing(different[n]), min(by_text[different[n]])))
    known = set(kept)
    repeated = leaders([n for n in order if n not in known], pairs, known)
    twins: dict[int, tuple[int, float]] = {}
    for n, (leader, similarity) in repeated.items():
        of = by_text[different[leader]]
        first = compared[min(standing(different[leader]) or of)].id
        for index in by_text[different[n]]:
            twins[compared[index].id] = (first, similarity)
    return {number: twin for number, twin in twins.items() if number in due}


def _mark_near(workspace: Workspace, recipe_key: str) -> None:
    twins = comparing.twins(workspace.engine, recipe_key)
    same = comparing.same_cell(workspace.engine, {number: twin for number, (twin, _s) in twins.items()})
    details = {}
    equal = findings.with_rule(workspace.engine, recipe_key, EXACT_DUPLICATE.id)
    for number, (twin, similarity) in twins.items():
        if number in equal:  # a duplicate has one name
            continue
        values = {"id": twin, "percent": math.floor(100 * similarity)}
        details[number] = (
            _("和样本 {id} 几乎一样（{percent}%）", **values)
            if number in same
            else _("和样本 {id} 几乎一样（{percent}%），只是换了写给谁或写什么", **values)
        )
    comparing.sync(workspace.engine, recipe_key, NEAR_DUPLICATE.id, details)


def _mark_openings(workspace: Workspace, recipe_key: str) -> None:
    allowed = bounds().opening
    details: dict[int, str] = {}
    for style, opening, number, total in comparing.frequent_openings(
        workspace.engine, recipe_key, allowed.at_least
    ):
        most = max(allowed.at_least, math.floor(allowed.share * total))
        if number <= most:
            continue
        detail = _(
            "{n} 条{style}样本都以“{opening}”开头，最多 {most} 条",
            n=number,
            style=style,
            opening=opening,
            most=most,
        )
        ids = comparing.with_opening(workspace.engine, recipe_key, style, opening)
        details |= dict.fromkeys(ids[most:], detail)
    comparing.sync(workspace.engine, recipe_key, OVERUSED_OPENING.id, details)


def ranked(members: Collection[Sample], twins: Container[int]) -> list[Sample]:
    """Returns the samples of a cluster, the one to keep first: accepted before pending, then by fewer
    findings of other rules, more stars, higher score, greater length, lower number. ``twins`` are the near
    duplicates, whose own finding does not count."""

    def place(sample: Sample) -> tuple[float, ...]:
        others = sample.finding_count - (sample.id in twins)
        stars, score = sample.rating or 0, sample.score or 0.0
        return (sample.state != ACCEPTED, others, -stars, -score, -sample.length, sample.id)

    return sorted(members, key=place)


def keep_best(
    workspace: Workspace, sample_filter: SampleFilter, who: str, only: Collection[int] | None = None
) -> Step | None:
    """Keeps the best sample of every cluster with a matching member (or only of those with a leader in
    ``only``) and rejects its near duplicates, as one step; None if there was nothing to reject. Two members
    that differ enough from each other are both kept."""
    clusters = comparing.clusters(workspace.engine, sample_filter)
    led = [cluster.leader for cluster in clusters if only is None or cluster.leader in only]
    twins = comparing.twins(workspace.engine, sample_filter.recipe)
    groups: dict[int, list[Sample]] = {}
    for sample in comparing.members_of(workspace.engine, led):
        if sample.state != REJECTED:
            groups.setdefault(twins.get(sample.id, (sample.id, 1.0))[0], []).append(sample)
    rejected: dict[int, int] = {}
    for members in groups.values():
        kept: list[Sample] = []
        for sample in ranked(members, twins):
            if any(alike(sample.output, other.output) for other in kept):
                rejected[sample.id] = sample.version
            else:
                kept.append(sample)
    step = steps.set_state(
        workspace.engine,
        SampleFilter(sample_filter.recipe, ids=tuple(rejected)),
        REJECTED,
        who,
        rejected,
        _("近似重复只留最好的，弃用 {n} 条", n=len(rejected)),
    )
    compare_all(workspace, sample_filter.recipe)
    return step
