"""The offline composer: every text of the built-in recipe, not a sample of them."""

import itertools
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tianji_core.cleaning import check_new, clean_text, context_of
from tianji_core.cleaning.rule import Subject
from tianji_core.errors import ComposerError
from tianji_core.recipe import (
    Brief,
    Name,
    Plan,
    Pronoun,
    Recipe,
    Relation,
    Scene,
    SceneKind,
    brief,
    built_in_recipe,
    built_in_recipes,
    load_recipe,
    tasks,
)
from tianji_core.store.database import writing
from tianji_core.store.findings import rule_counts
from tianji_core.store.samples import IMPORT, NewSample, SampleFilter, insert_new
from tianji_core.teachers.base import Sampling
from tianji_core.teachers.composer import BUILT_IN, MISTAKES, Composer, Phrases, load_phrases
from tianji_core.teachers.composer.grammar import parse
from tianji_core.workspace import open_workspace

ROUNDS = 3
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf]")
ENDING = re.compile(r"[呀哦啦哟][~！]$")


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe(built_in_recipes()["wishes"])


@pytest.fixture(scope="module")
def briefs(recipe: Recipe) -> list[Brief]:
    return [
        brief(recipe, task, seed=11)
        for task in tasks(recipe, Plan(rounds=ROUNDS, threshold=recipe.threshold))
    ]


@pytest.fixture(scope="module")
def phrases() -> Phrases:
    return load_phrases()


@pytest.fixture(scope="module")
def written(briefs: list[Brief], phrases: Phrases) -> list[tuple[Brief, str]]:
    composer = Composer(phrases)
    return [(b, composer.compose(b).text) for b in briefs]


def of_style(written: list[tuple[Brief, str]], style: str) -> list[tuple[Brief, str]]:
    chosen = [(b, text) for b, text in written if b.style.text == style]
    assert chosen
    return chosen


def test_texts_hardly_ever_repeat(written: list[tuple[Brief, str]]) -> None:
    texts = [text for _b, text in written]
    assert len(set(texts)) / len(texts) >= 0.99
    for style in {b.style.text for b, _text in written}:
        own = [text for _b, text in of_style(written, style)]
        assert len(set(own)) / len(own) >= 0.95, style


def test_cleaning_finds_next_to_nothing(
    written: list[tuple[Brief, str]], recipe: Recipe, tmp_path: Path
) -> None:
    """Every rule, those that compare all texts with each other included."""
    workspace = open_workspace(tmp_path)
    texts = [
        NewSample(
            recipe.key,
            recipe.prompts.system,
            b.input,
            text,
            name=b.name.text,
            scene=b.scene.text,
            style=b.style.text,
        )
        for b, text in written
    ]
    with writing(workspace.engine) as connection:
        stored = insert_new(connection, texts, IMPORT)
    check_new(workspace, recipe.key)
    found = rule_counts(workspace.engine, SampleFilter(recipe.key))
    assert len(written) - len(stored) + sum(count.samples for count in found.values()) <= 0.005 * len(
        written
    ), found


def test_no_opening_dominates(written: list[tuple[Brief, str]]) -> None:
    [(opening, count)] = Counter(text[:4] for _b, text in written).most_common(1)
    assert count / len(written) <= 0.03, opening


def test_every_text_keeps_its_length_limits(written: list[tuple[Brief, str]]) -> None:
    assert [t for b, t in written if not b.style.min_chars <= len(t) <= b.style.max_chars] == []


def test_every_text_speaks_to_the_right_person_and_no_other(
    written: list[tuple[Brief, str]], recipe: Recipe
) -> None:
    names = [n.text for n in recipe.names]
    for b, text in written:
        assert b.name.text in text
        rest = text.replace(b.name.text, "")
        assert [n for n in names if n in rest] == [], text


def test_every_text_shows_its_occasion_and_no_other(
    written: list[tuple[Brief, str]], phrases: Phrases
) -> None:
    for b, text in written:
        assert phrases.shows(text, b.scene.text), (b.scene.text, text)
        assert phrases.foreign_scenes(text, b.scene.text) == [], (b.scene.text, text)


def test_the_pronoun_is_the_receivers(written: list[tuple[Brief, str]]) -> None:
    for b, text in written:
        other = Pronoun.INFORMAL if b.name.pronoun is Pronoun.FORMAL else Pronoun.FORMAL
        assert other.value not in text, text


def test_words_of_a_relation_stay_within_it(written: list[tuple[Brief, str]]) -> None:
    for b, text in written:
        relation, said = b.name.relation, text.replace(b.name.text, "")
        if "学生" in said:
            assert relation == Relation.TEACHER, text
        if "晚辈" in said:
            assert relation == Relation.ELDER, text
        if re.search("长寿|寿比|儿孙|弄孙|矍铄", said):
            assert relation in (Relation.ELDER, Relation.TEACHER), text
        if re.search("可爱的|宝藏|冲呀", said):
            assert b.name.pronoun is Pronoun.INFORMAL, text
        if re.search("贵子|胖娃娃|小宝贝|谈个踏实的恋爱", said):
            assert relation not in (Relation.ELDER, Relation.TEACHER, Relation.SUPERIOR), text


def test_no_text_carries_dirt(written: list[tuple[Brief, str]]) -> None:
    for b, text in written:
        assert "\n" not in text and text == text.strip()
        assert not re.search(r"[<>{}\[\]()]", text), text
        assert text[0] not in "“”\"'「《【-*#0123456789" and text[-1] not in "”\"'」，、：；", text
        assert not re.search(r"[，。！？、；：~]{2,}|[，。！？~][呀哦啦哟呢]", text), text
        assert not re.search("祝福语|如下|以内|标题", text), text
        assert b.style.instruction[:8] not in text


def test_xiaohongshu_has_emoji_and_closes_with_a_particle(written: list[tuple[Brief, str]]) -> None:
    for _b, text in of_style(written, "小红书"):
        assert 1 <= len(EMOJI.findall(text)) <= 2, text
        assert ENDING.search(text), text


def test_only_xiaohongshu_has_emoji_and_particles(written: list[tuple[Brief, str]]) -> None:
    for b, text in written:
        if b.style.text != "小红书":
            assert not EMOJI.search(text), text
            assert not ENDING.search(text), text


def test_verse_has_four_lines_of_five_or_seven_characters(written: list[tuple[Brief, str]]) -> None:
    for _b, text in of_style(written, "诗词赋"):
        _dedication, verse = text.split("：")
        lines = re.split("[，。]", verse.removesuffix("。"))
        assert [len(line) for line in lines] in ([5] * 4, [7] * 4), text
        assert len(set(lines)) == 4, text


def test_the_long_style_has_several_sentences(written: list[tuple[Brief, str]]) -> None:
    for _b, text in of_style(written, "祝福长文"):
        sentences = text.removesuffix("。").split("。")
        assert len(sentences) >= 4, text
        assert len(set(sentences)) == len(sentences), text


def test_the_shouting_style_shouts_and_the_sober_ones_do_not(written: list[tuple[Brief, str]]) -> None:
    assert all(text.count("！") >= 2 and text.endswith("！") for _b, text in of_style(written, "放飞自我"))
    for style in ("严肃", "文艺", "文言文", "诗词赋", "祝福长文"):
        assert not any("！" in text for _b, text in of_style(written, style)), style


def test_every_cell_can_be_written_even_where_it_does_not_suit(recipe: Recipe, phrases: Phrases) -> None:
    composer = Composer(phrases)
    for task in tasks(recipe, Plan(threshold=0)):
        b = brief(recipe, task, seed=5)
        text = composer.compose(b).text
        assert b.style.min_chars <= len(text) <= b.style.max_chars
        assert phrases.shows(text, b.scene.text) and phrases.foreign_scenes(text, b.scene.text) == [], text


async def test_the_same_seed_gives_the_same_text(
    briefs: list[Brief], phrases: Phrases, recipe: Recipe
) -> None:
    one, other = Composer(phrases), Composer(load_phrases())
    for b in briefs[:300]:
        assert one.compose(b) == other.compose(b) == await one.answer(b, Sampling(temperature=0.9))
    again = [one.compose(brief(recipe, b.task, seed=12)).text for b in briefs[:300]]
    assert sum(a != one.compose(b).text for a, b in zip(again, briefs[:300], strict=True)) > 290


def test_an_answer_counts_characters_as_tokens(briefs: list[Brief], phrases: Phrases) -> None:
    answer = Composer(phrases).compose(briefs[0])
    assert answer.model == Composer.name == "offline-composer"
    assert (answer.prompt_tokens, answer.completion_tokens) == (len(briefs[0].prompt), len(answer.text))
    assert answer.planted == ()


def narrowed(b: Brief, low: int, high: int) -> Brief:
    return replace(b, style=b.style.model_copy(update={"min_chars": low, "max_chars": high}))


def test_narrow_limits_are_met_or_refused(briefs: list[Brief], phrases: Phrases) -> None:
    composer = Composer(phrases)
    plain = next(b for b in briefs if b.style.text == "正常")
    assert 17 <= len(composer.compose(narrowed(plain, 17, 19)).text) <= 19
    assert 40 <= len(composer.compose(narrowed(plain, 40, 60)).text) <= 60
    with pytest.raises(ComposerError, match=r"写不出 2-5 字.*zhengchang\.yaml"):
        composer.compose(narrowed(plain, 2, 5))


def test_a_name_that_no_group_lists_is_written_to_by_its_relation(
    briefs: list[Brief], phrases: Phrases
) -> None:
    composer = Composer(phrases)
    b = next(b for b in briefs if b.name.text == "医生")
    stranger = b.name.model_copy(update={"text": "王教练", "relation": Relation.TEACHER})
    text = composer.compose(replace(b, name=stranger)).text
    assert "王教练" in text and "你" not in text


# Mistakes


def test_planted_mistakes_keep_their_rate_and_are_named(briefs: list[Brief], phrases: Phrases) -> None:
    answers = [Composer(phrases, mistakes=0.3).compose(b) for b in briefs[:3000]]
    spoilt = [a for a in answers if a.planted]
    assert 0.27 <= len(spoilt) / len(answers) <= 0.33
    assert {kind for a in spoilt for kind in a.planted} == set(MISTAKES)
    assert all(len(a.planted) == 1 for a in spoilt)


def test_texts_without_a_mistake_are_what_they_would_be_anyway(briefs: list[Brief], phrases: Phrases) -> None:
    clean, dirty = Composer(phrases), Composer(phrases, mistakes=0.5)
    for b in briefs[:300]:
        answer = dirty.compose(b)
        assert (answer.text == clean.compose(b).text) == (not answer.planted)


def test_each_planted_mistake_is_the_one_it_says(briefs: list[Brief], phrases: Phrases) -> None:
    composer, clean = Composer(phrases, mistakes=1.0), Composer(phrases)
    for b in briefs[:3000]:
        answer, right = composer.compose(b), clean.compose(b).text
        text, [kind] = answer.text, answer.planted
        match kind:
            case "several_lines":
                assert text.split("\n")[0] == right and len(text.split("\n")) == 2
            case "wrapping_quotes":
                assert text[1:-1] == right and text[0] + text[-1] in ("“”", '""', "「」")
            case "lead_in":
                assert text.endswith(right) and text.removesuffix(right).endswith(("：", ":"))
            case "particle_clash":
                assert re.search(r"[。！？~][呀哦啦][~！]$", text), text
            case "too_short":
                assert len(text) < 10
            case "too_long":
                assert len(text) > b.style.max_chars and "\n" not in text
            case "wrong_occasion":
                assert phrases.foreign_scenes(text, b.scene.text), (b.scene.text, text)
            case "wrong_pronoun":
                assert b.name.pronoun.value not in text and len(text) == len(right) and text != right
            case "title":
                assert text.split("\n")[1] == right
            case "leaked_prompt":
                leaked = text.removesuffix(right)
                assert text.endswith(right) and leaked and leaked in b.prompt.replace("\n", "")
            case _:
                raise AssertionError(kind)


@pytest.mark.parametrize("rate", [-0.1, 1.5])
def test_a_mistake_rate_is_a_share(rate: float, phrases: Phrases) -> None:
    with pytest.raises(ComposerError, match="0 到 1"):
        Composer(phrases, mistakes=rate)


# Phrase files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(BUILT_IN, tmp_path / "composer")
    return tmp_path / "composer"


def write_style(folder: Path, text: str) -> Path:
    file = folder / "styles" / "new.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_new_style_is_a_new_file(folder: Path, briefs: list[Brief]) -> None:
    write_style(folder, "style: 电报\npatterns: [<name>生日<wish>]\nscenes: {生日: {wish: [乐, 好]}}\n")
    b = next(b for b in briefs if b.scene.text == "生日")
    telegram = b.style.model_copy(update={"text": "电报", "min_chars": 1})
    text = Composer(load_phrases(folder)).compose(replace(b, style=telegram)).text
    assert text in {f"{b.name.text}生日乐", f"{b.name.text}生日好"}


def test_a_style_or_scene_without_phrases_says_where_to_add_them(
    briefs: list[Brief], phrases: Phrases
) -> None:
    b = briefs[0]
    with pytest.raises(ComposerError, match=r"风格“电报”.*styles"):
        Composer(phrases).compose(replace(b, style=b.style.model_copy(update={"text": "电报"})))
    poem = next(b for b in briefs if b.style.text == "诗词赋")
    surgery = Scene(text="手术", kind=SceneKind.HEALTH)
    with pytest.raises(ComposerError, match=r"场景“手术”.*\.yaml 的 scenes"):
        Composer(phrases).compose(replace(poem, scene=surgery))


@pytest.mark.parametrize(
    ("scene", "kind", "greeting"),
    [
        ("植树节", "festival", "植树节快乐"),
        ("金婚", "life_event", "金婚快乐"),
        ("论文发表", "career", ""),
        ("体检", "health", "体检顺利"),
        ("送别", "social", "一路顺风"),
    ],
)
def test_an_occasion_without_phrases_is_written_by_its_kind(
    briefs: list[Brief], phrases: Phrases, scene: str, kind: str, greeting: str
) -> None:
    """The receivers, too, are on no list: their relation and pronoun are enough."""
    other = Scene(text=scene, kind=SceneKind(kind), greeting=greeting)
    people = [
        Name(text="裴大爷", relation=Relation.ELDER, pronoun=Pronoun.FORMAL),
        Name(text="詹教授", relation=Relation.TEACHER, pronoun=Pronoun.FORMAL),
        Name(text="满姐", relation=Relation.PEER, pronoun=Pronoun.INFORMAL),
    ]
    styles = {b.style.text: b.style for b in briefs}
    composer, unsaid = Composer(phrases), {Pronoun.FORMAL: "你", Pronoun.INFORMAL: "您"}
    for number, (style, name) in enumerate(itertools.product(styles.values(), people)):
        if (style.text, kind) == ("诗词赋", "health"):
            continue
        text = composer.compose(replace(briefs[number], style=style, name=name, scene=other)).text
        assert name.text in text and scene in text and unsaid[name.pronoun] not in text
        assert style.min_chars <= len(text) <= style.max_chars
        assert not phrases.foreign_scenes(text, scene) and "<" not in text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("style: 电报\npatterns: [<name>好]\nscenes: {}\n", "new.yaml：scenes 至少要有 1 项"),
        ("style: 电报\nscenes: {生日: {}}\n", "new.yaml：patterns 没有填"),
        ("style: 电报\npatterns: []\nscenes: {生日: {}}\n", "patterns.any 没有语句"),
        (
            "style: 电报\npatterns: [<name><wish>]\nscenes: {生日: {wish: {aunt: [好]}}}\n",
            "scenes.生日.wish.*关系“aunt”",
        ),
        (
            "style: 电报\npatterns: [<name><wish>]\nscenes: {生日: {wish: {elder: [好]}}}\n",
            "scenes.生日 对 .*没有可用的句式.*wish",
        ),
        (
            "style: 电报\npatterns: [<wish><wish>]\nscenes: {生日: {wish: [好]}}\n",
            "scenes.生日 对 .*没有可用的句式.*wish",
        ),
        (
            "style: 电报\npatterns: [<name><wsh>]\nscenes: {生日: {wish: [好]}}\n",
            "patterns 用了没有语句的 wsh",
        ),
        (
            "style: 电报\npatterns: [<name>好]\nscenes: {生日: {wihs: [好]}}\n",
            "scenes.生日.wihs 没有任何句式用到",
        ),
        ("style: 电报\npatterns: [<name>(好]\nscenes: {生日: {}}\n", "patterns 里括号不成对"),
        ("style: 电报\npatterns: [<name>]\nscenes: {毕业: {}}\n", "scenes.毕业 不在 scenes.yaml"),
        ("style: 正常\npatterns: [<name>]\nscenes: {生日: {}}\n", "同一个风格“正常”"),
        ("style: [电报\n", "new.yaml 第 2 行不是合法的 YAML：方括号没有配对"),
    ],
)
def test_a_wrong_file_is_named_with_its_key(folder: Path, text: str, message: str) -> None:
    write_style(folder, text)
    with pytest.raises(ComposerError, match=message):
        load_phrases(folder)


def test_a_folder_without_its_shared_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ComposerError, match=r"scenes\.yaml"):
        load_phrases(tmp_path)


@pytest.mark.parametrize("source", ["(a", "a)", "((a))", "<a", "a>"])
def test_a_pattern_that_does_not_pair_up_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match=re.escape(source)):
        parse(source)


def test_no_safe_fix_cuts_off_the_sentence_of_a_tone() -> None:
    recipe = built_in_recipe("wishes")
    context, said = context_of(recipe), 0
    for bank, style in itertools.product(load_phrases().options["tone"].values(), recipe.styles):
        for sentence, example in itertools.product(bank.get(style.text, bank["any"]), style.examples[:3]):
            ending = sentence.replace("<you>", "您" if "您" in example else "你")
            cleaned = clean_text(Subject(example + ending, "", "", style.text), context)
            assert cleaned.endswith(ending), (style.text, ending)
            said += 1
    assert said > 300
