"""细节: what is known about a receiver beside name and relation, such as what they went through. A task and a
sample carry at most one."""

import heapq
import random
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Protocol

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from tianji_core.i18n import _
from tianji_core.recipe.kinds import Label

LONGEST_FACT = 200
MOST_FACTS = 5000
_BREAK = re.compile(r"[,，、。；;！!？?\s]+")

_MARKS = " \t\n\u3000。.,，;；、！!？?"


def _bare(text: object) -> object:
    """The text on one line, without the marks around it."""
    return " ".join(text.split()).strip(_MARKS) if isinstance(text, str) else text


FactText = Annotated[str, BeforeValidator(_bare), StringConstraints(min_length=2, max_length=LONGEST_FACT)]


class Fact(BaseModel):
    """细节: one detail, told as a clause about the receiver ('他刚带完高三'). It is about the names and
    relations listed; with none of either it is about everybody. Names that the recipe no longer has match
    nobody."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: FactText
    names: tuple[Label, ...] = ()
    relations: tuple[str, ...] = ()
    enabled: bool = True

    def about(self, name: str, relation: str) -> bool:
        """Returns whether the fact is about a receiver."""
        if not self.names and not self.relations:
            return True
        return name in self.names or relation in self.relations


class HasFacts(Protocol):
    """The part of a recipe that matters here."""

    @property
    def facts(self) -> Sequence[Fact]: ...
    @property
    def fact_share(self) -> float: ...


def enabled_facts(recipe: HasFacts) -> list[Fact]:
    """Returns the facts that plans draw from."""
    return [fact for fact in recipe.facts if fact.enabled]


def drawn_facts(
    recipe: HasFacts, relations: Mapping[str, str], receivers: Sequence[str], seed: int
) -> list[str]:
    """Returns the fact of each task, given its receiver; '' for none. Of the tasks that some fact is about,
    the recipe's share gets one. Each takes the fact that has been used least so far, so that all are used
    alike as far as their receivers allow. Deterministic for ``seed``."""
    drawn = [""] * len(receivers)
    facts = enabled_facts(recipe)
    if not facts or not recipe.fact_share:
        return drawn
    source = random.Random(f"{seed}|facts")
    source.shuffle(facts)
    waiting = {
        name: [(0, rank) for rank, fact in enumerate(facts) if fact.about(name, relations[name])]
        for name in dict.fromkeys(receivers)
    }
    places = [place for place, name in enumerate(receivers) if waiting[name]]
    source.shuffle(places)
    used = [0] * len(facts)
    for place in places[: round(len(places) * recipe.fact_share)]:
        heap = waiting[receivers[place]]
        while heap[0][0] < used[heap[0][1]]:  # another receiver has used it meanwhile
            heapq.heapreplace(heap, (used[heap[0][1]], heap[0][1]))
        rank = heap[0][1]
        used[rank] += 1
        drawn[place] = facts[rank].text
    return drawn


def fact_words(counts: Mapping[str, int]) -> str:
    """Returns how often the facts of fact → number are used, in a sentence."""
    return _(
        "细节：{texts} 条带上其中一条；{n} 条细节每条用 {low}-{high} 次",
        texts=sum(counts.values()),
        n=len(counts),
        low=min(counts.values()),
        high=max(counts.values()),
    )


class FactReader:
    """Finds the facts of a recipe in training inputs."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        self._facts: dict[str, list[Fact]] = {}
        for fact in sorted(facts, key=lambda fact: -len(fact.text)):
            self._facts.setdefault(_BREAK.split(fact.text)[0], []).append(fact)

    def read(self, asked: str) -> tuple[Fact | None, str]:
        """Returns the fact that stands between two marks of an input, or at an end of it, and the input
        without it; (None, the input) where there is none."""
        for clause in _BREAK.split(asked) if self._facts else ():
            for fact in self._facts.get(clause, ()):
                mark = r"[,，、。；;！!？?\s]"
                found = re.search(rf"(?:^|{mark}+){re.escape(fact.text)}(?={mark}|$)", asked)
                if found is not None:
                    return fact, (asked[: found.start()] + asked[found.end() :]).lstrip(",，、。；; ")
        return None, asked
