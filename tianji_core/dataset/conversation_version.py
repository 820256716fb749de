"""Imports conversations as a dataset version of their own, as they are: general chat to mix into a training,
which no review or cleaning of the recipe touches."""

from collections.abc import Callable, Sequence
from random import Random

from tianji_core.dataset.conversation import Conversation
from tianji_core.dataset.item_tally import ItemTally
from tianji_core.dataset.reading import Source
from tianji_core.dataset.versions import check_name, freeze_examples
from tianji_core.errors import ImportFileError
from tianji_core.i18n import _
from tianji_core.store.datasets import DatasetVersion
from tianji_core.store.samples import IMPORT, TrainingExample
from tianji_core.store.schema import sample_digest
from tianji_core.workspace import Workspace

MOST_KEPT = 20_000
"""Conversations in one version; of more, so many are drawn."""


class _Drawing:
    """Keeps up to ``most`` of the conversations that it is given, each with the same chance, in their order
    (algorithm R of Vitter, 1985, with a fixed seed)."""

    def __init__(self, most: int) -> None:
        self.most, self.seen = most, 0
        self._source = Random(0)
        self._kept: dict[int, tuple[int, Conversation]] = {}

    def add(self, conversation: Conversation) -> None:
        """Takes the next conversation."""
        place = self.seen if self.seen < self.most else self._source.randrange(self.seen + 1)
        if place < self.most:
            self._kept[place] = (self.seen, conversation)
        self.seen += 1

    def kept(self) -> list[Conversation]:
        """Returns the conversations that are kept."""
        return [
            conversation for _number, conversation in sorted(self._kept.values(), key=lambda pair: pair[0])
        ]


def freeze_conversations(
    workspace: Workspace,
    recipe_key: str,
    name: str,
    sources: Sequence[Source],
    progress: Callable[[int, int], None] = lambda _done, _total: None,
    most: int = MOST_KEPT,
) -> DatasetVersion:
    """Freezes the conversations of files, with all their turns and their own system prompts, as a version
    called ``name`` of at most ``most`` conversations, and returns it; the manifest says of which files and
    how many were bad or not drawn. ``progress`` is called with the bytes read so far and in total.

    Raises:
        DatasetError: the name cannot be used. ImportFileError: a file is not what it seems, or there is no
            conversation in them.
    """
    name = check_name(workspace, name)
    drawing, files, bad = _Drawing(most), [], 0
    total, before = sum(source.size for source in sources), 0
    for source in sources:
        tally = ItemTally(source.name)

        def told(done: int, start: int = before) -> None:
            progress(start + done, total)

        for item in source.items(told):
            if (conversation := tally.read(item)) is not None:
                drawing.add(conversation)
        bad, before = bad + len(tally.bad), before + source.size
        files.append({"name": source.name, "sha256": source.sha256, "form": tally.form})
    if not drawing.seen:
        names = _("、").join(source.name for source in sources)
        raise ImportFileError(_("{path} 里没有一条可以导入的对话", path=names))
    examples = [_example(conversation) for conversation in drawing.kept()]
    made = {"imported": {"files": files, "good": drawing.seen, "bad": bad, "drawn": len(examples)}}
    note = _("导入的对话：{files}", files=_("、").join(str(file["name"]) for file in files))
    return freeze_examples(workspace, recipe_key, name, examples, [], note, "", made)


def _example(conversation: Conversation) -> TrainingExample:
    *earlier, last = conversation.turns
    history = [{"input": turn.input, "output": turn.output} for turn in earlier]
    return TrainingExample(
        name="",
        scene="",
        style="",
        source=IMPORT,
        system=conversation.system,
        history=history,
        input=last.input,
        output=last.output,
        digest=sample_digest(conversation.system, last.input, last.output, history),
        id=0,
    )
