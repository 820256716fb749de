"""Rules that apply the person's own rules, which are kept with the recipe."""

from tianji_core.cleaning.rule import Context, Example, Found, Rule, Subject
from tianji_core.errors import SlowPatternError
from tianji_core.gate.limits import TEXT_CHARACTERS
from tianji_core.i18n import N_, _
from tianji_core.recipe import OwnRule, OwnRuleKind

_TRIES = 8
"""Times that replacements are applied to their own result until it stays the same."""
_CLEAN = "妹妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情。"


def _first(rule: OwnRule, text: str, context: Context) -> str | None:
    """Returns the first match of a rule.

    Raises:
        SlowPatternError: the rule takes too long, here or on an earlier text.
    """
    if rule in context.own.slow:
        raise SlowPatternError(context.own.slow[rule])
    try:
        return rule.pattern.first(text)
    except SlowPatternError as error:
        context.own.slow[rule] = str(error)
        raise


def _forbidden(text: str, subject: Subject, context: Context) -> Found | None:
    notes = []
    for rule in context.own.about(subject, OwnRuleKind.FORBIDDEN):
        try:
            if (word := _first(rule, text, context)) is not None:
                notes.append(word)
        except SlowPatternError as error:
            notes.append(str(error))
    return Found(_("有自己不许用的：{words}", words=_("、").join(notes))) if notes else None


def _required(text: str, subject: Subject, context: Context) -> Found | None:
    notes = []
    for rule in context.own.about(subject, OwnRuleKind.REQUIRED):
        try:
            if _first(rule, text, context) is None:
                notes.append(rule.text)
        except SlowPatternError as error:
            notes.append(str(error))
    return Found(_("缺了自己要求有的：{words}", words=_("、").join(notes))) if notes else None


def _replacement(text: str, subject: Subject, context: Context) -> Found | None:
    rules = context.own.about(subject, OwnRuleKind.REPLACE)
    notes: dict[str, None] = {}
    fixed, settled = text, False
    for _try in range(_TRIES if rules else 0):
        before = fixed
        for rule in rules:
            fixed = _replaced(rule, fixed, context, notes)
        if fixed == before:
            settled = True
            break
    if not notes:
        return None
    detail = _("按自己的规则要替换：{words}", words=_("、").join(notes))
    return Found(detail, fixed if settled and len(fixed) <= TEXT_CHARACTERS else None)


def _replaced(rule: OwnRule, text: str, context: Context, notes: dict[str, None]) -> str:
    """Returns a text after a replacement, and notes the rule if it changes or cannot read the text."""
    try:
        if _first(rule, text, context) is None:
            return text
        after, _places = rule.pattern.replaced(text, rule.replacement)
    except SlowPatternError as error:
        context.own.slow[rule] = str(error)
        notes[str(error)] = None
        return text
    if after != text:
        notes[rule.text] = None
    return after if len(after) <= TEXT_CHARACTERS else text


OWN_REPLACEMENT = Rule(
    "own_replacement",
    N_("自己的替换"),
    N_("配方里自己写的替换规则还没有用在这条上。"),
    _replacement,
    bad=(),
    good=(Example(_CLEAN),),
    safe=True,
)
OWN_RULES = (
    Rule(
        "own_forbidden",
        N_("自己不许用的词"),
        N_("配方里自己写了不许有这些词。"),
        _forbidden,
        bad=(),
        good=(Example(_CLEAN),),
    ),
    Rule(
        "own_required",
        N_("缺自己要求的词"),
        N_("配方里自己写了必须有这些词。"),
        _required,
        bad=(),
        good=(Example(_CLEAN),),
    ),
    OWN_REPLACEMENT,
)
"""Rules whose content is the recipe's: they find nothing where it has no own rules."""
