"""Reads the composer's phrase files; errors name file and key."""

from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from tianji_core.errors import ComposerError, YamlError
from tianji_core.i18n import _
from tianji_core.project import CONFIGS
from tianji_core.recipe import Name, Pronoun, Relation, SceneKind, explain
from tianji_core.teachers.composer.grammar import Phrase
from tianji_core.teachers.composer.phrases import (
    ANY,
    PATTERNS,
    Bank,
    FactFile,
    GroupFile,
    MistakeTexts,
    OptionFile,
    Phrases,
    SceneFile,
    StylePhrases,
    parsed,
)
from tianji_core.yaml_reading import read_yaml

BUILT_IN = CONFIGS / "composer"


def load_phrases(folder: Path = BUILT_IN) -> Phrases:
    """Reads and checks ``scenes.yaml``, ``groups.yaml``, ``mistakes.yaml`` and ``styles/*.yaml`` of
    ``folder``.

    Raises:
        ComposerError: a file is missing, not YAML or of the wrong shape, a style is defined twice, a phrase
        names an
            unknown relation or group, or a scene has no pattern for some receiver; names file and key.
    """
    scenes = _read(folder / "scenes.yaml", SceneFile).scenes
    groups = _read(folder / "groups.yaml", GroupFile).groups
    mistakes = _read(folder / "mistakes.yaml", MistakeTexts)
    options = _checked_options(folder / "options.yaml")
    facts = _checked_facts(folder / "facts.yaml")
    styles: dict[str, StylePhrases] = {}
    files: dict[str, Path] = {}
    for file in sorted((folder / "styles").glob("*.yaml")):
        style = _read(file, StylePhrases)
        if style.style in styles:
            raise ComposerError(
                _(
                    "{file} 与 {other} 写的是同一个风格“{style}”",
                    file=file,
                    other=files[style.style],
                    style=style.style,
                )
            )
        styles[style.style], files[style.style] = style, file
    if not styles:
        raise ComposerError(_("{folder} 里没有任何风格文件", folder=folder / "styles"))
    phrases = Phrases(folder, scenes, groups, mistakes, styles, files, options, facts)
    for style in styles.values():
        _check(style, phrases)
    return phrases


_Model = TypeVar("_Model", bound=BaseModel)


def _read(file: Path, model: type[_Model]) -> _Model:
    try:
        return model.model_validate(read_yaml(file))
    except YamlError as error:
        raise ComposerError(str(error)) from error
    except ValidationError as error:
        raise ComposerError(f"{file}：{explain(error)}") from error


def _check(style: StylePhrases, phrases: Phrases) -> None:
    file = phrases.files[style.style]
    known = {ANY, *(r.value for r in Relation), *phrases.groups}
    for key, bank in _banks(style):
        for group, texts in bank.items():
            if group not in known:
                raise ComposerError(
                    _("{file} 的 {key} 里有不认识的关系“{group}”", file=file, key=key, group=group)
                )
            if not texts:
                raise ComposerError(_("{file} 的 {key}.{group} 没有语句", file=file, key=key, group=group))
            for text in texts:
                _check_text(text, file, key, style)
    _check_used(style, file)
    for scene in style.scenes:
        if scene not in phrases.scenes:
            raise ComposerError(_("{file} 的 scenes.{scene} 不在 scenes.yaml 里", file=file, scene=scene))
        for relation in Relation:
            for pronoun in Pronoun:
                phrases.cell(style.style, scene, Name(text="-", relation=relation, pronoun=pronoun))
    for kind in (kind for kind in SceneKind if kind in style.unlisted):
        for relation in Relation:
            for pronoun in Pronoun:
                phrases.cell(style.style, "-", Name(text="-", relation=relation, pronoun=pronoun), kind)


def _checked_options(file: Path) -> dict[str, dict[str, Bank]]:
    """Returns axis → option → sentences by style; none where there is no such file."""
    if not file.exists():
        return {}
    options = _read(file, OptionFile).options
    for axis, of_axis in options.items():
        for option, bank in of_axis.items():
            for style, texts in bank.items():
                key = f"options.{axis}.{option}.{style}"
                if not texts:
                    raise ComposerError(_("{file} 的 {key} 没有语句", file=file, key=key))
                for text in texts:
                    _check_sentence(text, file, key)
    return options


def _checked_facts(file: Path) -> FactFile:
    """Returns the sentences that use a detail; none where there is no such file."""
    if not file.exists():
        return FactFile()
    facts = _read(file, FactFile)
    for group, bank in (("theirs", facts.theirs), ("ours", facts.ours)):
        for style, texts in bank.items():
            for text in texts:
                _check_sentence(text, file, f"{group}.{style}")
                if "<fact>" not in text:
                    raise ComposerError(
                        _(
                            "{file} 的 {key} 里要有 <fact>：{text}",
                            file=file,
                            key=f"{group}.{style}",
                            text=text,
                        )
                    )
    return facts


def _check_used(style: StylePhrases, file: Path) -> None:
    """Checks that every bank is used by a pattern; an unused bank is a misspelt one."""
    banks = dict(_banks(style))
    used = {
        slot
        for key, bank in banks.items()
        if key.endswith(PATTERNS)
        for texts in bank.values()
        for text in texts
        for slot in parsed(text).slots
    }
    for key in banks:
        if not key.endswith(PATTERNS) and key.rpartition(".")[2] not in used:
            raise ComposerError(_("{file} 的 {key} 没有任何句式用到", file=file, key=key))


def _read_phrase(text: str, file: Path, key: str) -> Phrase:
    try:
        return parsed(text)
    except ValueError as error:
        raise ComposerError(
            _("{file} 的 {key} 里括号不成对：{text}", file=file, key=key, text=text)
        ) from error


def _check_sentence(text: str, file: Path, key: str) -> None:
    if _read_phrase(text, file, key).slots:
        raise ComposerError(
            _("{file} 的 {key} 是语句，里面只能用 <name> 和 <you>：{text}", file=file, key=key, text=text)
        )


def _check_text(text: str, file: Path, key: str, style: StylePhrases) -> None:
    phrase = _read_phrase(text, file, key)
    of_scenes = (*style.scenes.values(), *style.unlisted.values())
    known = {*style.banks, *(slot for banks in of_scenes for slot in banks)}
    if not key.endswith(PATTERNS):
        _check_sentence(text, file, key)
    for slot in phrase.slots:
        if slot not in known:
            raise ComposerError(
                _("{file} 的 {key} 用了没有语句的 {slot}：{text}", file=file, key=key, slot=slot, text=text)
            )


def _banks(style: StylePhrases) -> Iterable[tuple[str, Bank]]:
    """Yields every bank of a style file with its key."""
    yield PATTERNS, style.patterns
    for slot, bank in style.banks.items():
        yield f"banks.{slot}", bank
    for scene, banks in style.scenes.items():
        for slot, bank in banks.items():
            yield f"scenes.{scene}.{slot}", bank
    for kind, banks in style.unlisted.items():
        for slot, bank in banks.items():
            yield f"unlisted.{kind}.{slot}", bank
