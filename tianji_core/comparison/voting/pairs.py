"""Asks a teacher about every pair of a comparison that it has not judged yet. Each verdict is stored as it
arrives, so that the job can be stopped or killed at any moment and continued later."""

import asyncio
from dataclasses import dataclass, replace
from itertools import combinations

from tianji_core import dispatch
from tianji_core.comparison.ballots import ballots, vote_between
from tianji_core.comparison.board import Board
from tianji_core.comparison.voting.asking import SECOND, duel_prompt, read_duel, settled
from tianji_core.dispatch import Failed, Lane, Outcome, Retry, Usage, expected_usage
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.locks import refusing_lock
from tianji_core.recipe import Recipe
from tianji_core.store import recipes, votes
from tianji_core.store.votes import BETTER, NONE, TEACHER, TIE, Vote
from tianji_core.teachers import Sampling, TeacherChoice, asking, price_of, provider, resolved_model
from tianji_core.teachers.reply import finished_part
from tianji_core.workspace import Workspace

_SAMPLING = Sampling(temperature=0.0, max_tokens=1024)
"""A judge should give the same verdict twice; a thinking model needs tokens before its answer."""
VERDICT_TOKENS = 45
"""Tokens of an answer: one word and one short sentence."""


@dataclass(frozen=True)
class VotingResult:
    """The number of pairs with a new verdict, without a usable answer, and still to be judged; ``reason``
    is why most of those without an answer have none, '' where every one has."""

    judged: int
    failed: int
    waiting: int
    reason: str = ""


def open_pairs(workspace: Workspace, board: Board, who: str) -> list[Vote]:
    """Returns the pairs of a board that ``who`` has not judged, as undecided votes."""
    texts = {cell.text for cell in board.cells if cell.answered}
    known = {vote.answers for vote in votes.between(workspace.engine, board.recipe, texts, TEACHER, who)}
    undecided = [
        vote_between(board, one, other, TIE)
        for ballot in ballots(board)
        for one, other in combinations(ballot.cells, 2)
    ]
    return [vote for vote in undecided if vote.answers not in known]


def judge_name(workspace: Workspace, choice: TeacherChoice) -> str:
    """Returns the name under which a teacher votes: its model, at most 40 characters."""
    return (resolved_model(provider(workspace, choice.provider), choice) or choice.provider)[:40]


def usage_of(recipe: Recipe, vote: Vote) -> Usage:
    """Returns the tokens that both questions about a pair are likely to use."""
    once = expected_usage(duel_prompt(recipe, vote, False), VERDICT_TOKENS)
    return once + once


class _PairClient:
    """Asks about pairs, each in both orders."""

    def __init__(self, recipe: Recipe, ask: asking.Ask) -> None:
        self._recipe = recipe
        self._ask = ask

    def expected(self, item: Vote) -> Usage:
        """Returns an estimate from the characters of the requests."""
        return usage_of(self._recipe, item)

    async def ask(self, item: Vote, _attempts: int) -> Outcome[Vote]:
        """Sends both requests about a pair.

        Raises:
            TeacherError: no answer, or one without a verdict.
        """
        straight = await self._ask(duel_prompt(self._recipe, item, False), _SAMPLING)
        first = read_duel(finished_part(straight))
        turned = await self._ask(duel_prompt(self._recipe, item, True), _SAMPLING)
        verdict = settled(first, read_duel(finished_part(turned)))
        usage = Usage.of(straight, turned)
        judged = _turned_round(item) if verdict.better == SECOND else item
        outcome = verdict.better if verdict.better in (TIE, NONE) else BETTER
        judged = replace(
            judged,
            outcome=outcome,
            reason=verdict.reason,
            prompt_tokens=usage.prompt,
            completion_tokens=usage.completion,
        )
        return Outcome(judged, usage)


def _turned_round(vote: Vote) -> Vote:
    return replace(
        vote,
        winner=vote.loser,
        style=vote.loser_style,
        chosen=vote.rejected,
        loser=vote.winner,
        winner_setting=vote.loser_setting,
        loser_style=vote.style,
        loser_setting=vote.winner_setting,
        rejected=vote.chosen,
    )


async def vote_board(
    workspace: Workspace,
    board: Board,
    choice: TeacherChoice,
    concurrency: int,
    reporter: Reporter,
    stop: asyncio.Event | None = None,
    retry: Retry | None = None,
) -> VotingResult:
    """Lets a teacher vote on every pair of a board that it has not judged.

    Raises:
        JobError: another process does so. InputError: the teacher answers no prompts.
        TeacherError: going on makes no sense.
    """
    recipe = recipes.current(workspace.engine, board.recipe).recipe
    price = price_of(provider(workspace, choice.provider), choice)
    who = judge_name(workspace, choice)
    judged, reasons = 0, dispatch.Reasons()
    lock = workspace.runs / f"voting-{board.key}" / ".work.lock"
    with refusing_lock(lock, _("这次对比正在请模型评判，等它结束或先停止它")):
        waiting = open_pairs(workspace, board, who)

        def store(decided: list[Vote], _failures: list[Failed[Vote]]) -> None:
            votes.decide(workspace.engine, decided, who, TEACHER)

        def report(decided: list[Vote], failures: list[Failed[Vote]]) -> None:
            nonlocal judged
            judged += len(decided)
            reasons.add(failures)
            for failure in failures:
                print(f"{failure.item.prompt}: {' '.join(failure.message.split())}", flush=True)
            reporter.update(judged + reasons.number, len(waiting))

        async with asking.asking(workspace, choice) as ask:
            await dispatch.run(
                [Lane(_PairClient(recipe, ask), iter(waiting), choice, price)],
                store,
                concurrency=concurrency,
                items=len(waiting),
                on_stored=report,
                retry=retry,
                stop=stop,
                on_full=reporter.pause_for_room,
            )
    left = len(open_pairs(workspace, board, who))
    return VotingResult(judged, reasons.number, left, reasons.most_frequent)
