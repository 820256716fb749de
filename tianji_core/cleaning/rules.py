"""All cleaning rules in the order in which their fixes are applied, and functions that apply them. Pure."""

from collections.abc import Collection, Iterator, Sequence
from typing import TypeVar

from tianji_core.cleaning.ending import ENDING_RULES
from tianji_core.cleaning.fit import FIT_RULES
from tianji_core.cleaning.other_tasks import OTHER_TASK_RULES
from tianji_core.cleaning.own import OWN_REPLACEMENT, OWN_RULES
from tianji_core.cleaning.person import PERSON_RULES
from tianji_core.cleaning.quick import AT_ONCE, SIGNS_AT_ONCE
from tianji_core.cleaning.rule import Context, Example, Found, HasText, Rule, Subject, about, only_han
from tianji_core.cleaning.script import SCRIPT_RULES, are_lost
from tianji_core.cleaning.talk import TALK_RULES, read_before
from tianji_core.cleaning.told import TOLD_RULES
from tianji_core.cleaning.tone import TONE_RULES
from tianji_core.cleaning.unwrapping import UNWRAPPING_RULES
from tianji_core.cleaning.wording import EMPTY_RULE, MARK_RULES, REQUEST_RULES
from tianji_core.cleaning.wrapping import WRAPPING_RULES
from tianji_core.i18n import N_
from tianji_core.store.findings import Finding

_SEVERAL = 16
"""Texts from which reading them together pays."""
HasTextT = TypeVar("HasTextT", bound=HasText)


def _never(_text: str, _subject: Subject, _context: Context) -> Found | None:
    """Finds nothing: only the store can tell duplicates, see
    :func:`tianji_core.cleaning.pipeline.check_new`."""
    return None


EXACT_DUPLICATE = Rule(
    "exact_duplicate",
    N_("完全重复"),
    N_("前面已经有一条一模一样的内容；重复的样本会让模型死记硬背。"),
    _never,
    bad=(),
    good=(Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),),
)
NEAR_DUPLICATE = Rule(
    "near_duplicate",
    N_("近似重复"),
    N_("和另一条只差几个字；这样的样本多了，模型会只记得这一种说法。在“重复”里可以每组只留最好的一条。"),
    _never,
    bad=(),
    good=(Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),),
)
OVERUSED_OPENING = Rule(
    "overused_opening",
    N_("开头用得太多"),
    N_("同一种写法里太多样本以同样的几个字开头，训练后的模型会句句这样开头。超出的那些才算。"),
    _never,
    bad=(),
    good=(Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),),
)
TOO_ALIKE = Rule(
    "too_alike",
    N_("照着写得太像"),
    N_("照着一段文字写的，问了几次还是和它太像：要么照抄，要么只换了词。改写过就不算。"),
    _never,
    bad=(),
    good=(Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),),
)
FOLLOW_UP_UNMET = Rule(
    "follow_up_unmet",
    N_("追问没改到位"),
    N_("多轮对话里要“再短一点”“别提什么”，后一条回答却没有照做；模型会学成听不懂追问。"),
    _never,
    bad=(),
    good=(Example("妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"),),
)
SET_RULES = (EXACT_DUPLICATE, NEAR_DUPLICATE, OVERUSED_OPENING, TOO_ALIKE, FOLLOW_UP_UNMET)
"""Rules that need the other samples, or the turns before; :func:`check` never finds anything by them."""
RULES: tuple[Rule, ...] = (
    EMPTY_RULE,
    *UNWRAPPING_RULES,
    *WRAPPING_RULES[:3],
    *TALK_RULES,
    *WRAPPING_RULES[3:],
    *MARK_RULES,
    *ENDING_RULES,
    *SCRIPT_RULES,
    *FIT_RULES,
    *OTHER_TASK_RULES,
    *PERSON_RULES,
    *TONE_RULES,
    *TOLD_RULES,
    *REQUEST_RULES,
    *OWN_RULES,
    *SET_RULES,
)
_TEXT_RULES = tuple(rule for rule in RULES if rule not in SET_RULES and rule is not EMPTY_RULE)
_HELD = {
    blessings: tuple(rule for rule in _TEXT_RULES if rule.holds_for(blessings)) for blessings in (True, False)
}
"""Those that hold of texts that are no blessings."""
BY_ID = {rule.id: rule for rule in RULES}
_PLACEHOLDER = BY_ID["placeholder"]
_CLOSING = BY_ID["closing"]
_TAKE_GAPS = (BY_ID["closing"], BY_ID["title"], BY_ID["data_form"], BY_ID["think_tags"], BY_ID["chat_tags"])
"""Rules that may take a gap for a name away, since it does not stand in the blessing."""
SAFE_RULES = tuple(rule.id for rule in RULES if rule.safe)
SUGGESTED = ("too_long", "wrong_pronoun", "emoji")
"""Rules whose fix changes what is said, so that a person looks at it first."""
FIXABLE_RULES = tuple(rule.id for rule in RULES if rule.safe or rule.id in SUGGESTED)


def check(sample: HasText, context: Context) -> list[Finding]:
    """Returns the findings of the rules in a text. ``fixed`` of a finding is the whole text after the fix of
    that rule alone, None where :func:`clean_text` would not apply it."""
    return check_all((sample,), context)[0]


def check_all(samples: Sequence[HasText], context: Context) -> list[list[Finding]]:
    """Returns for each text what :func:`check` does. Each rule looks at many texts in a row, which takes a
    third less time than to ask all rules about each."""
    return [found for some in rounds(samples) for found in _check_round(some, context)]


def rounds(samples: Sequence[HasTextT]) -> Iterator[Sequence[HasTextT]]:
    """Yields samples in parts of as many texts as the rules remember."""
    start = signs = 0
    for number, sample in enumerate(samples):
        signs += len(sample.output)
        if number > start and (number - start == AT_ONCE or signs > SIGNS_AT_ONCE):
            yield samples[start:number]
            start, signs = number, len(sample.output)
    yield samples[start:]


def _check_round(samples: Sequence[HasText], context: Context) -> list[list[Finding]]:
    found: list[list[Finding]] = []
    asked: list[tuple[Subject, list[Finding]]] = []
    for sample in samples:
        subject = about(addressed(sample, context), sample.output)
        nothing = EMPTY_RULE.look(subject.output, subject, context)
        found.append([] if nothing is None else [Finding(EMPTY_RULE.id, nothing.detail)])
        if nothing is None:
            asked.append((subject, found[-1]))
    if len(asked) >= _SEVERAL:
        read_before((subject.output, subject.name) for subject, _findings in asked)
    odd = [each for each in asked if not only_han(each[0].output)]
    for rule in _HELD[context.recipe.blessings]:
        look = rule.look
        for subject, findings in odd if rule.odd else asked:
            seen = look(subject.output, subject, context)
            if seen is not None:
                fixed = _applicable(rule, seen, subject.output, subject, context)
                findings.append(Finding(rule.id, seen.detail, fixed))
    return found


def addressed(sample: HasText, context: Context) -> HasText:
    """Returns the sample, without the name that stands for nobody where the recipe has no receivers."""
    return sample if context.recipe.receivers else about(sample, sample.output)._replace(name="")


def _applicable(rule: Rule, seen: Found, text: str, sample: HasText, context: Context) -> str | None:
    """Returns the text after a fix; None if there is none, it changes nothing, leaves nothing, or hides a
    mistake."""
    fixed = seen.fixed
    if fixed is None or fixed == text or not fixed.strip():
        return None
    if rule is _CLOSING and not context.recipe.blessings and not _stands_apart(text, fixed, sample, context):
        return None
    return None if rule not in _TAKE_GAPS and _hides(text, fixed, sample, context) else fixed


def _stands_apart(text: str, fixed: str, sample: HasText, context: Context) -> bool:
    """Whether what a fix takes off the end of a text of another task is no part of it by its place: in
    brackets, or on a line of its own where the style has one line. Such texts speak of themselves and help,
    too."""
    rest = text[len(fixed) :]
    if not text.startswith(fixed) or not rest:
        return False
    return rest.lstrip()[:1] in tuple("（(【[") or (
        rest[:1] == "\n" and sample.style not in context.several_lines
    )


def _hides(text: str, fixed: str, sample: HasText, context: Context) -> bool:
    """Whether a fix takes away the sign of a mistake and leaves the mistake: the gap for a name, the marks
    that stand for lost characters."""
    if "??" in text and are_lost(text) and not are_lost(fixed):
        return True
    return _finds(_PLACEHOLDER, text, sample, context) and not _finds(_PLACEHOLDER, fixed, sample, context)


def _finds(rule: Rule, text: str, sample: HasText, context: Context) -> bool:
    return rule.look(text, about(sample, text), context) is not None


def clean_text(sample: HasText, context: Context, rules: Collection[str] = SAFE_RULES) -> str:
    """Returns the text after the fixes of ``rules``, repeated until none of them finds anything to fix.

    A fix that would leave nothing, or would hide that a person must decide, is not applied. Cleaning a clean
    text changes nothing."""
    sample = addressed(sample, context)
    chosen = [rule for rule in RULES if rule.id in rules and rule.holds_in(context.recipe)]
    text, settled = _fixed(sample, context, chosen)
    if not settled:  # a replacement of the person's own brings back what another rule fixes
        text, settled = _fixed(sample, context, [rule for rule in chosen if rule is not OWN_REPLACEMENT])
    return text


def _fixed(sample: HasText, context: Context, chosen: Sequence[Rule]) -> tuple[str, bool]:
    """Returns the text after repeated fixes, and whether the rules find nothing more to fix in it."""
    text = sample.output
    seen = set()
    # Every built-in fix shortens the text or rewrites single characters for good, so this ends.
    while text not in seen:
        seen.add(text)
        before = text
        for rule in chosen:
            found = rule.look(text, about(sample, text), context)
            if found is not None and (fixed := _applicable(rule, found, text, sample, context)) is not None:
                text = fixed
        if text == before:
            return text, True
        if len(seen) > len(sample.output) + 2:
            break
    return text, False
