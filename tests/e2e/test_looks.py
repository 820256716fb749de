"""Every page in both languages, on a desk and on a phone, light and dark: it fits, begins with its content,
speaks one language and can be used without a mouse or eyes. Measured in the browser, with real samples and a
real dataset."""

import subprocess
import sys
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.e2e.driving import ROOT, WATCH, Studio, visit

PAGES = [
    *("home", "lists", "heatmap", "generate", "review", "dataset"),
    *("train", "models", "chat", "compare", "jobs", "settings"),
]
SCREENS = {"1440": (1440, 900), "1280": (1280, 720), "phone": (390, 844)}
LOOKS = [
    *(("zh", screen, "light") for screen in SCREENS),
    ("zh", "1280", "dark"),
    ("zh", "phone", "dark"),
    ("en", "1280", "light"),
    ("en", "phone", "light"),
]
CONTENT_BEGINS = 250
"""Pixels from the top at which the content of a page has begun."""
MEASURE = """() => {
    const shown = element => {
        const box = element.getBoundingClientRect();
        return box.width > 1 && box.height > 1 && getComputedStyle(element).visibility !== "hidden";
    };
    const main = document.querySelector('[data-testid="stMain"]');
    const head = document.querySelector(".st-key-head").closest('[data-testid="stLayoutWrapper"]');
    let top = null;
    for (let next = head.nextElementSibling; next && top === null; next = next.nextElementSibling)
        if (next.getBoundingClientRect().height > 8) top = next.getBoundingClientRect().top;
    const cut = [...main.querySelectorAll("button p, h1, h2, h3, label p, a p")].filter(element =>
        shown(element) && element.scrollWidth > element.clientWidth + 1
        && getComputedStyle(element).textOverflow !== "ellipsis");
    const skipped = '[translate="no"], [data-testid="stFileUploader"], [data-testid="stCode"], code, '
        + 'pre, textarea, svg, .js-plotly-plot';
    const walker = document.createTreeWalker(main, NodeFilter.SHOW_TEXT);
    const words = new Set();
    for (let node = walker.nextNode(); node; node = walker.nextNode())
        if (!node.parentElement.closest(skipped) && shown(node.parentElement))
            for (const word of node.data.match(/[A-Za-z][^\\s\u3000-\uffef]{2,}/g) || [])
                if (/^[A-Za-z]+$/.test(word)) words.add(word);
    return {
        sideways: document.documentElement.scrollWidth > innerWidth
            || main.scrollWidth > main.clientWidth + 1,
        top, cut: cut.map(element => element.innerText.slice(0, 60)), words: [...words],
    };
}"""
FOREIGN_WORDS_OF_CHINESE = {
    "CPU",
    "GPU",
    "YAML",
    "CSV",
    "JSON",
    "JSONL",
    "TXT",
    "LoRA",
    "QLoRA",
    "xtuner",
    "token",
    "tokens",
    "UTC",
    "vLLM",
    "LMDeploy",
    "GGUF",
    "Ollama",
    "API",
    "Key",
    "bitsandbytes",
    "alpha",
    "dropout",
    "SQLite",
    "PostgreSQL",
    "DeepSeek",
    "GLM",
    "SiliconFlow",
    "OpenAI",
    "Kimi",
    "Language",
    "UTF",
    "env",
    "make",
    "run",
}
"""Names, forms, units, terms and commands that Chinese readers know, and the label that leads out of Chinese.
Words with digits, strokes or dots are names of files and models."""
STREAMLITS_OWN = ("list", "listitem")
"""Rules of axe-core that only Streamlit's navigation breaks: it puts its groups into the list of pages."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A studio with samples in every state and a dataset version."""
    server = Studio(tmp_path_factory.mktemp("looks") / "workspace")
    for arguments in (
        ["generate", "--limit", "60"],
        ["clean", "--fix"],
        ["accept", "--clean", "--styles", "白话"],
        ["freeze", "--name", "第一版"],
    ):
        command = [sys.executable, "-m", "tianji_core", *arguments, "--workspace", str(server.home)]
        subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=300)
    server.start()
    yield server
    server.end_jobs()
    server.stop()


@pytest.fixture(params=LOOKS, ids="-".join)
def look(request: pytest.FixtureRequest, browser: Browser, filled: Studio) -> Iterator[tuple[Page, str]]:
    """A page in one of the looks, and its language."""
    language, screen, theme = request.param
    settings = filled.workspace.settings()
    filled.workspace.save_settings(settings.model_copy(update={"language": language}))
    width, height = SCREENS[screen]
    context = browser.new_context(
        viewport={"width": width, "height": height}, locale="zh-CN", color_scheme=theme
    )
    context.add_init_script(WATCH)
    yield context.new_page(), language
    context.close()


def faults_of(page: Page, language: str) -> list[str]:
    """What is wrong with the page as it stands."""
    found = page.evaluate(MEASURE)
    faults = [f"cut off: {text}" for text in found["cut"]]
    if found["sideways"]:
        faults.append("scrolls sideways")
    if found["top"] is None or found["top"] > CONTENT_BEGINS:
        faults.append(f"begins at {found['top']} px")
    if language == "zh" and (foreign := set(found["words"]) - FOREIGN_WORDS_OF_CHINESE):
        faults.append(f"foreign words: {sorted(foreign)}")
    return faults


def test_every_page_fits_begins_with_its_content_and_speaks_one_language(
    look: tuple[Page, str], filled: Studio
) -> None:
    page, language = look
    faults = []
    for name in PAGES:
        visit(page, filled, "" if name == "home" else name)
        seen = faults_of(page, language)
        if seen:  # a part that draws itself anew may have been missing
            page.wait_for_timeout(1500)
            seen = faults_of(page, language)
        faults += [f"{name}: {fault}" for fault in seen]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    "look", [("zh", "1280", "light"), ("zh", "1280", "dark")], ids="-".join, indirect=True
)
def test_every_page_can_be_used_by_keyboard_and_screen_reader(look: tuple[Page, str], filled: Studio) -> None:
    page, _language = look
    faults = []
    for name in PAGES:
        visit(page, filled, "" if name == "home" else name)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical") and violation["id"] not in STREAMLITS_OWN:
                faults += [f"{name}: {violation['id']}: {node['html'][:120]}" for node in violation["nodes"]]
    assert not faults, "\n".join(faults)
