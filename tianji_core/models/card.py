"""模型卡: the origin and the abilities of a model, as a README.md in its folder."""

from pathlib import Path

from tianji_core.files import write_text
from tianji_core.i18n import _
from tianji_core.model_folders.learnt import LearntPart
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


def learnt_from(made: Artefact) -> list[str]:
    """Returns what a model learned from in a few words each: dataset version, mix, preference pairs; [] where
    it has learnt nothing known."""
    found = [_("数据集 {name}", name=made.dataset_name)] if made.dataset_name else []
    if made.mix:
        found.append(_("混合 {parts}", parts=_("、").join(part.sentence for part in made.mix)))
    return found + [pairs.sentence for pairs in made.pairs]


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
        further=_further(made),
        created_at=made.created_at.strftime("%Y-%m-%d %H:%M"),
        system=_cell(made.system) or "—",
        figures="\n".join(_figures(made)) or "—",
        settings=_table(_("设置"), _("值"), settings),
        samples=_table(_("问"), _("答"), samples),
    )


def _further(made: Artefact) -> str:
    """The section on the mix and the preference pairs that a model learned from, '' where there are none."""
    if not made.mix and not made.pairs:
        return ""
    title = _("学了哪些数据")
    lines = [f"## {title}"]
    if made.mix:
        heads = (_("版本"), "SHA-256", _("要的份额"), _("条数"), _("占条数"), _("占 token"))
        lines += [f"| {' | '.join(heads)} |", "|---|---|---|---|---|---|", *map(_part_row, made.mix), ""]
    lines += [f"- {_cell(pairs.sentence)}：SHA-256 `{pairs.sha256 or '—'}`" for pairs in made.pairs]
    return "\n".join(lines).rstrip() + "\n\n"


def _part_row(part: LearntPart) -> str:
    weight = _("全部") if part.weight is None else f"{part.weight:.0%}"
    if part.weight is None and part.samples < part.size:
        weight = _("{n} / {total} 条", n=f"{part.samples:,}", total=f"{part.size:,}")
    tokens = "—" if part.token_share is None else f"{part.token_share:.1%}"
    cells = (_cell(part.version), f"`{part.sha256 or '—'}`", weight, f"{part.samples:,}", f"{part.share:.1%}")
    return f"| {' | '.join((*cells, tokens))} |"


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
    return lines + [f"| {field_title(name)} | {_cell(_value(getattr(settings, name)))} |" for name in shown]


def _value(value: object) -> str:
    """A setting as a person writes it."""
    if isinstance(value, tuple):  # the mix
        return _("、").join(part.text for part in value) or "—"
    return str(value)


def _table(left: str, right: str, rows: list[str]) -> str:
    return "\n".join([f"| {left} | {right} |", "|---|---|", *rows]) if rows else "—"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").replace("<", "&lt;").split())
