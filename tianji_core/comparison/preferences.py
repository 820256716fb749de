"""Turns votes into training data: preference pairs for DPO, and chosen answers as samples to review."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tianji_core.dataset.pairs import Pair
from tianji_core.errors import InputError
from tianji_core.i18n import _
from tianji_core.outputs import write_output
from tianji_core.recipe import Recipe
from tianji_core.store import samples, votes
from tianji_core.store.samples import CHAT, NewSample
from tianji_core.store.votes import BETTER, Vote
from tianji_core.workspace import Workspace

TEXT_FORM, MESSAGES_FORM = "text", "messages"
FORMS = (TEXT_FORM, MESSAGES_FORM)


@dataclass(frozen=True)
class Preference:
    """One preference pair: two answers to the same prompt."""

    system: str
    prompt: str
    chosen: str
    rejected: str

    def plain(self, form: str) -> dict[str, Any]:
        """Returns the pair as plain data: texts with the system prompt beside them, or lists of messages."""
        if form == TEXT_FORM:
            return {
                "system": self.system,
                "prompt": self.prompt,
                "chosen": self.chosen,
                "rejected": self.rejected,
            }
        return Pair("", self.system, self.prompt, self.chosen, self.rejected).messages()


def preferences(decided: Sequence[Vote]) -> list[Preference]:
    """Returns the pairs of votes with a winner, each once.

    Pairs on which people disagree are left out, and so are answers in different styles: their requests
    differ, and a preference pair has one prompt."""
    pairs = dict.fromkeys(
        Preference(vote.system, vote.prompt, vote.chosen, vote.rejected)
        for vote in decided
        if vote.outcome == BETTER and vote.style == vote.loser_style
    )
    return [
        pair
        for pair in pairs
        if Preference(pair.system, pair.prompt, pair.rejected, pair.chosen) not in pairs
    ]


def preference_lines(workspace: Workspace, recipe_key: str, form: str = TEXT_FORM) -> str:
    """Returns the preference pairs of the people's votes on a recipe's answers as JSON Lines.

    Raises:
        InputError: the form is unknown, or there is no pair.
    """
    if form not in FORMS:
        raise InputError(_("没有“{form}”这种写法，可以的是：{known}", form=form, known=_("、").join(FORMS)))
    pairs = preferences(votes.listed(workspace.engine, recipe_key))
    if not pairs:
        raise InputError(_("还没有可以导出的偏好对：先在对比页给同一种写法的答案投票"))
    return "".join(json.dumps(pair.plain(form), ensure_ascii=False) + "\n" for pair in pairs)


def export_preferences(
    workspace: Workspace, recipe_key: str, path: Path, form: str = TEXT_FORM, overwrite: bool = False
) -> int:
    """Writes :func:`preference_lines` to ``path``; returns the number of pairs. ``overwrite`` replaces what
    an earlier export wrote there.

    Raises:
        InputError: the form is unknown, there is no pair, the file cannot be written, or something is there.
    """
    lines = preference_lines(workspace, recipe_key, form)
    write_output(workspace, path, lines, overwrite)
    return lines.count("\n")


class Taken(NamedTuple):
    """The numbers of chosen answers that became samples and of those that were samples already."""

    added: int
    known: int


def take_chosen(workspace: Workspace, recipe: Recipe) -> Taken:
    """Adds every chosen answer as a pending sample, with the model that wrote it.

    Raises:
        InputError: no answer was chosen yet.
    """
    chosen = [vote for vote in votes.listed(workspace.engine, recipe.key) if vote.outcome == BETTER]
    if not chosen:
        raise InputError(_("还没有选出来的答案：先在对比页投票"))
    by_text = {(vote.prompt, vote.chosen): vote for vote in chosen}
    added = sum(_take(workspace, vote) for vote in by_text.values())
    return Taken(added, len(by_text) - added)


def _take(workspace: Workspace, vote: Vote) -> bool:
    sample = NewSample(
        recipe=vote.recipe,
        system=vote.system,
        input=vote.prompt,
        output=vote.chosen.strip(),
        name=vote.name,
        scene=vote.scene,
        style=vote.style,
        model=vote.winner,
    )
    return samples.add(workspace.engine, sample, CHAT) is not None
