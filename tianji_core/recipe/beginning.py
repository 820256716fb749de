"""A recipe of another task, begun from its words and lists alone."""

from collections.abc import Sequence

from pydantic import ValidationError

from tianji_core.errors import RecipeError
from tianji_core.i18n import _
from tianji_core.recipe.kinds import Kind
from tianji_core.recipe.loading import explain
from tianji_core.recipe.model import Recipe, normalise
from tianji_core.recipe.words import Words

_RECEIVER, _TOPIC = "receiver", "topic"
_EXAMPLE = "同样写法的一条，只看它的写法，内容另想：{example}"


def begun_recipe(
    key: str, title: str, words: Words, names: Sequence[str], scenes: Sequence[str], styles: Sequence[str]
) -> Recipe:
    """Returns a recipe with these lists, whose prompts and training inputs are made of its words; without
    ``names`` its texts are written to nobody. What holds of blessings alone is not checked in it. A list
    keeps the first of double entries.

    Raises:
        RecipeError: a list that is needed is empty, or an entry or the key is not valid; one sentence.
    """
    lists = {"names": _once(names), "scenes": _once(scenes), "styles": _once(styles)}
    for field, word in (("scenes", words.scene), ("styles", words.style)):
        if not lists[field]:
            raise RecipeError(_("{kind}列表是空的，至少要留一个", kind=word))
    receivers = bool(lists["names"])
    people = lists["names"] or [words.text]
    first, *others = lists["styles"]
    try:
        return Recipe.model_validate(
            {
                "key": key,
                "title": title,
                "words": words,
                "receivers": receivers,
                "blessings": False,
                "relations": [Kind(id=_RECEIVER, title=words.name)],
                "scene_kinds": [Kind(id=_TOPIC, title=words.scene)],
                "names": [{"text": t, "relation": _RECEIVER, "pronoun": "您"} for t in people],
                "scenes": [{"text": text, "kind": _TOPIC} for text in lists["scenes"]],
                "styles": [
                    {"text": first, "instruction": f"用{first}的语气写"},
                    *(
                        {"text": t, "instruction": f"用{t}的语气写", "suffix": f",{t}{words.style}"}
                        for t in others
                    ),
                ],
                "prompts": {
                    "system": _system(words),
                    "teacher": _teacher(words, receivers),
                    "example": _EXAMPLE,
                },
                "input_templates": _inputs(words, receivers),
            }
        )
    except ValidationError as error:
        raise RecipeError(explain(error)) from error


def _once(entries: Sequence[str]) -> list[str]:
    return list({normalise(entry): entry.strip() for entry in reversed(entries) if entry.strip()}.values())[
        ::-1
    ]


def _system(words: Words) -> str:
    return f"你是写{words.text}的能手，请按要求写{words.text}"


def _teacher(words: Words, receivers: bool) -> str:
    lines = [
        f"请写一条{words.text}，不少于 {{min_chars}} 个字，不超过 {{max_chars}} 个字，{{line_form}}。",
        f"{words.style}：{{style}}。{{instruction}}",
        "{example}",
        f"{words.name}：{{name}}，当面用“{{pronoun}}”称呼。" if receivers else "",
        f"{words.scene}：{{scene}}。",
        "{clause}",
        "只返回正文，不要标题、引号和解释。",
    ]
    return "\n".join(line for line in lines if line)


def _inputs(words: Words, receivers: bool) -> list[str]:
    if receivers:
        return [
            f"给{{name}}写一条{words.text}，{{scene}}{{suffix}}",
            f"{{scene}}，帮我给{{name}}写{words.text}{{suffix}}",
            f"{words.name}是{{name}}，{words.scene}是{{scene}}，写一条{words.text}{{suffix}}",
        ]
    return [
        f"写一条{{scene}}的{words.text}{{suffix}}",
        f"帮我给{{scene}}写{words.text}{{suffix}}",
        f"{words.scene}是{{scene}}，来一条{words.text}{{suffix}}",
    ]
