"""One figure for the memory of a preset: its card, its header, the READMEs, the manual, the list of known
bases and the checks before a training all give what the shape of the base comes to."""

import re
from pathlib import Path

import pytest

from tianji_core.models import known_bases
from tianji_core.training import Preset, default_settings, presets
from tianji_core.training.memory import need_of, pairs_need

ROOT = Path(__file__).resolve().parents[2]
SHAPES = {base.modelscope: base.shape for base in known_bases()}
ON_CARDS = [chosen for chosen in presets() if chosen.device == "cuda"]


def reckoned(chosen: Preset) -> int:
    world = 2 if chosen.deepspeed else 1
    settings = default_settings(chosen.key)
    shape, saved = SHAPES[chosen.model_id], chosen.activation_checkpointing
    if chosen.from_pairs:
        return pairs_need(shape, settings, chosen.method, saved, None).card_gb
    return need_of(shape, settings, chosen.method, saved, chosen.deepspeed, world).card_gb


@pytest.mark.parametrize("chosen", ON_CARDS, ids=lambda chosen: chosen.key)
def test_card_and_header_give_the_figure_and_how_it_is_known(chosen: Preset) -> None:
    assert chosen.memory_gb == reckoned(chosen)
    said = re.search(r"^Memory: (\d+) GB (?:of|on)", chosen.description, re.MULTILINE)
    assert said is not None and int(said[1]) == chosen.memory_gb
    assert f" {chosen.memory_gb:g} GB" in chosen.memory_text
    how = "measured" if chosen.measured else "reckoned from the shape"
    assert how in chosen.description and ("测过" in chosen.memory_text) == chosen.measured


@pytest.mark.parametrize(
    "name",
    ["README.md", "README_zh.md", "docs/guide/zh/walks/one-card.md", "docs/guide/en/walks/one-card.md"],
)
def test_the_figures_of_the_read_me_and_of_the_walk_are_those_of_the_presets(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    tutorial = presets()[0]
    told = re.findall(r"(\d+) GB (?:of GPU memory )?(?:\(measured|显存（(?:在显卡上)?测过)", text)
    assert told == [f"{tutorial.memory_gb:g}"]
    by_key = {chosen.key: chosen for chosen in presets()}
    smaller = re.findall(r"`([\w-]+)`(?: \(|（)(\d+) GB", text)
    assert smaller == [(key, f"{by_key[key].memory_gb:g}") for key, _figure in smaller]
    assert len(smaller) == (3 if "walks" in name else 0)


def test_every_preset_trains_a_known_base_whose_list_gives_the_same_figure() -> None:
    known = {base.modelscope: base for base in known_bases()}
    for chosen in ON_CARDS:
        base = known[chosen.model_id]
        assert base.template == chosen.values["template"] and base.title in chosen.title.replace("（", " ")
        if chosen.method != "full" and not chosen.from_pairs:
            assert base.memory_gb(chosen.method) == chosen.memory_gb


def test_a_known_base_has_the_parameters_in_its_name() -> None:
    for base in known_bases():
        billions = re.search(r"(\d+(?:\.\d+)?)B", base.title)
        assert billions is not None and base.billions == pytest.approx(float(billions[1]), rel=0.17)
        assert base.size_gb == pytest.approx(2 * base.billions, rel=0.2)
