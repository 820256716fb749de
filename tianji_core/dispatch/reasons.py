"""Why items of a dispatch got no usable answer, for the sentence at its end."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from tianji_core.dispatch.lanes import Failed
from tianji_core.errors import UnfinishedError
from tianji_core.i18n import _


class Reasons:
    """Counts the messages of failed items."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, failures: Iterable[Failed[Any]]) -> None:
        """Counts one stored batch."""
        self._counts.update(" ".join(failure.message.split()) for failure in failures)

    @property
    def number(self) -> int:
        """How many items failed."""
        return self._counts.total()

    @property
    def most_frequent(self) -> str:
        """The message that most items failed with; '' where none failed."""
        return self._counts.most_common(1)[0][0] if self._counts else ""


def unfinished(done: int, missing: int, reason: str) -> UnfinishedError:
    """Returns the error for a job that ends with items missing; ``reason`` is the most frequent one."""
    return UnfinishedError(
        _(
            "完成了 {done} 个，还缺 {missing} 个；再开始一次只补缺的。最多见的原因：{reason}",
            done=done,
            missing=missing,
            reason=reason,
        )
    )
