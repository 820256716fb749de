"""Writes the question which of two answers is better, and reads the reply. Pure."""

from typing import NamedTuple

from tianji_core.errors import TeacherAnswerError
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.store.votes import NONE, TIE, Vote
from tianji_core.teachers.reply import read_reply

FIRST, SECOND = "first", "second"
_FORM = """只返回一个 JSON 对象，前后不要写别的：{"better": "甲" 或 "乙" 或 "平"（一样好）或 "无"（都不能用）, "reason": "不超过 30 字的理由"}"""
_VERDICTS = {
    "甲": FIRST,
    "a": FIRST,
    "first": FIRST,
    "乙": SECOND,
    "b": SECOND,
    "second": SECOND,
    "平": TIE,
    "平手": TIE,
    "tie": TIE,
    "无": NONE,
    "都不好": NONE,
    "none": NONE,
}
_TURNED = {FIRST: SECOND, SECOND: FIRST, TIE: TIE, NONE: NONE}


class Duel(NamedTuple):
    """The reply about one order: ``better`` is first, second, tie or none."""

    better: str
    reason: str


def duel_prompt(recipe: Recipe, vote: Vote, turned: bool) -> str:
    """Returns the question about the two answers of a vote; ``turned`` shows the second one first."""
    style = recipe.style(vote.style) if vote.style == vote.loser_style else None
    demand = ""
    if style is not None:
        demand = f"要的风格：{style.text}，{style.min_chars} 到 {style.max_chars} 个字。{style.instruction}"
    first, second = (vote.rejected, vote.chosen) if turned else (vote.chosen, vote.rejected)
    return recipe.request(
        "duel", task=vote.prompt, style=demand, first=first.strip(), second=second.strip(), form=_FORM
    )


def read_duel(answer: str) -> Duel:
    """Returns the verdict of a reply; fenced or broken JSON is repaired.

    Raises:
        TeacherAnswerError: the reply holds no verdict.
    """
    value = read_reply(answer)
    if isinstance(value, list):
        value = next((item for item in value if isinstance(item, dict)), None)
    better = str(value.get("better", "")).strip().lower() if isinstance(value, dict) else ""
    if not isinstance(value, dict) or better not in _VERDICTS:
        shown = " ".join(answer.split())[:80]
        raise TeacherAnswerError(_("回答里没有评判（要的是带 better 的 JSON 对象）：{said}", said=shown))
    return Duel(_VERDICTS[better], " ".join(str(value.get("reason", "")).split())[:200])


def settled(straight: Duel, turned: Duel) -> Duel:
    """Combines the replies to both orders: the verdict on which they agree, else a tie."""
    other = _TURNED[turned.better]
    if straight.better == other:
        return Duel(other, straight.reason or turned.reason)
    return Duel(TIE, _("换了先后顺序，评判就变了：{one}；{other}", one=straight.reason, other=turned.reason))
