"""The kinds of names and scenes, with their titles; a recipe may have others than the shipped ones."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from tianji_core.i18n import N_, _

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
_MARKUP = re.compile(r"[\\\[\]<>*_`$~|^]|://|www\.|@", re.IGNORECASE)
"""What pages would draw as markup, a link or a picture."""


def _without_markup(text: str) -> str:
    if (sign := _MARKUP.search(text)) is not None:
        raise ValueError(_("页面上的叫法里不能有“{sign}”：“{text}”", sign=sign[0], text=text))
    return text


Called = Annotated[Label, AfterValidator(_without_markup)]
"""What something is called on the pages, which draw it as it is."""


class Relation(StrEnum):
    """The shipped relations of a receiver to the sender, by id."""

    ELDER = "elder"
    PEER = "peer"
    JUNIOR = "junior"
    TEACHER = "teacher"
    SUPERIOR = "superior"
    COLLEAGUE = "colleague"
    FRIEND = "friend"


class Pronoun(StrEnum):
    """Pronoun by which the receiver is addressed."""

    FORMAL = "您"
    INFORMAL = "你"


class SceneKind(StrEnum):
    """The shipped kinds of occasions, by id."""

    FESTIVAL = "festival"
    LIFE_EVENT = "life_event"
    CAREER = "career"
    HEALTH = "health"
    SOCIAL = "social"


RELATION_TITLES = {
    Relation.ELDER: N_("长辈"),
    Relation.PEER: N_("平辈"),
    Relation.JUNIOR: N_("晚辈"),
    Relation.TEACHER: N_("师长"),
    Relation.SUPERIOR: N_("上级"),
    Relation.COLLEAGUE: N_("同事"),
    Relation.FRIEND: N_("朋友与其他"),
}
SCENE_KIND_TITLES = {
    SceneKind.FESTIVAL: N_("节日"),
    SceneKind.LIFE_EVENT: N_("人生大事"),
    SceneKind.CAREER: N_("事业"),
    SceneKind.HEALTH: N_("健康"),
    SceneKind.SOCIAL: N_("人情往来"),
}


class Kind(BaseModel):
    """One relation of receivers, or one kind of occasions, of a recipe. Names and scenes hold its ``id``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: Label
    title: Called


RELATIONS = tuple(Kind(id=relation.value, title=title) for relation, title in RELATION_TITLES.items())
SCENE_KINDS = tuple(Kind(id=kind.value, title=title) for kind, title in SCENE_KIND_TITLES.items())


def kind_titles(kinds: Iterable[Kind]) -> dict[str, str]:
    """Returns id → title in the language of the pages; what a person has named keeps its name."""
    return {kind.id: _(kind.title) for kind in kinds}


def shipped_kind(kind: str) -> SceneKind | None:
    """Returns the shipped kind of occasions with this id, None for one of a person's own."""
    return SceneKind(kind) if kind in frozenset(SceneKind) else None
