"""Options of a dataset that is fetched by its name: from where, which files, and how much of it."""

from dataclasses import dataclass
from typing import Annotated

import typer

from tianji_core.dataset.conversation_version import MOST_KEPT
from tianji_core.dataset.hub_bounds import GIGABYTES, HOURS, Hub, HubBounds, checked_bounds
from tianji_core.errors import InputError
from tianji_core.i18n import _


@dataclass(frozen=True)
class HubOptions:
    """Where a dataset is fetched from, and its bounds."""

    hub: Annotated[bool, typer.Option("--hub", help="Fetch the dataset from Hugging Face or a mirror.")] = (
        False
    )
    modelscope: Annotated[
        bool, typer.Option("--modelscope", help="Fetch the dataset from ModelScope or a mirror.")
    ] = False
    endpoint: Annotated[
        str,
        typer.Option(
            help="Address of the mirror; default: HF_ENDPOINT or MODELSCOPE_ENDPOINT, or the hub itself."
        ),
    ] = ""
    revision: Annotated[
        str, typer.Option(help="Branch, tag or commit of the dataset; default: main, on ModelScope master.")
    ] = ""
    files: Annotated[
        list[str] | None,
        typer.Option(
            help="Only files of this name or pattern, as often as needed, e.g. 'zh/*.jsonl'; default: all.",
            show_default=False,
        ),
    ] = None
    most_gb: Annotated[float, typer.Option(help="Refuse more gigabytes than this.")] = GIGABYTES
    hours: Annotated[float, typer.Option(help="Stop after so many hours; the next import goes on.")] = HOURS
    rows: Annotated[
        int | None,
        typer.Option(
            min=1, max=MOST_KEPT, help="With --as-version: draw at most so many.", show_default=False
        ),
    ] = None

    def place(self) -> tuple[Hub, str, str] | None:
        """Returns the hub, the address and the revision; None for a path.

        Raises:
            InputError: two hubs, or options of a hub without one.
        """
        if self.hub and self.modelscope:
            raise InputError(_("--hub 和 --modelscope 只能用一个"))
        if self.hub or self.modelscope:
            return "modelscope" if self.modelscope else "huggingface", self.endpoint, self.revision
        if self.endpoint or self.revision or self.files:
            raise InputError(_("--endpoint、--revision 和 --files 要和 --hub 或 --modelscope 一起用"))
        return None

    def bounds(self) -> HubBounds:
        """Returns the bounds.

        Raises:
            InputError: a value is out of bounds.
        """
        return checked_bounds(
            files=tuple(self.files or ()),
            gigabytes=self.most_gb,
            hours=self.hours,
            rows=self.rows or MOST_KEPT,
        )
