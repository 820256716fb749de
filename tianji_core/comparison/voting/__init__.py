"""造数模型当评委: a teacher votes on the answers of a comparison beside the person. It sees each two answers twice, in both
orders, and only a verdict that survives the turn counts."""

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
