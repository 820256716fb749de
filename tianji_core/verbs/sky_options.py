"""The options of ``train --bundle`` that also write a task of SkyPilot."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tianji_core.errors import InputError
from tianji_core.files import unwritable, write_text
from tianji_core.i18n import _
from tianji_core.ownership import check_new
from tianji_core.training import Target
from tianji_core.training.places.bundle import read_manifest
from tianji_core.training.skypilot import SkyRequest, checked_sky, launch_command, sky_task


@dataclass(frozen=True)
class SkyOptions:
    """Machines that SkyPilot rents or finds in Kubernetes."""

    sky: Annotated[
        Path | None,
        typer.Option(
            help="With --bundle: also write a SkyPilot task that trains it into this file.",
            show_default=False,
        ),
    ] = None
    sky_infra: Annotated[
        str, typer.Option(help="With --sky: cloud, region and zone, e.g. aws/us-east-1 or kubernetes.")
    ] = ""
    sky_gpus: Annotated[str, typer.Option(help="With --sky: cards of the machine, e.g. L4:1.")] = ""
    sky_volume: Annotated[
        str, typer.Option(help="With --sky: SkyPilot volume for the workspace there, from 'sky volumes'.")
    ] = ""
    sky_spot: Annotated[
        bool,
        typer.Option(
            "--sky-spot", help="With --sky-volume: spot machines; a new one goes on where the last was."
        ),
    ] = False

    def request(self, bundle: Path | None) -> SkyRequest | None:
        """Returns what is asked of SkyPilot, None for nothing.

        Raises:
            InputError: --sky without --bundle, another option without --sky, or the file cannot be written.
            TrainingError: a value is not valid.
        """
        asked = {
            "infra": self.sky_infra,
            "gpus": self.sky_gpus,
            "volume": self.sky_volume,
            "spot": self.sky_spot,
        }
        if self.sky is None:
            if any(asked.values()):
                raise InputError(_("--sky-infra、--sky-gpus、--sky-volume 和 --sky-spot 要和 --sky 一起用"))
            return None
        if bundle is None:
            raise InputError(_("--sky 要和 --bundle 一起用：SkyPilot 的任务送的是训练包"))
        request = checked_sky(asked)
        try:
            check_new(self.sky)
        except OSError as error:
            raise unwritable(self.sky, error) from error
        return request

    def write(self, request: SkyRequest, target: Target, device: str, bundle: Path, base: Path) -> str:
        """Writes the task of a written bundle; returns the command that launches it.

        Raises:
            InputError: the file cannot be written.
        """
        assert self.sky is not None
        made = read_manifest(bundle).id
        try:
            write_text(self.sky, sky_task(request, target, device, bundle, made, base))
        except OSError as error:
            raise unwritable(self.sky, error) from error
        return launch_command(request, self.sky, f"tianji-{made}"[:40])
