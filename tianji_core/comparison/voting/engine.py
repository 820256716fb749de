"""Asking a teacher about every pair of a comparison that it has not judged yet. Each verdict is stored as it comes, so
that the job can be stopped or killed at any moment and goes on from there."""

import asyncio
from dataclasses import dataclass, replace
from itertools import combinations

from tianji_core.comparison.ballots import ballots, vote_between
from tianji_core.comparison.board import Board
from tianji_core.comparison.voting.asking import SECOND, duel_prompt, read_duel, settled
from tianji_core.dispatch.budget import Purse, Usage
from tianji_core.dispatch.dispatcher import Dispatch, Retry
from tianji_core.dispatch.lane import Lane, Outcome
from tianji_core.dispatch.lock import folder_lock
from tianji_core.dispatch.options import RunOptions
from tianji_core.dispatch.outbox import Outbox
from tianji_core.generation.engine import run_to_the_end
from tianji_core.i18n import _
from tianji_core.jobs import Reporter
from tianji_core.recipe import Recipe
from tianji_core.store import recipes, votes
from tianji_core.store.votes import BETTER, NONE, TEACHER, TIE, Vote
from tianji_core.teachers import Sampling, TeacherChoice, asking, price_of, provider, resolved_model
from tianji_core.workspace import Workspace

_SAMPLING = Sampling(temperature=0.0, max_tokens=1024)
"""A judge should say the same twice; a thinking model needs room before its answer."""
TOKENS_PER_CHARACTER, MESSAGE_TOKENS, VERDICT_TOKENS = 0.75, 12, 45
"""What a request is estimated to use before it is sent."""


@dataclass(frozen=True)
class VotingResult:
    """Pairs that got a verdict, that got none, and that are left."""

    judged: int
    failed: int
    waiting: int


@dataclass(frozen=True)
class _Failed:
    vote: Vote
    sentence: str


def open_pairs(workspace: Workspace, board: Board, who: str) -> list[Vote]:
    """The pairs of a board that ``who`` has not judged, as undecided votes."""
    texts = {cell.text for cell in board.cells if cell.answered}
    known = {vote.answers for vote in votes.between(workspace.engine, board.recipe, texts, TEACHER, who)}
    found = [
        vote_between(board, one, other, TIE)
        for ballot in ballots(board)
        for one, other in combinations(ballot.cells, 2)
    ]
    return [vote for vote in found if vote.answers not in known]


def judge_name(workspace: Workspace, choice: TeacherChoice) -> str:
    """Under which name a teacher votes: its model, at most 40 characters."""
    return (resolved_model(provider(workspace, choice.provider), choice) or choice.provider)[:40]


def expected_usage(recipe: Recipe, vote: Vote) -> Usage:
    """Tokens that both questions about a pair will probably use."""
    asked = len(duel_prompt(recipe, vote, False)) * TOKENS_PER_CHARACTER + MESSAGE_TOKENS
    return Usage(round(2 * asked), 2 * VERDICT_TOKENS)


class _PairDesk:
    """Asks about pairs, each in both orders."""

    def __init__(self, recipe: Recipe, ask: asking.Ask) -> None:
        self._recipe = recipe
        self._ask = ask

    def expected(self, item: Vote) -> Usage:
        """From the characters of the requests."""
        return expected_usage(self._recipe, item)

    async def ask(self, item: Vote, _attempts: int) -> Outcome[Vote | _Failed]:
        """Send both requests about a pair.

        Raises:
            TeacherError: no answer, or one without a verdict.
        """
        straight = await self._ask(duel_prompt(self._recipe, item, False), _SAMPLING)
        first = read_duel(straight.text)
        turned = await self._ask(duel_prompt(self._recipe, item, True), _SAMPLING)
        verdict = settled(first, read_duel(turned.text))
        usage = Usage(
            (straight.prompt_tokens or 0) + (turned.prompt_tokens or 0),
            (straight.completion_tokens or 0) + (turned.completion_tokens or 0),
        )
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

    def failed(self, item: Vote, _kind: str, sentence: str, _attempts: int) -> Vote | _Failed:
        """A pair without a verdict; it is asked about again next time."""
        return _Failed(item, sentence)


def _turned_round(vote: Vote) -> Vote:
    return replace(
        vote,
        winner=vote.loser,
        style=vote.loser_style,
        chosen=vote.rejected,
        loser=vote.winner,
        loser_style=vote.style,
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
    """Let a teacher vote on every pair of a board that it has not judged.

    Raises:
        JobError: another process does so. InputError: the offline composer cannot judge. TeacherError: going on made no sense.
    """
    recipe = recipes.current(workspace.engine, board.recipe).recipe
    price = price_of(provider(workspace, choice.provider), choice)
    who = judge_name(workspace, choice)
    judged = failed = 0
    with folder_lock(workspace.runs / f"voting-{board.key}", _("这次对比正在请模型评判，等它结束或先停止它")):
        waiting = open_pairs(workspace, board, who)

        def store(batch: list[Vote | _Failed]) -> None:
            votes.decide(workspace.engine, [each for each in batch if isinstance(each, Vote)], who, TEACHER)

        def stored(batch: list[Vote | _Failed]) -> None:
            nonlocal judged, failed
            for each in batch:
                if isinstance(each, _Failed):
                    failed += 1
                    print(f"{each.vote.prompt}: {' '.join(each.sentence.split())}", flush=True)
                else:
                    judged += 1
            reporter.update(judged + failed, len(waiting))

        async with asking.asking(workspace, choice) as ask:
            lane: Lane[Vote, Vote | _Failed] = Lane(
                _PairDesk(recipe, ask), iter(waiting), choice, price, concurrency
            )
            outbox: Outbox[Vote | _Failed] = Outbox(store, stored)
            dispatch = Dispatch(
                [lane],
                outbox.put,
                concurrency,
                stop or asyncio.Event(),
                retry or Retry(attempts=3),
                Purse(RunOptions()),
            )
            await run_to_the_end(dispatch, outbox, max(1, len(waiting)))
    return VotingResult(judged, failed, len(open_pairs(workspace, board, who)))
