"""Replaced receivers and occasions: the texts stay right, the same seed gives the same file, and nothing of
the validation set or of a held-out cell gets into the training file."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.other_tasks import APOLOGIES, apologies, copy_for_goods
from tianji_core import dataset
from tianji_core.cleaning import Subject, check, context_of
from tianji_core.dataset import Balance, Variation
from tianji_core.dataset.fresh_words import fresh_words, words_of
from tianji_core.dataset.variants import VARIED, Varying, naming
from tianji_core.errors import DatasetError
from tianji_core.recipe import Plan, Scene, brief, built_in_recipe, kept_cells, tasks
from tianji_core.store import samples
from tianji_core.store.database import writing
from tianji_core.store.samples import ACCEPTED, IMPORT, NewSample, TrainingExample
from tianji_core.teachers.composer import Composer
from tianji_core.workspace import Workspace

RECIPE = built_in_recipe("wishes")
COMPOSER = Composer()


def composed(count: int, styles: tuple[str, ...] = ()) -> list[TrainingExample]:
    """Texts as the offline teacher writes them, for cells all over the matrix."""
    plan = Plan(styles=styles, rounds=3, threshold=2, seed=7, limit=count, cells=tuple(kept_cells(RECIPE, 2)))
    written = []
    for number, task in enumerate(tasks(RECIPE, plan)):
        asked = brief(RECIPE, task, 7)
        cell = (asked.name.text, asked.scene.text, asked.style.text)
        texts = (asked.input, COMPOSER.compose(asked).text)
        written.append(TrainingExample(*cell, "t", "", [], *texts, str(number), number))
    return written


EXAMPLES = composed(230)


def one(name: str, scene: str, asked: str, text: str, style: str = "正常") -> TrainingExample:
    return TrainingExample(name, scene, style, "t", "", [], asked, text, "d", 1)


@settings(max_examples=5, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_variant_names_its_fresh_receiver_and_occasion_and_no_listed_one(seed: int) -> None:
    part = EXAMPLES[seed % 200 :][:30]
    context, words = context_of(RECIPE), fresh_words()
    listed = {name.text for name in RECIPE.names} | {scene.text for scene in RECIPE.scenes}
    for variant in Varying(RECIPE, Variation(1.0, 1.0, seed)).variants(part):
        before, after = variant.before, variant.after
        name = next(n for n in RECIPE.names if n.text == before.name)
        if after.name != before.name:
            assert after.name in after.input and after.name in after.output
            assert before.name not in after.output and after.name not in listed
        if after.scene != before.scene:
            kind = next(s.kind for s in RECIPE.scenes if s.text == before.scene)
            assert after.scene in after.output and after.scene not in listed
            assert before.scene not in after.output and kind in words.occasions
        other = "你" if name.pronoun.value == "您" else "您"
        assert other not in after.output
        assert len(after.input) >= 4
        subject = Subject(after.output, after.name, after.scene, after.style)
        found = {finding.rule for finding in check(subject, context)}
        assert found <= {finding.rule for finding in check(before, context)}


def test_the_shares_are_reached_and_the_seed_decides() -> None:
    plain = composed(120, ("正常",))

    def varied(seed: int) -> list[str]:
        return [v.after.output for v in Varying(RECIPE, Variation(0.5, 0.1, seed)).variants(plain)]

    changed = Varying(RECIPE, Variation(0.5, 0.1, 3)).variants(plain)
    assert sum(v.name[0] != v.name[1] for v in changed) == 60
    assert sum(v.scene[0] != v.scene[1] for v in changed) == 12
    assert varied(3) == varied(3) != varied(4)


@pytest.mark.parametrize(
    "sample",
    [
        one("母亲", "生日", "祝母亲生日", "母亲，生日快乐！妈妈辛苦了，愿您天天开心。"),
        one("爷爷", "春节", "祝爷爷春节", "爷爷，春节快乐！奶奶和您都要身体健康。"),
        one("同学", "春节", "祝同学春节", "同学们都说你好，祝你春节快乐，天天开心。"),
        one("妹妹", "生日", "祝妹妹生日", "又长大一岁啦，愿你天天开心，心想事成。"),
        one("姐姐", "生日", "祝王姐姐生日", "王姐姐，生日快乐！愿你天天开心，心想事成。"),
        one("姐姐", "生日", "祝王姐姐生日", "姐姐，生日快乐！愿你天天开心，心想事成。"),
        one("不在名单", "生日", "祝她生日", "不在名单，生日快乐，愿你天天开心。"),
    ],
)
def test_what_would_no_longer_be_right_stays(sample: TrainingExample) -> None:
    assert Varying(RECIPE, Variation(1.0, 0.0)).variants([sample]) == []


@pytest.mark.parametrize(
    "text",
    [
        "妹妹，中秋快乐，月饼分你一半。",
        "妹妹，中秋的月亮很圆，愿你开心。",
        "妹妹，愿你天天开心，心想事成。",
        "妹妹，中秋节灯会好热闹，愿你开心。",
    ],
)
def test_a_text_that_keeps_another_word_of_its_occasion_stays(text: str) -> None:
    sample = one("妹妹", "中秋节", "祝妹妹中秋节", text)
    assert Varying(RECIPE, Variation(0.0, 1.0)).variants([sample]) == []


def test_longer_words_are_replaced_first() -> None:
    scene = next(s for s in RECIPE.scenes if s.text == "元宵节")
    pairs = dict(naming(scene, Scene(text="元旦", kind=scene.kind, greeting="元旦快乐")))
    assert pairs["元宵节快乐"] == "元旦快乐" and pairs["元宵节"] == "元旦" and pairs["元宵佳节"] == "元旦"
    lengths = [len(old) for old, _new in naming(scene, scene)]
    assert lengths == sorted(lengths, reverse=True)


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_a_share_is_between_nothing_and_everything(share: float) -> None:
    with pytest.raises(DatasetError, match="份额"):
        Variation(names=share)


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    rows = [
        NewSample("wishes", "s", e.input, e.output, name=e.name, scene=e.scene, style=e.style, state=ACCEPTED)
        for e in composed(80, ("正常",))
    ]
    with writing(workspace.engine) as connection:
        samples.insert_new(connection, rows, IMPORT)
    return workspace


def outputs(path: Path) -> list[str]:
    return [item["conversation"][-1]["output"] for item in json.loads(path.read_text(encoding="utf-8"))]


def test_a_version_says_what_was_varied_and_the_validation_set_is_untouched(filled: Workspace) -> None:
    split = Balance(validation=0.2, seed=5)
    as_is = dataset.freeze(filled, "wishes", "plain", balance=split)
    version = dataset.freeze(filled, "wishes", "v", balance=split, variation=Variation(0.5, 0.1, 5))
    told = version.manifest["varied"]
    listed = json.loads((filled.home / version.folder / VARIED).read_text(encoding="utf-8"))
    before, after = (outputs(dataset.training_file(filled, one)) for one in (as_is, version))
    assert told["names"] == round(0.5 * version.count) and told["occasions"] > 0
    assert {one["place"] for one in listed} == {
        n for n, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]
    }
    held = [dataset.validation_file(filled, one) for one in (as_is, version)]
    assert held[0] and held[1] and held[0].read_bytes() == held[1].read_bytes()
    assert version.manifest["cells"] == as_is.manifest["cells"] and "varied" not in as_is.manifest
    dataset.verify(filled, version)
    card = (filled.home / version.folder / "README_zh.md").read_text(encoding="utf-8")
    assert f"{told['names']} 条换了人" in card
    again = dataset.freeze(filled, "wishes", "again", balance=split, variation=Variation(0.5, 0.1, 5))
    assert again.sha256 == version.sha256


def test_a_preview_shows_what_a_freeze_does_and_freezes_nothing(filled: Workspace) -> None:
    variation = Variation(0.5, 0.0, 1)
    shown, count = dataset.previewed(filled, "wishes", None, None, variation)
    version = dataset.freeze(filled, "wishes", "v", variation=variation)
    assert count == version.count and len(shown) == version.manifest["varied"]["names"]
    assert {v.after.output for v in shown} <= set(outputs(dataset.training_file(filled, version)))


def test_a_damaged_list_of_variants_is_noticed(filled: Workspace) -> None:
    version = dataset.freeze(filled, "wishes", "v", variation=Variation(0.5))
    beside = filled.home / version.folder / VARIED
    beside.chmod(0o600)
    beside.write_text("[]", encoding="utf-8")
    with pytest.raises(DatasetError, match=VARIED):
        dataset.verify(filled, version)


def test_receivers_of_another_task_are_replaced_by_such_as_it_lists() -> None:
    recipe = apologies()
    texts = [
        TrainingExample(*cell, "t", "", [], f"给{cell[0]}写一条致歉，{cell[1]}", text, str(number), number)
        for number, (cell, text) in enumerate(APOLOGIES.items())
    ]
    variants = Varying(recipe, Variation(1.0, 1.0, 3)).variants(texts)
    changed = {one.name[0]: one.name[1] for one in variants}
    assert {"赵先生", "钱女士", "李女士"} <= changed.keys()
    listed = {name.text for name in recipe.names}
    for old, new in changed.items():
        assert new.endswith(("先生", "女士")) and new not in listed, (old, new)
    assert all(one.scene[0] == one.scene[1] for one in variants)
    for one in variants:
        assert one.name[1] in one.after.output and one.name[0] not in one.after.output


def test_a_task_without_receivers_has_no_fresh_ones() -> None:
    words = words_of(copy_for_goods())
    assert not words.names and not words.occasions and not words.made
    assert words_of(RECIPE) is fresh_words()
