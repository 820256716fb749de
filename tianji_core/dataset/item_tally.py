"""Reads the items of an imported file and counts what is good, bad, mended or cannot be kept."""

from collections import Counter

from tianji_core.dataset.conversation import Conversation
from tianji_core.dataset.fields import ShapeError
from tianji_core.dataset.shapes import conversation_of
from tianji_core.dataset.streaming import BrokenLine, FileItem, LeftOut
from tianji_core.dataset.turn_reading import BRANCHES, GREETING, OPENING, SEPARATORS, TAIL
from tianji_core.errors import ImportFileError
from tianji_core.i18n import N_, _

MOST_BAD = 10_000
"""Number of bad items from which a file with more bad than good items is refused."""


class ItemTally:
    """Reads the items of a file one after the other and counts what is found."""

    def __init__(self, file: str) -> None:
        self.file, self.number, self.good, self.unplaced, self.mended = file, 0, 0, 0, 0
        self.bad: list[tuple[int, str]] = []
        self.parts: list[str] = []
        self.forms: Counter[str] = Counter()
        self.left_out: Counter[str] = Counter()

    @property
    def form(self) -> str:
        """The most frequent form, '' without a good item."""
        return self.forms.most_common(1)[0][0] if self.forms else ""

    def read(self, item: FileItem) -> Conversation | None:
        """Returns the conversation in the next item, None for a bad one.

        Raises:
            ImportFileError: the file has far more bad items than good ones.
        """
        if isinstance(item.value, LeftOut):
            self.parts.append(item.value.notice)
            return None
        self.number += 1
        if isinstance(item.value, BrokenLine):
            self._refuse(item.value.reason)
            return None
        try:
            conversation = conversation_of(item.value)
        except ShapeError as error:
            self._refuse(f"{_where(item)}{error}")
            return None
        self.good += 1
        self.mended += item.mended
        self.forms[conversation.form] += 1
        self.left_out.update(conversation.left_out)
        return conversation

    def notices(self) -> tuple[str, ...]:
        """Returns what the person should know about the good items."""
        said = {
            SEPARATORS: N_("{n} 项的提问和回答末尾有分隔记号（如 ###），已经去掉"),
            GREETING: N_("{n} 项的第一问之前有一句招呼，没有收"),
            OPENING: N_("{n} 项的第一个说话人记号（如 ### Human:）之前还有文字，没有收"),
            TAIL: N_("{n} 项的最后一问没有回答，只收了前面几轮"),
            BRANCHES: N_("{n} 项的一句话有几个回答，只收了排在最前（或最后打开）的那一条"),
        }
        lost = (
            _("{n} 项带有 {mark}：样本里没有这一栏，导入后按普通的对话训练", n=number, mark=mark)
            for mark, number in self.left_out.most_common()
            if mark not in said
        )
        marks = [_(text, n=self.left_out[mark]) for mark, text in said.items() if self.left_out[mark]]
        commas = [_("{n} 项去掉了多余的逗号", n=self.mended)] if self.mended else []
        return (*self.parts, *lost, *marks, *commas)

    def _refuse(self, reason: str) -> None:
        self.bad.append((self.number, reason))
        if len(self.bad) > MOST_BAD and len(self.bad) > self.good:
            raise ImportFileError(
                _(
                    "{file} 里有问题的已经超过 {n} 项，比能用的还多，不像对话数据，什么也没有导入；第 {number} 项：{reason}",
                    file=self.file,
                    n=MOST_BAD,
                    number=self.bad[0][0],
                    reason=self.bad[0][1],
                )
            )


def _where(item: FileItem) -> str:
    """Where an item stands, before what is wrong with it; '' in a file without lines."""
    if item.sheet:
        return _("工作表“{sheet}”第 {line} 行：", sheet=item.sheet, line=item.line)
    return _("第 {line} 行：", line=item.line) if item.line else ""
