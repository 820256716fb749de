"""What is typed in the form of a new training."""

from pydantic import BaseModel, Field

from tianji_core import drafts
from tianji_core.drafts import Typed
from tianji_core.workspace import Workspace

FORM = "training"


class PresetDraft(BaseModel):
    """What differs from one preset: ``values`` by setting, ``config`` the edited file (None where it was not touched) and
    ``title`` the name it would be saved under."""

    values: dict[str, Typed] = {}
    config: str | None = None
    title: str = ""


class Draft(BaseModel):
    """The form as it was left. ``dataset`` is a version's name; ``target`` has the fields of
    :class:`~tianji_core.training.target.Target` that differ from its defaults; ``presets`` has a draft by preset."""

    dataset: str = ""
    preset: str = ""
    title: str = ""
    target: dict[str, Typed] = {}
    presets: dict[str, PresetDraft] = Field(default_factory=dict)

    def of(self, preset: str) -> PresetDraft:
        """The draft of one preset, an empty one where nothing was typed."""
        return self.presets.setdefault(preset, PresetDraft())

    def lean(self) -> "Draft":
        """The draft without presets in which nothing was typed."""
        typed = {key: each for key, each in self.presets.items() if each != PresetDraft()}
        return self.model_copy(update={"presets": typed})


def load_draft(workspace: Workspace) -> Draft:
    """The draft of this workspace."""
    return drafts.load_draft(workspace, FORM, Draft)


def save_draft(workspace: Workspace, before: Draft, draft: Draft) -> None:
    """Keep what changed since ``before``; nothing is written where nothing did."""
    for preset in draft.presets:
        before.of(preset)  # one that was only looked at is no change
    if draft != before:
        stored = drafts.merged(before, draft, load_draft(workspace))
        drafts.save_draft(workspace, FORM, stored.lean())
