"""Which texts of a person's own documents may be examples of a style: those that look like messages to
somebody, the most likely first. In a recipe of blessings the judge of blessings decides; elsewhere the limits
of the style do. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from tianji_core.cleaning.near import band_keys, near_pairs
from tianji_core.cleaning.rule import Context, Subject, context_of
from tianji_core.cleaning.rules import BY_ID, clean_text
from tianji_core.cleaning.sentences import pieces
from tianji_core.cleaning.talk_model import elsewhere_score, words_of
from tianji_core.errors import RecipeError
from tianji_core.generation.knowledge.documents import Document
from tianji_core.generation.knowledge.messages import WrittenMessage, messages_of
from tianji_core.generation.knowledge.people import names_sign, without_address
from tianji_core.i18n import _
from tianji_core.recipe import Recipe
from tianji_core.recipe.example_banks import BankRow, rows_of_texts
from tianji_core.recipe.model import Style, normalise
from tianji_core.recipe.tables import Status

MOST_JUDGED = 10_000
"""Different texts that are looked at."""
MOST_OFFERED = 300
"""Texts that are offered at once."""
SURE = -4.0
"""The score of the judge up to which a text is surely written to somebody: 86 of 100 greetings reach it, of
what people write of every day hardly anything does."""
POSSIBLE = -1.0
"""The score above which it is left out: 1 of 100 greetings, half of what people write of every day."""
_FAR = 2
"""How many times shorter or longer than the style allows a text is that is not looked at."""
_LAYERS = ("markdown", "wrapping_quotes", "lead_in", "closing", "several_lines", "spaces", "rubbish")
"""The rules that take off what stands round a text; its own words and marks stay as they are."""
_HIDDEN = ("〔", "某某")
"""What stands where something private was."""


class LikelyExample(NamedTuple):
    """A text with what a bank of examples says of it, and who wrote it, '' where nothing says so. ``sure``:
    it is surely written to somebody, keeps the limits of the style and hides nothing."""

    row: BankRow
    by: str
    sure: bool


class FoundExamples(NamedTuple):
    """The texts that may be examples, the most likely first, and how many were left out: ``unlike`` are no
    messages or far shorter or longer than the style's, ``known`` are repeated or in the style already,
    ``more`` did not find room."""

    likely: tuple[LikelyExample, ...]
    unlike: int
    known: int
    more: int

    @property
    def sure(self) -> tuple[LikelyExample, ...]:
        """Those that are sure."""
        return tuple(each for each in self.likely if each.sure)


def style_of(recipe: Recipe, style_text: str) -> Style:
    """Returns a style of a recipe.

    Raises:
        RecipeError: the recipe has no such style.
    """
    style = recipe.style(style_text)
    if style is None:
        styles = _("、").join(each.text for each in recipe.styles)
        raise RecipeError(
            _(
                "配方“{recipe}”里没有{kind}“{style}”，有的是：{known}",
                recipe=recipe.title,
                kind=recipe.words.shown().style,
                style=style_text[:40],
                known=styles,
            )
        )
    return style


def examples_in(recipe: Recipe, style_text: str, documents: Iterable[Document]) -> FoundExamples:
    """Returns the messages of documents that may be examples of a style.

    Raises:
        RecipeError: the recipe has no such style.
    """
    style = style_of(recipe, style_text)
    different: dict[str, WrittenMessage] = {}
    unlike = known = 0
    for message in (one for each in documents for one in _unaddressed(each, style.several_lines)):
        if _FAR * len(message.text) < style.min_chars or len(message.text) > _FAR * style.max_chars:
            unlike += 1
        elif normalise(message.text) in different:
            known += 1
        else:
            different[normalise(message.text)] = message
    context = context_of(recipe)
    written = [
        message._replace(text=text)
        for message in islice(different.values(), MOST_JUDGED)
        for text in _bare(message.text, style, context)
    ]
    rows = rows_of_texts(recipe, style.text, (message.text for message in written))
    judged: list[tuple[float, LikelyExample]] = []
    for row in rows:
        if row.status is Status.DUPLICATE:
            known += 1
        elif row.status is Status.WRONG or (score := _score(row, context)) is None:
            unlike += 1
        else:
            message = written[row.number - 1]
            sure = score <= SURE and not row.message and not _hides(row.text, message)
            judged.append((score, LikelyExample(row, message.by, sure)))
    judged.sort(key=lambda each: (bool(each[1].row.message), each[0]))
    fresh = list(_without_near(style.examples, [each for _score, each in judged]))
    return FoundExamples(
        likely=tuple(fresh[:MOST_OFFERED]),
        unlike=unlike,
        known=known + len(judged) - len(fresh),
        more=max(0, len(different) - MOST_JUDGED) + max(0, len(fresh) - MOST_OFFERED),
    )


def _unaddressed(document: Document, several_lines: bool) -> Iterator[WrittenMessage]:
    """Yields the messages of a document, those of letters and chats without the sign of the person whom they
    address first: an example has no such person."""
    for message in messages_of(document, several_lines):
        yield message._replace(text=without_address(message.text)) if message.private else message


def _hides(text: str, message: WrittenMessage) -> bool:
    """Returns whether something stands in a text in place of what was private."""
    return any(mark in text for mark in _HIDDEN) or (message.private and names_sign(text))


def _bare(text: str, style: Style, context: Context) -> Iterator[str]:
    """Yields a text without what stands round it; its lines, where they cannot be one and the style wants
    one."""
    bare = clean_text(Subject(text.strip(), style=style.text), context, _LAYERS)
    if style.several_lines or "\n" not in bare:
        yield bare
    else:
        yield from (line.strip() for line in bare.split("\n") if _FAR * len(line.strip()) >= style.min_chars)


def _score(row: BankRow, context: Context) -> float | None:
    """Returns how surely a text is no message, below 0 it rather is one; None where it is none."""
    recipe = context.recipe
    if not recipe.blessings:
        if row.message:
            return None
        names = (name.text for name in recipe.names)
        return 2 * SURE if any(word in row.text for word in ("你", "您", *names)) else 0.0
    if BY_ID["not_blessing"].look(row.text, Subject(row.text), context) is not None:
        return None
    score = elsewhere_score(row.text, words_of(pieces(row.text), ""))
    return score if score <= POSSIBLE else None


def _without_near(examples: Sequence[str], likely: Sequence[LikelyExample]) -> Iterator[LikelyExample]:
    """Yields the texts that are no near duplicates of an example or of a text before them."""
    texts = [*examples, *(each.row.text for each in likely)]
    pairs: dict[int, list[int]] = {}
    for pair in near_pairs(texts, band_keys(texts)) if texts else ():
        pairs.setdefault(pair.second, []).append(pair.first)
    kept = set(range(len(examples)))
    for at, each in enumerate(likely, start=len(examples)):
        if not kept.intersection(pairs.get(at, ())):
            kept.add(at)
            yield each
