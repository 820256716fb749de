"""Bradley-Terry strengths against values that are known from elsewhere."""

import math

import pytest

from tianji_core.comparison.strength import Game, strengths
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


def test_the_textbook_example_comes_out_as_in_the_textbook() -> None:
    games = [Game(TEAMS[i], TEAMS[j], 1.0, WINS[i][j]) for i in range(7) for j in range(7) if WINS[i][j]]
    fitted = strengths(games, prior=0)
    last = fitted.players.index("Baltimore")
    found = {
        team: (fitted.values[at] - fitted.values[last], fitted.difference_error(at, last))
        for at, team in enumerate(fitted.players)
    }
    assert found["Milwaukee"] == pytest.approx((1.5814, 0.3433), abs=1e-4)
    assert found["Detroit"] == pytest.approx((1.4364, 0.3396), abs=1e-4)
    assert found["Cleveland"] == pytest.approx((0.6839, 0.3319), abs=1e-4)
    assert fitted.games == 21 * 13 and fitted.groups == 1


def test_three_wins_to_one_are_odds_of_three() -> None:
    fitted = strengths([Game("新", "旧", 1.0, 3), Game("旧", "新")], prior=0)
    new, old = fitted.players.index("新"), fitted.players.index("旧")
    assert fitted.values[new] - fitted.values[old] == pytest.approx(math.log(3))
    assert fitted.difference_error(new, old) == pytest.approx(math.sqrt(1 / (4 * 0.75 * 0.25)))
    tied = strengths([Game("新", "旧", 0.5, 10)])
    assert tied.values == pytest.approx((0, 0)) and tied.games_needed(0, 1) is None


def test_one_that_never_lost_is_strong_but_not_without_bound() -> None:
    fitted = strengths([Game("新", "旧", 1.0, 5), Game("独", "独")])
    assert all(math.isfinite(value) for value in fitted.values) and fitted.groups == 2


def test_enough_votes_make_certain_and_few_say_how_many_more() -> None:
    few = strengths([Game("a", "b", 1.0, 6), Game("b", "a", 1.0, 4)])
    needed = few.games_needed(0, 1, 0.95)
    assert few.certainty(0, 1) < 0.95 and needed > 0
    times = (10 + needed) / 10
    many = strengths([Game("a", "b", 1.0, 6 * times), Game("b", "a", 1.0, 4 * times)])
    assert many.certainty(0, 1) == pytest.approx(0.95, abs=0.01)
    sure = strengths([Game("a", "b", 1.0, 600), Game("b", "a", 1.0, 400)])
    assert sure.games_needed(0, 1, 0.95) == 0


def test_kappa_is_what_is_beyond_chance() -> None:
    labels = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
    both = agreement(labels)
    assert (both.judged, both.share, both.kappa) == (50, 0.7, pytest.approx(0.4))
    assert agreement([("tie", "tie")] * 3).kappa is None
    assert agreement([]).judged == 0
