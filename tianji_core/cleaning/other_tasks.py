"""What tells in a recipe that writes no wishes, by its own lists alone, that a text is for another entry of
them, or that nobody can be sure of it. Pure."""

import re

from tianji_core.cleaning.festivals import other_occasion
from tianji_core.cleaning.rule import Context, Example, Found, HasText, Rule, Subject
from tianji_core.i18n import N_, _

_STOPS = tuple("。！？!?~～…”」』）)")
_END = re.compile(r"[\u3400-\u9fffA-Za-z0-9]\Z")
_CLAUSES = re.compile("[，。；！？]")
_MANY = 2
"""Marks inside a text from which its end has one as well."""
_ENOUGH_EXAMPLES = 3
_CALLED = (
    r"(?:^|[，。！？!?：\s“])(?:尊敬的|亲爱的)?(?P<name>[\u3400-\u9fff]{{1,3}}?(?:{titles}))(?=[，,：:！!])"
)
DOUBTFUL = 0.6
"""The doubt about a text for which one of these signs holds."""


def _other_matter(text: str, subject: Subject, context: Context) -> Found | None:
    scene = subject.scene
    if scene not in context.scenes.words or context.scenes.says(text, scene):
        return None
    if (word := other_occasion(text, scene)) is not None:
        return Found(_("没有说到“{scene}”，说的是“{word}”", scene=scene, word=word))
    other = context.scenes.another(text, scene)
    return None if other is None else Found(_("没有说到“{scene}”，说的是“{word}”", scene=scene, word=other))


def called_stranger(text: str, name: str, context: Context) -> str | None:
    """Returns whom a text calls by a title of the recipe's own names, where that is not its receiver."""
    if not context.titles or names_receiver(text, name, context):
        return None
    pattern = _CALLED.format(titles="|".join(sorted(map(re.escape, context.titles))))
    called = re.search(pattern, text)
    return None if called is None or called["name"] in name else called["name"]


def names_receiver(text: str, name: str, context: Context) -> bool:
    """Returns whether a text names its receiver, whole or by an end that is theirs alone."""
    return any(word in text for word in (name, *context.short_names.get(name, ())))


def breaks_off(text: str, style: str, context: Context) -> bool:
    """Returns whether a text ends without a mark though all examples of its style have one."""
    found = context.recipe.style(style)
    examples = found.examples if found is not None else ()
    if len(examples) < _ENOUGH_EXAMPLES or _END.search(text) is None:
        return False
    return all(example.rstrip().endswith(_STOPS) for example in examples)


def doubt_of_lists(sample: HasText, context: Context) -> str | None:
    """Returns why nobody can be sure that a text is for its receiver and its entry of the lists, None where
    nothing says so. ``sample`` has no name where the recipe has no receivers."""
    text, name, scene = sample.output.strip(), sample.name, sample.scene
    if scene in context.scenes.words and not context.scenes.says(text, scene):
        return _("没有提到“{word}”里的字，也许说的是别的", word=scene)
    spoken_to = "您" in text or "你" in text.replace("你们", "")
    if name in context.pronouns and not spoken_to and not names_receiver(text, name, context):
        return _("看不出是写给{name}的", name=name)
    if _END.search(text) is not None and len(_CLAUSES.findall(text)) >= _MANY:
        return _("结尾像没有说完")
    return None


OTHER_TASK_RULES = (
    Rule(
        "other_matter",
        N_("说的是另一件事"),
        N_("没有说到要写的那一项，说的是名单里的另一项，或者在贺别的节日；多半是造数模型串了。"),
        _other_matter,
        bad=(),
        good=(Example("赵先生，快递晚到了三天，是我们没有盯住，运费已经退给您。"),),
        others=True,
    ),
)
