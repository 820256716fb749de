"""模型卡: the origin and the abilities of a model, as a README.md in its folder."""

from pathlib import Path

from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.model_folders.manifest import Artefact, kind_title, size_text
from tianji_core.project import CONFIGS
from tianji_core.store.training import TrainingRun
from tianji_core.training import TrainingSettings, record_of
from tianji_core.training.settings import field_title

CARD = "README.md"


def write_card(folder: Path, made: Artefact, run: TrainingRun | None) -> None:
    """Writes the card of a model; ``run`` is its training, None where that no longer exists."""
    write_text(folder / CARD, model_card(made, run))


def read_card(artefact: Artefact) -> str:
    """Returns a model's card as Markdown, '' where it has none. Bases are excluded: their README.md is not
    made by the studio."""
    path = artefact.path / CARD
    if artefact.kind == "base" or not path.is_file():
        return ""
    return path.read_text(encoding="utf-8", errors="replace")


def model_card(made: Artefact, run: TrainingRun | None) -> str:
    """Returns the card as Markdown."""
    template = (CONFIGS / "models" / "card.md").read_text(encoding="utf-8")
    samples = [f"| {_cell(prompt)} | {_cell(answer)} |" for prompt, answer in made.samples.items()]
    settings = [] if run is None else _settings(run)
    return template.format(
        title=_cell(made.title),
        kind=kind_title(made.kind),
        base=_cell(made.base.name if made.base else "—"),
        fingerprint=made.base_fingerprint or "—",
        template=made.template,
        training=_cell(run.title) if run is not None else "—",
        checkpoint=made.checkpoint if made.checkpoint is not None else "—",
        dataset=_cell(made.dataset_name or "—"),
        dataset_sha256=made.dataset_sha256 or "—",
        created_at=made.created_at.strftime("%Y-%m-%d %H:%M"),
        system=_cell(made.system) or "—",
        figures="\n".join(_figures(made)) or "—",
        settings=_table(_("设置"), _("值"), settings),
        samples=_table(_("问"), _("答"), samples),
    )


def _figures(made: Artefact) -> list[str]:
    titles = {
        "loss": _("训练损失"),
        "val_loss": _("验证损失"),
        "agreement": _("一致"),
        "distance": _("距离"),
    }
    lines = [f"- {titles[key]}：{made.figures[key]:.4g}" for key in titles if key in made.figures]
    if "bytes" in made.figures:
        size = _("大小")
        lines.append(f"- {size}：{size_text(made.figures['bytes'])}")
    return lines


def _settings(run: TrainingRun) -> list[str]:
    shown = [name for name in TrainingSettings.model_fields if name not in ("base", "system", "eval_prompts")]
    lines = [f"| {_('预设')} | {_cell(run.preset)} |"]
    settings = record_of(run).settings
    return lines + [f"| {field_title(name)} | {_cell(str(getattr(settings, name)))} |" for name in shown]


def _table(left: str, right: str, rows: list[str]) -> str:
    return "\n".join([f"| {left} | {right} |", "|---|---|", *rows]) if rows else "—"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
