"""Building is deterministic on one machine, can be interrupted, and leaves a folder that transformers
loads."""

from dataclasses import replace

import pytest

from tianji_core.errors import InputError
from tianji_core.files import sha256
from tianji_core.models.nano import MANIFEST, nano_base
from tianji_core.models.nano.build import WORK, BuildOptions, build
from tianji_core.models.nano.training import CHECKPOINT, LlamaShape, Schedule

TINY = BuildOptions(
    seed=3,
    documents=200,
    rounds=1,
    length=64,
    shape=LlamaShape(hidden=32, layers=1, heads=2, intermediate=48),
    schedule=Schedule(steps=4, batch=2, warmup=2, save_every=2),
    unseen=60,
)


def weights(folder):
    return sha256(folder / "model.safetensors")


def quiet(_line):
    pass


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiny") / "base"
    return folder, build(folder, TINY, "cpu", say=quiet)


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(built, tmp_path):
    folder, _figures = built
    build(tmp_path / "again", TINY, "cpu", say=quiet)
    build(tmp_path / "other", replace(TINY, seed=4), "cpu", say=quiet)
    assert weights(tmp_path / "again") == weights(folder)
    assert weights(tmp_path / "other") != weights(folder)


def test_a_build_is_whole_says_its_figures_and_loads(built):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder, figures = built
    assert nano_base(folder) == folder
    assert not (folder / WORK).exists()
    assert figures.plain.perplexity > 1
    assert f"{figures.parameters:,} parameters" in (folder / "README.md").read_text(encoding="utf-8")
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert sum(p.numel() for p in model.parameters()) == figures.parameters
    assert len(AutoTokenizer.from_pretrained(folder)) == figures.vocabulary


def test_an_interrupted_build_goes_on_to_the_same_weights(built, tmp_path):
    folder, _figures = built

    def stop_after_the_checkpoint(line):
        if line.startswith("step 4/4"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "base", TINY, "cpu", say=stop_after_the_checkpoint)
    assert (tmp_path / "base" / WORK / CHECKPOINT).exists()
    assert not (tmp_path / "base" / MANIFEST).exists()
    lines: list[str] = []
    build(tmp_path / "base", TINY, "cpu", resume=True, say=lines.append)
    assert "resumed at step 2" in lines
    assert weights(tmp_path / "base") == weights(folder)


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="用不了文件夹"):
        build(tmp_path / "file" / "base", TINY, "cpu", say=quiet)
