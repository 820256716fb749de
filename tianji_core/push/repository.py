"""What a push has to know about a repository, and what each hub's client can do with one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from tianji_core.push.sending import Sending

_MADE_BY_HUB = frozenset({".gitattributes", ".gitignore", "configuration.json", "dataset_infos.json"})
"""Files that a hub puts into a new repository."""


@dataclass(frozen=True)
class Repository:
    """A repository that is there. ``private`` is None where the hub does not say; ``files`` are its paths."""

    private: bool | None
    files: frozenset[str]

    @property
    def is_empty(self) -> bool:
        """Whether it holds nothing that a person may have put there."""
        return self.files <= _MADE_BY_HUB


class Hub(Protocol):
    """The client of one repository on one hub. Every method raises its library's errors."""

    def check_token(self) -> None:
        """Asks whose token this is."""

    def found(self) -> Repository | None:
        """Returns the repository, None where there is none that the token may see."""

    def create(self, private: bool, licence: str) -> None:
        """Creates the repository."""

    def send(self, sending: Sending, stale: Iterable[str], message: str) -> None:
        """Commits the files in one step and removes the ``stale`` ones."""
