"""Strengths from ballots against a textbook and against choix, which fits the same models by other means."""

import math
import random

import choix
import pytest

from tianji_core.comparison.strength import Click, strengths
from tianji_core.review import agreement

TEAMS = ("Milwaukee", "Detroit", "Toronto", "New York", "Boston", "Cleveland", "Baltimore")
WINS = (
    (0, 7, 9, 7, 7, 9, 11),
    (6, 0, 7, 5, 11, 9, 9),
    (4, 6, 0, 7, 7, 8, 12),
    (6, 8, 6, 0, 6, 7, 10),
    (6, 2, 6, 7, 0, 7, 12),
    (4, 4, 5, 6, 6, 0, 6),
    (2, 4, 1, 3, 1, 7, 0),
)
"""Games of the American League East in 1987, as in A. Agresti, Categorical Data Analysis."""


def game(left: str, right: str, times: float = 1) -> Click:
    """``left`` wins ``times`` games against ``right``."""
    return Click(((left,), (right,)), 0, times)


def tie(left: str, right: str, times: float = 1) -> Click:
    return Click(((left,), (right,)), None, times)


def test_the_textbook_example_comes_out_as_in_the_textbook() -> None:
    games = [game(TEAMS[i], TEAMS[j], WINS[i][j]) for i in range(7) for j in range(7) if WINS[i][j]]
    fitted = strengths(games, prior=0)
    last = fitted.players.index("Baltimore")
    found = {
        team: (fitted.values[at] - fitted.values[last], fitted.difference_error(at, last))
        for at, team in enumerate(fitted.players)
    }
    assert found["Milwaukee"] == pytest.approx((1.5814, 0.3433), abs=1e-4)
    assert found["Detroit"] == pytest.approx((1.4364, 0.3396), abs=1e-4)
    assert found["Cleveland"] == pytest.approx((0.6839, 0.3319), abs=1e-4)
    assert fitted.ballots == 21 * 13 and fitted.groups == 1


def drawn_ballots(seed: int, number: int) -> list[Click]:
    """Ballots of two to five answers by four players, the better ones chosen more often."""
    draw = random.Random(seed)
    values = {"a": 1.0, "b": 0.4, "c": 0.0, "d": -0.8}
    ballots = []
    for _ballot in range(number):
        shown = draw.sample(list(values), draw.randint(2, 4))
        weights = [math.exp(values[player]) for player in shown]
        ballots.append(
            Click(tuple((player,) for player in shown), draw.choices(range(len(shown)), weights)[0])
        )
    return ballots


def test_choix_fits_the_same_strengths_to_the_same_ballots() -> None:
    """choix penalises squared strengths; with next to no penalty on either side both are the maximum of the
    likelihood."""
    for seed in range(3):
        ballots = drawn_ballots(seed, 200)
        fitted = strengths(ballots, prior=0)
        index = {player: at for at, player in enumerate(fitted.players)}
        data = []
        for ballot in ballots:
            items = [index[player] for (player,) in ballot.answers]
            chosen = items.pop(ballot.chosen)
            data.append((chosen, tuple(items)))
        other = choix.opt_top1(len(index), data, alpha=1e-9)
        assert fitted.values == pytest.approx(other - other.mean(), abs=1e-3)
        pairs = [(one, two) for one, others in data for two in others[:1]]
        games = strengths([game(fitted.players[one], fitted.players[two]) for one, two in pairs], prior=0)
        other = choix.opt_pairwise(len(index), pairs, alpha=1e-9)
        assert games.values == pytest.approx(other - other.mean(), abs=1e-3)


def test_a_ballot_is_one_observation_however_many_answers_it_shows() -> None:
    """Five clicks on the best of four answers by each of two models say less than forty games would."""
    clicks = strengths([Click((("新",),) * 4 + (("旧",),) * 4, 0)] * 5)
    games = strengths([game("新", "旧")] * 5)
    pretended = strengths([game("新", "旧")] * 80)
    at = clicks.players.index("新")
    assert clicks.ballots == 5 and clicks.values[at] == pytest.approx(games.values[at])
    assert clicks.interval(at) == pytest.approx(games.interval(at))
    assert clicks.certainty(at, 1 - at) < pretended.certainty(at, 1 - at)
    assert clicks.interval(at)[0] < 0 < pretended.interval(at)[0]


def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    """Of 95 % intervals on drawn ballots about 95 % hold the strength that the ballots were drawn from."""
    truth = {"a": 0.85, "b": 0.25, "c": -0.15, "d": -0.95}
    held = [
        low <= truth[player] <= high
        for seed in range(60)
        for fitted in (strengths(drawn_ballots(seed, 60)),)
        for player, (low, high) in zip(fitted.players, map(fitted.interval, range(4)), strict=True)
    ]
    assert 0.9 <= sum(held) / len(held) <= 0.99


def test_an_answer_that_two_wrote_is_neither_a_win_nor_a_loss_between_them() -> None:
    fitted = strengths([Click((("甲", "乙"), ("丙",)), 0)] * 6)
    by_name = dict(zip(fitted.players, fitted.values, strict=True))
    assert by_name["甲"] == pytest.approx(by_name["乙"]) and by_name["甲"] > by_name["丙"]
    assert strengths([Click((("甲",), ("甲",)), 0)] * 6).ballots == 0


def test_three_wins_to_one_are_odds_of_three() -> None:
    fitted = strengths([game("新", "旧", 3), game("旧", "新")], prior=0)
    new, old = fitted.players.index("新"), fitted.players.index("旧")
    assert fitted.values[new] - fitted.values[old] == pytest.approx(math.log(3))
    assert fitted.difference_error(new, old) == pytest.approx(math.sqrt(1 / (4 * 0.75 * 0.25)))
    tied = strengths([tie("新", "旧", 10)])
    assert tied.values == pytest.approx((0, 0)) and tied.ballots_needed(0, 1) is None


def test_one_that_never_lost_is_strong_but_not_without_bound() -> None:
    fitted = strengths([game("新", "旧", 5), game("独", "独")])
    assert all(math.isfinite(value) for value in fitted.values) and fitted.groups == 2


def test_enough_votes_make_certain_and_few_say_how_many_more() -> None:
    few = strengths([game("a", "b", 6), game("b", "a", 4)])
    needed = few.ballots_needed(0, 1, 0.95)
    assert few.certainty(0, 1) < 0.95 and needed > 0
    times = (10 + needed) / 10
    many = strengths([game("a", "b", 6 * times), game("b", "a", 4 * times)])
    assert many.certainty(0, 1) == pytest.approx(0.95, abs=0.01)
    sure = strengths([game("a", "b", 600), game("b", "a", 400)])
    assert sure.ballots_needed(0, 1, 0.95) == 0


def test_kappa_is_what_is_beyond_chance() -> None:
    labels = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    both = agreement(labels)
    assert (both.judged, both.share, both.kappa) == (50, 0.7, pytest.approx(0.4))
    assert agreement([("tie", "tie")] * 3).kappa is None
    assert agreement([]).judged == 0
