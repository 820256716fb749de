"""The model card of the nano base."""

from math import exp
from pathlib import Path
from typing import Any

from tianji_core.files import write_text
from tianji_core.models.nano.corpus import PLAIN_SHARE
from tianji_core.models.nano.split import HELD_OUT_SHARE
from tianji_core.project import CONFIGS

TEMPLATE = CONFIGS / "models" / "nano-card.md"


def write_card(folder: Path, options: dict[str, Any], built: dict[str, Any], device: str) -> None:
    """Writes ``README.md`` from the options and the results of the build."""
    text = TEMPLATE.read_text(encoding="utf-8").format(
        parameters=built["parameters"],
        vocabulary=built["vocabulary"],
        seconds=built["seconds"],
        layers=options["shape"]["layers"],
        hidden=options["shape"]["hidden"],
        heads=options["shape"]["heads"],
        plain_share=PLAIN_SHARE,
        held_out=HELD_OUT_SHARE,
        seed=options["seed"],
        documents=options["documents"],
        length=options["length"],
        steps=options["schedule"]["steps"],
        batch=options["schedule"]["batch"],
        learning_rate=options["schedule"]["learning_rate"],
        warmup=options["schedule"]["warmup"],
        device=device,
        plain_loss=built["plain"]["loss"],
        plain_perplexity=exp(built["plain"]["loss"]),
        reading_loss=built["reading"]["loss"],
        reading_perplexity=exp(built["reading"]["loss"]),
        reading_exact=built["reading"]["exact"],
    )
    write_text(folder / "README.md", text)
