"""The manual is built from docs/guide and from the code, in both languages, with every link found."""

import re
import runpy
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tianji_core.recipe.loading import load_recipe

ROOT = Path(__file__).resolve().parents[1]
GUIDE = ROOT / "docs" / "guide"
MANUAL = runpy.run_path(str(ROOT / "scripts" / "manual.py"))


def test_the_manual_is_built_without_a_warning_and_holds_every_verb_rule_and_error(tmp_path: Path) -> None:
    MANUAL["manual"](tmp_path / "site")
    for language, folder in (("zh", tmp_path / "site"), ("en", tmp_path / "site" / "en")):
        shown = {
            page: (folder / "reference" / page / "index.html").read_text("utf-8")
            for page in ("verbs", "presets", "rules", "teachers", "forms", "errors")
        }
        assert 'id="top-up"' in shown["verbs"] and "--from-training" in shown["verbs"]
        assert "internlm2-chat-7b-qlora" in shown["presets"] and "DASHSCOPE_API_KEY" in shown["teachers"]
        assert "placeholder" in shown["rules"] and "userinput" in shown["forms"]
        train = (GUIDE / language / "train.md").read_text("utf-8").splitlines()[0]
        assert train in (folder / "steps" / "train" / "index.html").read_text("utf-8")
        chinese = re.findall(r"<li>[^<]*[\u4e00-\u9fff]{4}", shown["errors"])
        assert len(chinese) > 100 if language == "zh" else len(chinese) < 20


def test_both_languages_have_the_same_pages() -> None:
    pages = {
        language: sorted(path.relative_to(GUIDE / language) for path in (GUIDE / language).rglob("*.md"))
        for language in ("zh", "en")
    }
    assert pages["zh"] == pages["en"] and len(pages["zh"]) > 30


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_variable_that_a_person_may_set_is_explained(language: str) -> None:
    sources = [*(ROOT / "tianji_core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")]
    read = {
        name
        for path in sources
        for name in re.findall(r"[\"'](TIANJI_[A-Z_]+)[\"']", path.read_text("utf-8"))
    }
    read |= set(re.findall(r"sources (TIANJI_[A-Z_]+)", (ROOT / "scripts" / "setup").read_text("utf-8")))
    own = {"TIANJI_JOB_ID", "TIANJI_JOB_PROGRESS", "TIANJI_JOB_WHO"}  # a job gets them from its supervisor
    explained = set(
        re.findall(r"`(TIANJI_[A-Z_]+)`", (GUIDE / language / "reference" / "settings.md").read_text("utf-8"))
    )
    assert read - own == explained


INSTRUCTIONS = {
    "zh": r"(?:点|打开|勾上?)\s*(?:“([^”\n]+)”|\*\*([^*\n]+)\*\*)",
    "en": r"(?:[Pp]ress|[Tt]ick|[Oo]pen)\s+(?:“([^”\n]+)”|\"([^\"\n]+)\")",
}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_what_a_reader_is_told_to_press_stands_on_a_page(language: str) -> None:
    catalogue = read_po((ROOT / "locale/en/LC_MESSAGES/studio.po").open("rb"))
    texts = {
        str(text) for message in catalogue for text in (message.id if language == "zh" else message.string,)
    }
    numbered = {text.replace("{step}", number) for text in texts for number in "34"}  # rows of the funnel
    shown = {re.sub(r"\{\w+\}", "n", text) for text in numbered} | {
        style.text for style in load_recipe(ROOT / "configs/recipes/wishes.yaml").styles
    }
    told = [
        (page.relative_to(ROOT).as_posix(), quoted or strong)
        for page in [
            ROOT / ("README_zh.md" if language == "zh" else "README.md"),
            *(GUIDE / language).rglob("*.md"),
        ]
        for quoted, strong in re.findall(INSTRUCTIONS[language], page.read_text("utf-8"))
    ]
    assert len(told) >= 8 and [each for each in told if each[1] not in shown] == []
