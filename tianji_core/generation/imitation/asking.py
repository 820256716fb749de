"""What a teacher is asked for in a talk about one text: first for another text in the same manner, then,
where the answer stayed too close, for a further one in stronger words. The requests are Chinese whatever the
language of the pages."""

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tianji_core.generation.imitation.likeness import PART_TITLES, Likeness, clauses
from tianji_core.i18n import _
from tianji_core.recipe import Name, Recipe, Scene, Style
from tianji_core.recipe.prompts import line_form

MOST_AGAIN = 5
OTHERS = "已经有人这样起头了，不要再用：{openings}。"
HARDER = "前面写的都不要了，从头想一件别的事来写；"
_MOST_OPENINGS = 6
_ORDERS = {
    "lengths": "原来有 {n} 个短句，这次写成 {other} 个左右，长句和短句换着来；",
    "marks": "标点换一套：原来用逗号连下去的地方断开，断开的地方连起来；",
    "function_words": "换句式：陈述改成问、改成感叹或改成一句引来的话，不要沿着原来的句子填词；",
    "opening": "第一句不许像“{opening}”那样起头；",
    "closing": "最后一句不许像“{closing}”那样收尾；",
}


class ImitationSettings(BaseModel):
    """``seeds`` texts are written in the manner of each paragraph, for ``name`` and ``scene`` in ``style``;
    each usable one is carried to ``cells`` other receivers and occasions, with ``only_accepted`` only after a
    person has accepted it. A text whose likeness reaches ``wording`` or ``structure`` (0 to 1) is asked for
    again at most ``again`` times. ``seed`` draws the receivers and occasions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    scene: str
    style: str
    seeds: int = Field(default=3, ge=1, le=20)
    cells: int = Field(default=6, ge=0, le=200)
    again: int = Field(default=2, ge=0, le=MOST_AGAIN)
    wording: float = Field(default=0.4, gt=0, le=1)
    structure: float = Field(default=0.75, gt=0, le=1)
    only_accepted: bool = False
    seed: int = Field(default=0, ge=0)

    def is_close(self, found: Likeness) -> bool:
        """Returns whether a text of this likeness is too close."""
        return found.wording >= self.wording or found.structure >= self.structure

    def excess(self, found: Likeness) -> float:
        """Returns how close a text is, where 1 is too close."""
        return max(found.wording / self.wording, found.structure / self.structure)


class Wanted(NamedTuple):
    """The receiver, occasion and style of a text, and the recipe that has them."""

    recipe: Recipe
    name: Name
    scene: Scene
    style: Style


def _receiver(wanted: Wanted) -> str:
    name = wanted.name
    if not wanted.recipe.receivers:
        return ""
    relation = wanted.recipe.relation_title(name.relation)
    return f"写给{name.text}（{relation}），用“{name.pronoun.value}”称呼。"


def first_request(wanted: Wanted, imitated: str, openings: Sequence[str]) -> str:
    """Returns the first request for a text; ``openings`` are those of its siblings. It becomes as long as
    what it imitates, give or take a third."""
    written = list(dict.fromkeys(f"“{opening}”" for opening in openings if opening))[-_MOST_OPENINGS:]
    return wanted.recipe.request(
        "imitation",
        receiver=_receiver(wanted),
        scene_title=wanted.recipe.words.scene,
        scene=wanted.scene.text,
        low=max(1, len(imitated) * 2 // 3),
        high=max(2, len(imitated) * 4 // 3),
        line_form=line_form(wanted.style),
        others=OTHERS.format(openings="、".join(written)) if written else "",
        text=imitated,
    )


def next_request(wanted: Wanted, other: str, found: Likeness, limits: ImitationSettings, turn: int) -> str:
    """Returns the request after an answer that is too close to ``other``, in stronger words each ``turn``,
    which counts from 2."""
    faults, orders = [], []
    if found.wording >= limits.wording:
        faults.append(f"有 {found.wording:.0%} 的字句和原来一样")
        orders.append("不许出现原来的句子和词组，三个字以上连着相同就算照抄；")
    if found.structure >= limits.structure or turn > 2:
        parts = found.closest_parts() or list(_ORDERS)
        if found.structure >= limits.structure:
            same = "、".join(PART_TITLES[part] for part in parts)
            faults.append(f"只是换了词，{same}和原来几乎一样")
        said = clauses(other) or (other,)
        filling = {
            "n": len(said),
            "other": max(1, len(said) * 2 // 3) if turn % 2 else len(said) * 3 // 2 + 1,
            "opening": said[0],
            "closing": said[-1],
        }
        orders += [order.format(**filling) for part, order in _ORDERS.items() if part in parts or turn > 2]
    if turn > 2:
        orders.insert(0, HARDER)
    again = "还是" if turn > 2 else ""
    return wanted.recipe.request(
        "imitation_again",
        fault=f"{again}不行：{'；'.join(faults) or '和原来太像'}",
        orders="\n- ".join(orders or [HARDER]),
        scene_title=wanted.recipe.words.scene,
        scene=wanted.scene.text,
    )


def closeness_text(found: Likeness, limits: ImitationSettings) -> str:
    """Returns what is too close about a text, in a sentence for people."""
    wording, structure = f"{found.wording:.0%}", f"{found.structure:.0%}"
    if found.wording >= limits.wording and found.structure >= limits.structure:
        return _("措辞有 {wording} 一样，结构有 {structure} 一样", wording=wording, structure=structure)
    if found.wording >= limits.wording:
        return _("措辞有 {wording} 一样", wording=wording)
    return _("只换了词：结构有 {structure} 一样", structure=structure)
