"""One kind of mistake for every cleaning rule, worded independently of the rules."""

import random

from benchmarks.planted.misplacing import Misplacing
from benchmarks.planted.spoiling import (
    Spoil,
    appended,
    choice,
    emoji,
    ended,
    inserted,
    repeated_marks,
    replaced,
    too_short,
)
from benchmarks.planted.texts import Text, composed
from tianji_core.cleaning.near import band_keys, near_pairs
from tianji_core.recipe import Recipe

FOLLOWS = {
    "empty": {"exact_duplicate"},
    "too_short": {"emoji", "exact_duplicate", "near_duplicate"},
    "think_tags": {"several_lines", "lead_in", "talk", "closing", "rubbish"},
    "title": {"talk", "lead_in"},
    "lead_in": {"wrong_pronoun"},
    "closing": {"wrong_pronoun", "several_lines"},
    "chat_tags": {"leaked_prompt", "lead_in", "several_lines", "talk", "foreign", "too_long", "rubbish"},
    "data_form": {
        "mixed_width",
        "several_lines",
        "wrapping_quotes",
        "talk",
        "lead_in",
        "foreign",
        "too_long",
        "rubbish",
        "cut_off",
    },
    "talk": {"said_twice", "several_lines", "wrong_pronoun", "too_long", "two_versions"},
    "not_blessing": {
        "too_short",
        "mixed_style",
        "lead_in",
        "wrong_pronoun",
        "exact_duplicate",
        "near_duplicate",
        "talk",
        "closing",
        "cut_off",
    },
    "cut_off": {"emoji", "too_short", "near_duplicate", "exact_duplicate"},
    "said_twice": {"too_long", "emoji"},
    "wrapping_quotes": {"cut_off"},
    "too_long": {"said_twice"},
    "two_versions": {"said_twice", "several_lines", "too_long"},
    "markdown": {"rubbish", "wrapping_quotes", "talk"},
    "mixed_style": {"emoji", "foreign", "repeated_marks"},
    "assistant_tone": {"said_twice"},
    "wrong_occasion": {"near_duplicate", "exact_duplicate"},
    "leaked_prompt": {"wrong_pronoun", "lead_in", "closing", "chat_tags", "talk"},
    "rubbish": {"several_lines", "foreign"},
    "foreign": {"talk", "mixed_style"},
    "placeholder": {"closing", "talk", "lead_in"},
    "particle_clash": {"repeated_marks", "mixed_style"},
    "punctuation": {"repeated_marks"},
    "repeated_marks": {"particle_clash"},
    "exact_duplicate": {"near_duplicate"},
    "refusal": {"lead_in", "closing", "talk", "mixed_style"},
}
"""What a planted mistake brings with it by its wording: '以下是为您写的文案' says 您 to a peer, too."""
ALONE: dict[str, Spoil] = {
    "empty": lambda _text, source: source.choice(("", "  \n", "🎉🎉", "！！……", "~~~")),
    "think_tags": choice("<think>对方是{name}，场合是{scene}</think>{text}", "要写得短\n</think>\n\n{text}"),
    "chat_tags": choice(
        "{text}<|endoftext|>",
        "<|im_start|>assistant\n{text}<|im_end|>",
        "{text}</s>",
        "<|start_header_id|>assistant<|end_header_id|>\n\n{text}<|eot_id|>",
    ),
    "data_form": choice(
        '{{"blessing": "{text}"}}',
        '[{{"role": "assistant", "content": "{text}"}}]',
        "<result>{text}</result>",
        "content: {text}",
        "| {scene} |\n| --- |\n| {text} |",
    ),
    "talk": choice(
        "{text}这段文字突出了对{name}的牵挂，语气符合{style}的要求。{text}",
        "{text}\n另一种写法：\n{text}",
        "{text}下面换成更简短的说法：{text}",
    ),
    "not_blessing": choice(
        "请告诉我{name}的喜好，我再为您写一段{scene}文案。",
        "好的，我需要先了解一下您想要的风格和字数。",
        "以下是为您准备的{style}版本：",
    ),
    "markdown": choice("### {text}", "- {text}", "**{text}**", "> {text}", "1. {text}"),
    "title": choice(
        "《致{name}》\n{text}", "【{scene}寄语】{text}", "题目：给{name}\n{text}", "{scene}祝福语\n{text}"
    ),
    "lead_in": choice(
        "好的，给{name}的祝福语如下：{text}",
        "以下是一段{style}风格的祝福：{text}",
        "没问题，以下是为您写的文案：{text}",
        "祝福文案：{text}",
        "这是一段送给{name}的祝福：{text}",
    ),
    "closing": choice(
        "{text}希望以上内容对你有帮助！",
        "{text}\n（字数：约30字）",
        "{text}如果需要别的风格，请告诉我。",
        "{text}希望这段祝福合你的心意。",
    ),
    "wrapping_quotes": choice("“{text}", "“{text}”", '"{text}"', "「{text}」", "『{text}』"),
    "spaces": choice("　　{text}", "{text}  ", "\t{text}\n"),
    "particle_clash": appended("呀！", "啦！", "哟~", "呢！", "哦~~"),
    "punctuation": replaced("[，。](?=.)", ("，。", "。，", "。。", "，，", "、，")),
    "cut_off": lambda text, _source: text.output[: len(text.output) * 2 // 3].rstrip("，。！~") + "，",
    "said_twice": lambda text, _source: ended(text.output) + text.output,
    "traditional": replaced(
        "愿|乐|开|发|欢|万|业|体|岁|运|张|长|来|时|说|这", ("願樂", "開發", "萬歲", "這個", "長樂")
    ),
    "typo": inserted("祝万事如易，", "愿生意兴龙，", "祝身体建康，", "愿一凡风顺，", "祝平平安按，"),
    "repeated_marks": repeated_marks,
    "mixed_width": replaced("[，！。](?=[\u4e00-\u9fff])", (",", "!", ".", ";")),
    "foreign": inserted(
        "wish you all the best，", "Best wishes for you and family，", "おめでとう，", "행복하세요，"
    ),
    "rubbish": inserted("&nbsp;", "锟斤拷", "\u200b", "\ufffd\ufffd", "<br>", "\\u4f60", "@#$%^&"),
    "emoji": emoji,
    "too_short": too_short,
    "unsafe": inserted("早死早超生，", "滚蛋吧，", "快加我微信，", "去赌场赢一把，", "节哀顺变，"),
    "refusal": choice(
        "作为AI语言模型，我没有感情，不过{text}",
        "很抱歉，我不能以私人身份写信。{text}",
        "我是一个人工智能，{text}",
        "对不起，我无法完成这个要求。{text}",
    ),
    "leaked_prompt": choice(
        "风格要求：{style}。{text}",
        "控制在50个字以内，{text}",
        "根据您的要求，{text}",
        "场景：{scene}。{text}",
        "只返回祝福本身，{text}",
        "{text}<|im_end|>",
    ),
    "placeholder": choice(
        "亲爱的[收件人]，{text}",
        "XX，{text}",
        "{text}——（署名）",
        "尊敬的{{name}}，{text}",
        "某某，{text}",
    ),
    "exact_duplicate": lambda text, _source: text.output,
    "near_duplicate": replaced("(?<=[\u4e00-\u9fff])[，](?=[\u4e00-\u9fff])", ("，更", "，也", "，还")),
    "overused_opening": lambda text, _source: "在这个充满欢乐的日子里，" + text.output,
}
"""Rule id → how its mistake is planted in a text by itself. The last one takes whatever is left of its
style."""


def planters(recipe: Recipe, other: list[Text]) -> dict[str, Spoil]:
    """Returns rule id → how its mistake is planted; ``other`` are further texts of the recipe to borrow
    from."""
    misplacing = Misplacing(recipe, other)
    last = {"overused_opening": ALONE["overused_opening"]}
    found = {
        "several_lines": misplacing.broken,
        "two_versions": misplacing.twice,
        "too_long": misplacing.too_long,
        "unsuitable_cell": misplacing.unsuitable,
        "wrong_pronoun": misplacing.wrong_pronoun,
        "mixed_style": misplacing.mixed_style,
        "wrong_occasion": misplacing.wrong_occasion,
        "wrong_person": misplacing.wrong_person,
        "wrong_kinship": misplacing.wrong_kinship,
    } | {rule: spoil for rule, spoil in ALONE.items() if rule not in last}
    return found | {"assistant_tone": misplacing.assistant_tone} | last


def plant(recipe: Recipe, per_rule: int, seed: int) -> list[tuple[Text, str]]:
    """Returns texts with the id of the rule whose mistake each carries, '' for those left as they are. No
    two of the underlying texts resemble each other, and each has room for some more characters."""
    source = random.Random(seed)
    pool = composed(recipe, 6, seed)
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
        left = times * per_rule
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
    return planted
