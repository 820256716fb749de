"""Talks with a teacher that are not over: what it has answered so far, one file for each sample, so that a
paid answer outlives a stop, a fault or a kill."""

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from tianji_core.files import write_json
from tianji_core.generation.following.planning import PlannedFollowUp
from tianji_core.ownership import discard
from tianji_core.recipe.following import FollowUpKind


class SaidTurn(BaseModel):
    """One answered request of a talk, made from the recipe at ``revision`` (None: not known)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asked: str
    answered: str
    model: str
    revision: int | None = None


class FollowingTalk(NamedTuple):
    """A planned request, and the turns about it that were answered."""

    planned: PlannedFollowUp
    turns: tuple[SaidTurn, ...] = ()

    @property
    def prompt(self) -> str:
        """The next request, in stronger words where an answer did not do what was asked."""
        first = self.planned.request
        if not self.turns:
            return first
        stronger = "还是不行" if len(self.turns) > 1 else "不行"
        number = len(self.turns[-1].answered)
        return f"{stronger}：这一段 {number} 个字，没有照要求改。再改一遍：{first}"

    @property
    def history(self) -> list[tuple[str, str]]:
        """What was said before the next request, as (asked, answered)."""
        sample = self.planned.sample
        return [(sample.input, sample.output), *((turn.asked, turn.answered) for turn in self.turns)]

    def met(self, text: str) -> bool:
        """Returns whether an answer does what was asked, within the limits of a style that was asked for."""
        wanted, style = self.planned.follow_up, self.planned.style
        if wanted.fault(self.planned.sample.output, text):
            return False
        return wanted.kind is not FollowUpKind.STYLE or style.min_chars <= len(text) <= style.max_chars

    def best(self) -> SaidTurn:
        """Returns the turn whose answer does what was asked, or comes closest; of equals the newest."""
        return min(reversed(self.turns), key=lambda turn: self._shortfall(turn.answered))

    def _shortfall(self, text: str) -> tuple[bool, bool, int]:
        """How far an answer is from what was asked: done or not, changed at all or not, and by how much."""
        wanted, style = self.planned.follow_up, self.planned.style
        before = self.planned.sample.output.strip()
        missing = {
            FollowUpKind.SHORTER: len(text),
            FollowUpKind.LONGER: -len(text),
            FollowUpKind.STYLE: max(style.min_chars - len(text), len(text) - style.max_chars, 0),
            FollowUpKind.WITHOUT: text.count(wanted.target),
        }[wanted.kind]
        return not self.met(text), text.strip() == before, missing


class _Stored(BaseModel):
    """A talk as its file holds it; ``request`` and ``before`` say what it is about."""

    model_config = ConfigDict(extra="forbid")

    request: str
    before: str
    turns: tuple[SaidTurn, ...]


class OpenTalks:
    """The talks of a recipe that are not over, in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def resumed(self, planned: Iterable[PlannedFollowUp]) -> list[FollowingTalk]:
        """Returns the talks about these requests with what was answered earlier. A file about another
        request, or one that cannot be read, counts as none."""
        return [FollowingTalk(each, self._turns(each)) for each in planned]

    def keep(self, talk: FollowingTalk) -> None:
        """Stores the turns of a talk in the place of earlier ones.

        Raises:
            DiskFullError: there is no room. InputError: the folder cannot be written.
        """
        sample, wanted = talk.planned.sample, talk.planned.follow_up
        stored = _Stored(request=wanted.request, before=sample.output, turns=talk.turns)
        write_json(self._file(talk.planned), stored.model_dump(mode="json"))

    def forget(self, talk: FollowingTalk) -> None:
        """Removes what is kept of a talk."""
        discard(self._file(talk.planned))

    def _turns(self, planned: PlannedFollowUp) -> tuple[SaidTurn, ...]:
        try:
            stored = _Stored.model_validate_json(self._file(planned).read_bytes())
        except (OSError, ValidationError):
            return ()
        same = (stored.request, stored.before) == (planned.follow_up.request, planned.sample.output)
        return stored.turns if same else ()

    def _file(self, planned: PlannedFollowUp) -> Path:
        return self._folder / f"{planned.sample.id}.json"
