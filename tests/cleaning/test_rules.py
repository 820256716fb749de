"""Every rule objects to its bad examples, leaves its good ones alone, and its fix is final."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tianji_core.cleaning.own import OWN_RULES
from tianji_core.cleaning.quick import AT_ONCE, SIGNS_AT_ONCE
from tianji_core.cleaning.rule import Context, Example, Rule, Subject, context_of, only_han
from tianji_core.cleaning.rules import (
    BY_ID,
    FIXABLE_RULES,
    RULES,
    SAFE_RULES,
    SET_RULES,
    check,
    check_all,
    clean_text,
    rounds,
)
from tianji_core.recipe import built_in_recipes, load_recipe

WISHES = load_recipe(built_in_recipes()["wishes"])
CONTEXT: Context = context_of(WISHES)
BAD = [
    pytest.param(rule, example, id=f"{rule.id}-{n}") for rule in RULES for n, example in enumerate(rule.bad)
]
GOOD = [
    pytest.param(rule, example, id=f"{rule.id}-{n}") for rule in RULES for n, example in enumerate(rule.good)
]


def rules_found(subject: Subject) -> dict[str, str | None]:
    return {finding.rule: finding.fixed for finding in check(subject, CONTEXT)}


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_a_bad_example_is_found_and_fixed_as_the_rule_says(rule: Rule, example: Example) -> None:
    found = rules_found(example.subject)
    assert rule.id in found
    if example.fixed is not None:
        assert found[rule.id] == example.fixed
        assert rule.id not in rules_found(example.subject._replace(output=example.fixed))


@pytest.mark.parametrize(("rule", "example"), GOOD)
def test_a_good_example_is_left_alone(rule: Rule, example: Example) -> None:
    assert rule.id not in rules_found(example.subject)


def test_every_rule_can_be_read_about_and_has_examples_of_both_kinds() -> None:
    assert len(BY_ID) == len(RULES)
    for rule in RULES:
        assert rule.title and rule.why and rule.good
        assert rule.bad or rule.others or rule in (*SET_RULES, *OWN_RULES)
    assert set(SAFE_RULES) <= set(FIXABLE_RULES)


@pytest.mark.parametrize("style", WISHES.styles, ids=lambda s: s.text)
def test_the_recipes_own_examples_are_clean(style) -> None:
    for example in style.examples:
        assert rules_found(Subject(example, style=style.text)) == {}


def test_several_mistakes_at_once_are_all_found_and_fixed_together() -> None:
    text = "好的，以下是送给妹妹的祝福语：\n“**妹妹，生日快樂！願您天天開心，事事都如意順心呀！啦~**”\n（共30字）"
    subject = Subject(text, "妹妹", "生日", "小红书")
    assert {"lead_in", "markdown", "traditional", "wrong_pronoun", "particle_clash"} <= set(
        rules_found(subject)
    )
    fixed = "妹妹，生日快乐！愿你天天开心，事事都如意顺心呀~"
    assert clean_text(subject, CONTEXT, FIXABLE_RULES) == fixed
    assert clean_text(subject, CONTEXT) == fixed.replace("你", "您"), "a person says which word is meant"


def test_a_fix_that_would_leave_nothing_is_not_applied() -> None:
    subject = Subject("当前祝福语如下：", "妹妹", "生日", "正常")
    assert clean_text(subject, CONTEXT).strip() != ""


def test_only_the_chosen_rules_are_applied() -> None:
    subject = Subject("“妹妹，生日快樂！愿你平安喜乐，每天都有好心情。”", "妹妹", "生日", "正常")
    assert clean_text(subject, CONTEXT, ["traditional"]).startswith("“妹妹，生日快乐")


PIECES = st.sampled_from(
    [
        "妹妹", "祝", "你", "您", "生日快乐", "生日快樂", "愿", "。", "！", "，", "~", "啦", "哦", "呀", "\n", " ", "\u3000",
        "“", "”", '"', "「", "」", "**", "# ", "1. ", "- ", "`", "【祝福】", "《祝福》", "当前祝福语如下：", "好的，", "以下是",
        "：", "（共20字）", "希望你喜欢", "<think>", "</think>", "标题：", "…", "？", "🎂", "字数：20", "祝福语", "一条", "a", "_",
    ]
)  # fmt: skip
TEXTS = st.lists(PIECES, max_size=24).map("".join) | st.text(max_size=60)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.sampled_from([s.text for s in WISHES.styles]), st.sampled_from(["妹妹", "爷爷", ""]))
def test_cleaning_twice_is_cleaning_once(text: str, style: str, name: str) -> None:
    for rules in (SAFE_RULES, FIXABLE_RULES):
        once = clean_text(Subject(text, name, "生日", style), CONTEXT, rules)
        assert clean_text(Subject(once, name, "生日", style), CONTEXT, rules) == once
        assert not text.strip() or once.strip()


def test_a_style_that_does_not_suit_a_cell_is_found_with_its_reason() -> None:
    thanks = load_recipe(built_in_recipes()["thanks"])
    gap = next(gap for gap in thanks.style_gaps if gap.names)
    scene = next(s.text for s in thanks.scenes if thanks.matrix().rating(gap.names[0], s.text).value == 2)
    context = context_of(thanks)

    def details(style: str) -> list[str]:
        found = check(Subject("谢谢您这些日子的照顾，这份心意请收下。", gap.names[0], scene, style), context)
        return [finding.detail for finding in found if finding.rule == "unsuitable_cell"]

    (detail,) = details(gap.styles[0])
    assert gap.styles[0] in detail and gap.reason in detail
    free = next(s.text for s in thanks.styles if thanks.gap(s.text, gap.names[0], scene) is None)
    assert details(free) == []


@pytest.mark.parametrize("end", ["（愿你金榜题名！）", "（署名不重要，心意到了就好）"])
def test_a_last_line_in_brackets_is_no_gap_for_a_name(end: str) -> None:
    text = f"妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。\n{end}"
    fixes = rules_found(Subject(text, "妹妹", "生日", "祝福长文")).values()
    assert all(fixed is None or end in fixed for fixed in fixes)


@pytest.mark.parametrize("text", ["真的想死，愿你替我好好过日子。", "生日快乐！别把爷爷气死了，愿您长寿。"])
def test_death_stays_a_finding_beside_what_only_sounds_like_it(text: str) -> None:
    assert any("死" in found.detail for found in check(Subject(text, scene="生日", style="正常"), CONTEXT))


def test_many_texts_at_once_have_the_findings_of_each_alone(context: Context) -> None:
    texts = [example.subject for rule in RULES for example in (*rule.bad, *rule.good)]
    texts += [
        Subject("", "妹妹", "生日", "正常"),
        Subject("愿你开心。" * 5_000, "妹妹", "生日", "正常"),
        *texts,
    ]
    assert len(texts) > AT_ONCE
    assert check_all(texts, context) == [check(text, context) for text in texts]
    assert check_all([], context) == []


_HAN = st.text(st.sampled_from("妹愿你您的生日快乐节老师写版一二字〇，。！？、；：…—~～“”"), max_size=40)


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule.odd], ids=lambda rule: rule.id)
def test_a_rule_of_odd_texts_finds_nothing_in_others(rule: Rule, context: Context) -> None:
    for example in (example for each in RULES for example in (*each.bad, *each.good)):
        if only_han(example.output):
            assert rule.look(example.output, example.subject, context) is None

    @given(_HAN, st.sampled_from([style.text for style in context.recipe.styles]))
    def on_any(text: str, style: str) -> None:
        if only_han(text):
            assert rule.look(text, Subject(text, "妹妹", "生日", style), context) is None

    on_any()


@given(st.lists(st.integers(0, SIGNS_AT_ONCE), max_size=600))
def test_rounds_hold_every_text_once_and_no_more_than_is_remembered(sizes: list[int]) -> None:
    texts = [Subject("愿" * size) for size in sizes]
    parts = list(rounds(texts))
    assert [text for part in parts for text in part] == texts
    for part in parts:
        assert len(part) <= AT_ONCE
        assert len(part) == 1 or sum(len(text.output) for text in part) <= SIGNS_AT_ONCE


def test_half_a_character_beside_traditional_ones_stays(context: Context) -> None:
    text = "妹妹，生日快樂！\ud83c願你天天開心，事事如意。\udf82"
    found = {finding.rule: finding for finding in check(Subject(text, "妹妹", "生日", "正常"), context)}
    assert found["traditional"].fixed == "妹妹，生日快乐！\ud83c愿你天天开心，事事如意。\udf82"
