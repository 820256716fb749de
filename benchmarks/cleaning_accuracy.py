"""How well the cleaning rules tell mistakes from good texts.

Run with ``python benchmarks/cleaning_accuracy.py``. Clean texts of the offline composer, all suitable cells
in all nine styles, must stay without findings (at most 0.5 %). Then one mistake is planted into each of some
thousand texts, in wordings of this file's own, so that no rule is measured with the words it was written
from. A rule's recall is the share of its mistakes it finds; its precision the share of its findings that are
of its own making or follow from the mistake that was made (see ``FOLLOWS``). Bar: 0.97 for every rule in
both. The baseline is what the tutorial cleans: first line, outer quotes, a lead-in before a colon, texts
under ten characters.
"""

import argparse
import json
import random
import re
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tianji_core import cleaning  # noqa: E402
from tianji_core.cleaning.near import band_keys, near_pairs  # noqa: E402
from tianji_core.cleaning.rules import SET_RULES  # noqa: E402
from tianji_core.recipe import (  # noqa: E402
    Plan,
    Recipe,
    brief,
    built_in_recipes,
    load_recipe,
    tasks,
)
from tianji_core.store import findings, samples  # noqa: E402
from tianji_core.store.database import writing  # noqa: E402
from tianji_core.store.samples import IMPORT, NewSample  # noqa: E402
from tianji_core.teachers.composer import Composer  # noqa: E402
from tianji_core.workspace import open_workspace  # noqa: E402

BAR = 0.97
CLEAN_BAR = 0.005
FOLLOWS = {
    "empty": {"exact_duplicate"},
    "too_short": {"emoji", "exact_duplicate", "near_duplicate"},
    "think_tags": {"several_lines"},
    "lead_in": {"wrong_pronoun"},
    "closing": {"wrong_pronoun", "several_lines"},
    "several_lines": {"too_long"},
    "wrong_occasion": {"near_duplicate", "exact_duplicate"},
    "leaked_prompt": {"wrong_pronoun", "lead_in"},
    "particle_clash": {"repeated_marks"},
    "punctuation": {"repeated_marks"},
    "repeated_marks": {"particle_clash"},
    "exact_duplicate": {"near_duplicate"},
    "refusal": {"lead_in", "closing"},
}
"""What a planted mistake brings with it by its wording: '以下是为您写的文案' says 您 to a peer, too."""


class Text(NamedTuple):
    """A text and what it is meant to be."""

    output: str
    name: str
    scene: str
    style: str


Spoil = Callable[[Text, random.Random], str | None]
"""Plants one mistake; None where this text does not lend itself to it."""


def composed(recipe: Recipe, rounds: int, seed: int, limit: int | None = None) -> list[Text]:
    """Clean texts of all suitable cells and styles."""
    composer = Composer()
    found = []
    for task in tasks(recipe, Plan(rounds=rounds, limit=limit)):
        answer = composer.compose(brief(recipe, task, seed))
        found.append(Text(answer.text, task.name, task.scene, task.style))
    return found


def _ended(text: str) -> str:
    return text if text[-1] in "。！？~～!?…" else text + "。"


def _choice(*forms: str) -> Spoil:
    """One of some forms in which {text}, {name}, {scene} and {style} are filled in."""

    def spoil(text: Text, source: random.Random) -> str:
        values = {"name": text.name, "scene": text.scene, "style": text.style}
        return source.choice(forms).format(text=_ended(text.output), **values)

    return spoil


def _inserted(*pieces: str) -> Spoil:
    """A piece after the first or second mark of the text."""

    def spoil(text: Text, source: random.Random) -> str | None:
        places = [m.end() for m in re.finditer("[，。！？]", text.output)][:2]
        if not places:
            return None
        place = source.choice(places)
        return text.output[:place] + source.choice(pieces).format(name=text.name) + text.output[place:]

    return spoil


def _replaced(old: str, new: tuple[str, ...]) -> Spoil:
    """One match of a pattern turned into something else."""

    def spoil(text: Text, source: random.Random) -> str | None:
        matches = list(re.finditer(old, text.output))
        if not matches:
            return None
        match = source.choice(matches)
        return text.output[: match.start()] + source.choice(new) + text.output[match.end() :]

    return spoil


def planters(recipe: Recipe, other: list[Text]) -> dict[str, Spoil]:
    """rule id → how its mistake is planted."""
    limits = {style.text: (style.min_chars, style.max_chars) for style in recipe.styles}
    formal = {name.text: name.pronoun.value == "您" for name in recipe.names}
    names = [name.text for name in recipe.names]
    by_style: dict[str, list[Text]] = defaultdict(list)
    by_cell: dict[tuple[str, ...], list[Text]] = defaultdict(list)
    for each in other:
        by_style[each.style].append(each)
        by_cell[each[1:]].append(each)
    matrix = recipe.matrix()

    def twice(text: Text, source: random.Random) -> str:
        return f"{text.output}\n{source.choice(by_cell[text[1:]]).output}"

    def too_short(text: Text, source: random.Random) -> str:
        return source.choice(("祝{name}开心！", "{name}加油！", "愿{name}都好。")).format(name=text.name)[:9]

    def too_long(text: Text, source: random.Random) -> str | None:
        output = text.output
        while len(output) <= limits[text.style][1]:
            output += source.choice(by_cell[text[1:]]).output
        return output if text.style != "小红书" else None

    def wrong_pronoun(text: Text, source: random.Random) -> str | None:
        old, new = ("您", "你") if formal[text.name] else ("你", "您")
        return text.output.replace(old, new) if old in text.output else None

    def wrong_occasion(text: Text, source: random.Random) -> str | None:
        plain = {"七夕节": "七夕", "元宵节": "元宵", "端午节": "端午", "中秋节": "中秋", "重阳节": "重阳"}
        others = [t for t in by_style[text.style] if t.name == text.name and t.scene != text.scene]
        source.shuffle(others)
        near = {"除夕", "春节", "腊八节", "元宵节"}
        for other in others:
            word = plain.get(other.scene, other.scene)
            if word in other.output.replace(text.name, "") and not {other.scene, text.scene} <= near:
                return other.output
        return None

    def unsuitable(text: Text, source: random.Random) -> str | None:
        fitting = [n for n in names if matrix.rating(n, text.scene).value < recipe.threshold]
        fitting = [n for n in fitting if formal[n] == formal[text.name]]
        return text.output.replace(text.name, source.choice(fitting)) if fitting else None

    def wrong_person(text: Text, source: random.Random) -> str | None:
        other = source.choice([n for n in names if n not in text.name and text.name not in n])
        if formal[other] != formal[text.name] or text.name not in text.output:
            return None
        return text.output.replace(text.name, other)

    def wrong_kinship(text: Text, source: random.Random) -> str | None:
        if text.name not in text.output:
            return None
        words = (
            ("婶婶", "姑父", "岳母", "舅妈", "爸爸")
            if formal[text.name]
            else ("老婆", "侄子", "女儿", "堂弟")
        )
        return text.output.replace(text.name, source.choice(words))

    def unsafe(text: Text, source: random.Random) -> str | None:
        return _inserted("早死早超生，", "滚蛋吧，", "快加我微信，", "去赌场赢一把，", "节哀顺变，")(
            text, source
        )

    def emoji(text: Text, source: random.Random) -> str | None:
        if text.style == "小红书":
            return re.sub(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\ufe0f]", "", text.output)
        if text.style in ("正常", "严肃", "文言文", "诗词赋"):
            return text.output + source.choice(("🎉", "💐", "😄✨"))
        return text.output + source.choice(("🎉🎂💐✨😄🎈", "🧧🧨🎆🎇🏮🐉"))

    def marks(text: Text, source: random.Random) -> str | None:
        return _replaced("[！。](?=.)", ("！！！！", "！！！！！！"))(text, source) or (
            text.output[:-1] + "！！！！" if text.output[-1] in "。！" else None
        )

    return {
        "empty": lambda _text, source: source.choice(("", "  \n", "🎉🎉", "！！……", "~~~")),
        "think_tags": _choice("<think>对方是{name}，场合是{scene}</think>{text}", "要写得短\n</think>\n\n{text}"),
        "markdown": _choice("### {text}", "- {text}", "**{text}**", "> {text}", "1. {text}"),
        "title": _choice("《致{name}》\n{text}", "【{scene}寄语】{text}", "题目：给{name}\n{text}", "{scene}祝福语\n{text}"),
        "lead_in": _choice(
            "好的，给{name}的祝福语如下：{text}",
            "以下是一段{style}风格的祝福：{text}",
            "没问题，以下是为您写的文案：{text}",
            "祝福文案：{text}",
            "这是一段送给{name}的祝福：{text}",
        ),
        "closing": _choice(
            "{text}希望以上内容对你有帮助！",
            "{text}\n（字数：约30字）",
            "{text}如果需要别的风格，请告诉我。",
            "{text}希望这段祝福合你的心意。",
        ),
        "several_lines": twice,
        "wrapping_quotes": _choice("“{text}", "“{text}”", '"{text}"', "「{text}」", "『{text}』"),
        "spaces": _choice("　　{text}", "{text}  ", "\t{text}\n"),
        "particle_clash": lambda text, source: _ended(text.output)
        + source.choice(("呀！", "啦！", "哟~", "呢！", "哦~~")),
        "punctuation": _replaced("[，。](?=.)", ("，。", "。，", "。。", "，，", "、，")),
        "traditional": _replaced("愿|乐|开|发|欢|万|业|体|岁|运|张|长|来|时|说|这", ("願樂", "開發", "萬歲", "這個", "長樂")),
        "repeated_marks": marks,
        "mixed_width": _replaced("[，！。](?=[\u4e00-\u9fff])", (",", "!", ".", ";")),
        "foreign": _inserted("wish you all the best，", "Best wishes for you and family，", "おめでとう，", "행복하세요，"),
        "rubbish": _inserted("&nbsp;", "锟斤拷", "\u200b", "\ufffd\ufffd", "<br>", "\\u4f60", "@#$%^&"),
        "emoji": emoji,
        "too_short": too_short,
        "too_long": too_long,
        "unsuitable_cell": unsuitable,
        "wrong_pronoun": wrong_pronoun,
        "wrong_occasion": wrong_occasion,
        "wrong_person": wrong_person,
        "wrong_kinship": wrong_kinship,
        "unsafe": unsafe,
        "refusal": _choice(
            "作为AI语言模型，我没有感情，不过{text}",
            "很抱歉，我不能以私人身份写信。{text}",
            "我是一个人工智能，{text}",
            "对不起，我无法完成这个要求。{text}",
        ),
        "leaked_prompt": _choice(
            "风格要求：{style}。{text}",
            "控制在50个字以内，{text}",
            "根据您的要求，{text}",
            "场景：{scene}。{text}",
            "只返回祝福本身，{text}",
            "{text}<|im_end|>",
        ),
        "placeholder": _choice("亲爱的[收件人]，{text}", "XX，{text}", "{text}——（署名）", "尊敬的{{name}}，{text}", "某某，{text}"),
        "exact_duplicate": lambda text, source: text.output,
        "near_duplicate": _replaced("(?<=[\u4e00-\u9fff])[，](?=[\u4e00-\u9fff])", ("，更", "，也", "，还")),
        "overused_opening": lambda text, source: "在这个充满欢乐的日子里，" + text.output,
    }  # fmt: skip


class Counts(NamedTuple):
    """Of one rule: mistakes planted, found among these, and findings that no mistake explains."""

    planted: int
    found: int
    wrong: int

    @property
    def recall(self) -> float:
        """Share of the planted mistakes that were found."""
        return self.found / self.planted if self.planted else 0.0

    @property
    def precision(self) -> float:
        """Share of the findings that are right."""
        return self.found / (self.found + self.wrong) if self.found else 0.0


def plant(recipe: Recipe, per_rule: int, seed: int) -> list[tuple[Text, str]]:
    """Texts with the rule whose mistake each of them carries, '' for those left as they are. No two of the
    underlying texts resemble each other, and every one has room for some more characters."""
    source = random.Random(seed)
    pool = composed(recipe, 3, seed)
    source.shuffle(pool)
    clashing = {
        pair.second for pair in near_pairs([t.output for t in pool], band_keys([t.output for t in pool]))
    }
    limits = {style.text: style.max_chars for style in recipe.styles}
    roomy = [
        text
        for n, text in enumerate(pool)
        if n not in clashing and (len(text.output) + 45 <= limits[text.style])
    ]
    longest = sorted(recipe.names, key=lambda name: len(name.text), reverse=True)
    waiting = iter(roomy)
    planted: list[tuple[Text, str]] = []
    for rule, spoil in planters(recipe, composed(recipe, 2, seed + 1)).items():
        # Those that a style may begin with are no mistakes, so that there must be many more of them.
        times = 3 if rule == "overused_opening" else 1
        left, skipped = times * per_rule, []
        while left and (text := next(waiting, None)) is not None:
            if rule == "overused_opening" and text.style != "祝福长文":
                continue
            output = spoil(text, source)
            if output is None or (
                output == text.output and rule not in ("unsuitable_cell", "exact_duplicate")
            ):
                continue
            if rule in ("exact_duplicate", "near_duplicate"):
                planted.append((text, ""))
            if rule == "unsuitable_cell":
                name = next(n.text for n in longest if n.text in output)
                text = text._replace(name=name)
            planted.append((text._replace(output=output), rule))
            left -= 1
        waiting = iter([*skipped, *waiting])
    return planted


def stored_findings(recipe: Recipe, texts: list[Text]) -> list[set[str]]:
    """The rules that object to each of the texts, when all of them are stored and checked together."""
    with tempfile.TemporaryDirectory() as home:
        workspace = open_workspace(home)
        new = [
            NewSample("wishes", recipe.prompts.system, f"{n}", text.output, text.name, text.scene, text.style)
            for n, text in enumerate(texts)
        ]
        with writing(workspace.engine) as connection:
            ids = samples.insert_new(connection, new, IMPORT)
        cleaning.check_new(workspace, "wishes")
        found = {}
        for start in range(0, len(ids), 500):
            found |= findings.of(workspace.engine, ids[start : start + 500])
        workspace.engine.dispose()
    return [{each.rule for each in found[number]} for number in ids]


def measure(
    recipe: Recipe, planted: list[tuple[Text, str]]
) -> tuple[dict[str, Counts], list[tuple[str, Text, str]]]:
    """Counts of every rule, from the findings of stored samples, and what was missed or found wrongly."""
    opening = [n for n, (_text, rule) in enumerate(planted) if rule == "overused_opening"]
    bound = cleaning.bounds().opening
    alike = sum(text.style == planted[opening[0]][0].style for text, _rule in planted)
    allowed = set(opening[: max(bound.at_least, int(bound.share * alike))])
    found = stored_findings(recipe, [text for text, _rule in planted])
    seen: dict[str, Counter[str]] = defaultdict(Counter)
    remarks: list[tuple[str, Text, str]] = []
    for n, ((text, rule), rules) in enumerate(zip(planted, found, strict=True)):
        if rule and n not in allowed:
            seen[rule]["planted"] += 1
            seen[rule]["found"] += rule in rules
            if rule not in rules:
                remarks.append(("missed", text, rule))
        for other in rules - {rule} - FOLLOWS.get(rule, set()):
            seen[other]["wrong"] += 1
            remarks.append((f"{other}, planted {rule or 'nothing'}", text, other))
    return {
        rule.id: Counts(seen[rule.id]["planted"], seen[rule.id]["found"], seen[rule.id]["wrong"])
        for rule in cleaning.RULES
    }, remarks


def clean_share(recipe: Recipe, texts: list[Text]) -> tuple[float, Counter[str]]:
    """Share of clean texts with a finding, of the rules that compare texts with each other too, and which
    rules found something."""
    found = stored_findings(recipe, texts)
    return sum(map(bool, found)) / len(texts), Counter(rule for rules in found for rule in rules)


def baseline(planted: list[tuple[Text, str]]) -> float:
    """The share of planted mistakes that the tutorial's own cleaning would notice."""

    def notices(text: str) -> bool:
        bare = text.strip()
        return (
            "\n" in bare
            or bare[:1] + bare[-1:] in ('""', "“”")
            or re.match(r"^[^，。]{0,20}[:：]", bare) is not None
            or len(bare) < 10
        )

    spoiled = [text.output for text, rule in planted if rule and rule not in {r.id for r in SET_RULES}]
    return sum(map(notices, spoiled)) / len(spoiled)


def main() -> None:
    """Print the table, then one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-rule", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=5, help="texts per suitable cell and style")
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--show", type=int, default=0, help="print so many errors per rule")
    arguments = parser.parse_args()
    recipe = load_recipe(built_in_recipes()["wishes"])
    texts = composed(recipe, arguments.rounds, arguments.seed)
    share, by_rule = clean_share(recipe, texts)
    print(f"clean texts: {len(texts):,}, with a finding {share:.2%} {dict(by_rule)}")
    planted = plant(recipe, arguments.per_rule, arguments.seed)
    counts, remarks = measure(recipe, planted)
    print(f"{'rule':<18}{'planted':>8}{'found':>7}{'wrong':>7}{'recall':>8}{'precision':>11}")
    for rule, each in counts.items():
        print(
            f"{rule:<18}{each.planted:>8}{each.found:>7}{each.wrong:>7}{each.recall:>8.3f}{each.precision:>11.3f}"
        )
    shown: Counter[str] = Counter()
    for kind, text, rule in remarks:
        if shown[rule] < arguments.show:
            shown[rule] += 1
            print(kind, "|", rule, "|", *text)
    worst = min(min(each.recall, each.precision) for each in counts.values())
    total = sum(each.planted for each in counts.values())
    recall = sum(each.found for each in counts.values()) / total
    base = baseline(planted)
    print(
        json.dumps(
            {
                "benchmark": "cleaning_accuracy",
                "figures": {
                    "planted": total,
                    "worst_rule": round(worst, 3),
                    "recall": round(recall, 4),
                    "clean_texts": len(texts),
                    "clean_share_with_finding": round(share, 5),
                },
                "baseline": {"tutorial_recall": round(base, 3)},
                "ratio": round(recall / base, 2),
                "bar": {"worst_rule": BAR, "clean_share_with_finding": CLEAN_BAR},
                "pass": worst >= BAR and share <= CLEAN_BAR,
            }
        )
    )


if __name__ == "__main__":
    main()
