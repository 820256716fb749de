"""The verb that makes a folder from which the studio is installed without a network: bundle-install."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tianji_core.bundling import bundle_install
from tianji_core.i18n import _
from tianji_core.project import LOCKS
from tianji_core.verbs.common import JsonOption, WorkspaceOption, opened, show

BundlePart = StrEnum("BundlePart", {part: part for part in LOCKS})  # type: ignore[misc]


def bundle(
    to: Annotated[Path, typer.Option("--to", help="The new folder.")],
    part: Annotated[BundlePart, typer.Option(help="light: without the training part.")] = BundlePart("whole"),
    as_json: JsonOption = False,
    workspace: WorkspaceOption = None,
) -> None:
    """Fetch all packages into one folder, which installs the studio on a machine without a network.

    That machine needs the same system, processor and Python: there run 'sh install.sh'.
    """
    made = bundle_install(opened(workspace), to, part.value, lambda text: typer.echo(text, err=True))
    facts = {"folder": str(made.folder), "wheels": made.wheels, "bytes": made.size}
    said = _(
        "{folder}：{n} 个包，{size:.0f} MB；拷过去以后运行 sh install.sh",
        folder=made.folder,
        n=made.wheels,
        size=made.size / 1e6,
    )
    show(facts, as_json, said)
