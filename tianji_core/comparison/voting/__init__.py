"""造数模型当评委: a teacher votes on the answers of a comparison, beside the people.

It is shown each pair of answers in both orders; a verdict that depends on the order counts as a tie."""

from tianji_core.comparison.voting.asking import duel_prompt, read_duel, settled
from tianji_core.comparison.voting.job import (
    KIND,
    VotingEstimate,
    estimate_voting,
    start_voting,
    voting_job,
)
from tianji_core.comparison.voting.pairs import vote_board

__all__ = [
    "KIND",
    "VotingEstimate",
    "duel_prompt",
    "estimate_voting",
    "read_duel",
    "settled",
    "start_voting",
    "vote_board",
    "voting_job",
]
