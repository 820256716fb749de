"""The singular in English messages: their templates name things in the plural ('{n} samples'), and one of
them is said as one ('1 sample')."""

import re
from collections.abc import Mapping

_COUNTED = (
    "adapters|answers|batches|bytes|candidates|cells|characters|chars|checkpoints|checks|"
    "chunks|columns|combinations|comparisons|conversations|days|details|digits|dimensions|"
    "disagreements|entries|examples|failures|files|groups|hours|items|iterations|jobs|"
    "layers|levels|lines|lists|machines|minutes|models|notices|packages|packs|pairs|"
    "paragraphs|people|places|processes|prompts|questions|ratings|recordings|repetitions|requests|rows|"
    "rules|samples|seconds|sequences|services|shards|stars|steps|styles|suggestions|tasks|"
    "tensors|texts|times|tokens|trainings|trials|turns|updates|versions|votes|weights|"
    "workers"
)
_SINGULAR = {"batches": "batch", "entries": "entry", "people": "person", "processes": "process"}
_SAID_OF_THEM = (
    "earlier|equal|failed|further|held-out|later|matching|measured|merged|missing|model|more|"
    "near|new|numbered|own|parameter|pending|preference|trial|unanswered|unfinished|unseen|visible"
)
_VERBS = {"are": "is", "were": "was", "have": "has", "do": "does", "end": "ends", "carry": "carries"}
_PLURAL = re.compile(
    rf"(\{{(\w+)(?::[^{{}}]*)?\}}\**(?: (?:{_SAID_OF_THEM}))* )({_COUNTED})\b(?: ({'|'.join(_VERBS)})\b)?"
)


def in_the_singular(template: str, values: Mapping[str, object]) -> str:
    """Returns an English template whose things are in the singular where ``values`` count one of them."""

    def one(found: re.Match[str]) -> str:
        before, name, things, verb = found.groups()
        if not _is_one(values.get(name)):
            return found[0]
        thing = _SINGULAR.get(things, things.removesuffix("s"))
        return before + thing + (f" {_VERBS[verb]}" if verb else "")

    if not any(map(_is_one, values.values())):
        return template
    return _PLURAL.sub(one, template)


def _is_one(value: object) -> bool:
    return type(value) in (int, str) and str(value) == "1"
