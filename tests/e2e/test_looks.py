"""Every page in both languages, on a desk and on a phone, light and dark: it fits, begins with its content,
speaks one language and can be used without a mouse or eyes. Measured in the browser, with real samples and a
real dataset."""

import itertools
import subprocess
import sys
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize

from tests.e2e.driving import ROOT, WATCH, Studio, visit

PAGES = [
    *("home", "lists", "heatmap", "generate", "review", "dataset"),
    *("train", "models", "chat", "compare", "jobs", "settings", "account"),
]
VIEWS = [
    *("lists?list=styles", "lists?list=axes", "lists?list=prompts", "generate?part=following"),
    *(
        "review?view=table",
        "review?view=bulk",
        "review?view=second",
        "dataset?part=versions",
        "dataset?part=import",
    ),
]
"""The views of pages with most on them, by their own names, which hold in both languages."""
SCREENS = {"1440": (1440, 900), "1280": (1280, 720), "phone": (390, 844)}
DEVICES = {"desk": ("1440", "1280"), "phone": ("phone",)}
"""The screens between which a person changes without loading a page anew: by the size of the window."""
THEMES = ("light", "dark")
WEARS = """theme => document.querySelector(".stApp") !== null
    && getComputedStyle(document.querySelector(".stApp")).colorScheme === theme"""
"""Whether the page has the theme that the system asks for."""
CONTENT_BEGINS = 250
"""Pixels from the top at which the content of a page has begun."""
MOST_CONTROLS = 12
"""How many controls a person has in sight at 1280 × 720 before asking for more."""
WIDGETS = (
    *(
        "stButton",
        "stDownloadButton",
        "stLinkButton",
        "stPageLink",
        "stPopover",
        "stExpander",
        "stButtonGroup",
    ),
    *("stTextInput", "stTextArea", "stNumberInput", "stSelectbox", "stMultiSelect", "stCheckbox", "stRadio"),
    *("stSlider", "stDateInput", "stFileUploader", "stDataFrame", "stChatInput", "stTabs"),
)
"""Streamlit's controls by their test ids. A row of choices, tabs or radio buttons is one, so is a table."""
SELECTOR = ",".join(f"[data-testid={name}]" for name in WIDGETS)
CONTROLS = f"""() => [...document.querySelectorAll('{SELECTOR}')]
    .filter(each => each.closest('[data-testid=stMain]') && !each.closest('.st-key-head')
        && !each.closest('details:not([open]) > :not(summary)')
        && each.checkVisibility({{visibilityProperty: true, opacityProperty: true}}))
    .filter(each => {{
        const box = each.getBoundingClientRect();
        return box.width > 2 && box.height > 2 && box.top < innerHeight - 4 && box.bottom > 4
            && box.left < innerWidth - 4 && box.right > 4;
    }})
    .map(each => (each.innerText.trim() || each.dataset.testid).split("\\n")[0].slice(0, 20))"""
"""The visible controls of a page, without those of the head, which is the same on every page."""
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
    const marked = document.querySelector('[class*="st-key-step_here_"]')?.getBoundingClientRect();
    return {
        away: Boolean(marked) && (marked.left < 0 || marked.right > innerWidth + 1),
        sideways: document.documentElement.scrollWidth > innerWidth
            || main.scrollWidth > main.clientWidth + 1,
        top, cut: cut.map(element => element.innerText.slice(0, 60)), words: [...words],
    };
}"""
AT_REST = """() => document.getAnimations().every(
    each => !(each instanceof CSSTransition) || each.playState === "finished")"""
"""No colour is on its way to another one."""
FOREIGN_WORDS_OF_CHINESE = {
    "Alt",
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
    "SkyPilot",
    "SQLite",
    "PostgreSQL",
    "DeepSeek",
    "GLM",
    "SiliconFlow",
    "OpenAI",
    "Kimi",
    "Language",
    "Python",
    "SSH",
    "Slurm",
    "UTF",
    "env",
    "make",
    "run",
    *("Markdown", "Alpaca", "ShareGPT", "messages", "conversation", "Parquet", "Excel", "xlsx", "GBK"),
    *("Hugging", "Face", "ModelScope"),
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


@pytest.fixture(params=[(language, device) for language in ("zh", "en") for device in DEVICES], ids="-".join)
def visitor(
    request: pytest.FixtureRequest, browser: Browser, filled: Studio
) -> Iterator[tuple[Page, str, str]]:
    """A tab, its language and the device that it is on."""
    language, device = request.param
    settings = filled.workspace.settings()
    filled.workspace.save_settings(settings.model_copy(update={"language": language}))
    context = browser.new_context(viewport=size(DEVICES[device][0]), locale="zh-CN", color_scheme=THEMES[0])
    context.add_init_script(WATCH)
    yield context.new_page(), language, device
    context.close()


def size(screen: str) -> ViewportSize:
    """The width and height of a screen in pixels."""
    return ViewportSize(width=SCREENS[screen][0], height=SCREENS[screen][1])


def dressed(page: Page, theme: str) -> None:
    """Gives the page the theme of a system that is light or dark."""
    page.emulate_media(color_scheme=theme)
    page.wait_for_function(WEARS, arg=theme)
    page.wait_for_function(AT_REST)


def faults_of(page: Page, language: str, screen: str) -> list[str]:
    """What is wrong with the page as it stands."""
    found = page.evaluate(MEASURE)
    controls = page.evaluate(CONTROLS) if screen == "1280" else []
    faults = [f"cut off: {text}" for text in found["cut"]]
    if len(controls) > MOST_CONTROLS:
        faults.append(f"{len(controls)} controls in sight: {controls}")
    if found["sideways"]:
        faults.append("scrolls sideways")
    if found["away"]:
        faults.append("the step one is on is out of sight")
    if found["top"] is None or found["top"] > CONTENT_BEGINS:
        faults.append(f"begins at {found['top']} px")
    if language == "zh" and (foreign := set(found["words"]) - FOREIGN_WORDS_OF_CHINESE):
        faults.append(f"foreign words: {sorted(foreign)}")
    return faults


def test_every_page_fits_begins_with_its_content_and_speaks_one_language(
    visitor: tuple[Page, str, str], filled: Studio
) -> None:
    tab, language, device = visitor
    faults = []
    for name in (*PAGES, *VIEWS):
        tab.set_viewport_size(size(DEVICES[device][0]))
        visit(tab, filled, "" if name == "home" else name)
        for screen, theme in itertools.product(DEVICES[device], THEMES):
            tab.set_viewport_size(size(screen))
            dressed(tab, theme)
            seen = faults_of(tab, language, screen)
            for _look in range(10):  # a part that draws itself anew may have been missing
                if not seen:
                    break
                tab.wait_for_timeout(1000)
                seen = faults_of(tab, language, screen)
            faults += [f"{name}, {screen}, {theme}: {fault}" for fault in seen]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("visitor", [("zh", "desk")], ids="-".join, indirect=True)
def test_every_page_can_be_used_by_keyboard_and_screen_reader(
    visitor: tuple[Page, str, str], filled: Studio
) -> None:
    tab, _language, _device = visitor
    tab.set_viewport_size(size("1280"))
    faults = []
    for name in PAGES:
        visit(tab, filled, "" if name == "home" else name)
        for theme in THEMES:
            dressed(tab, theme)
            for violation in Axe().run(tab).response["violations"]:
                if violation["impact"] in ("serious", "critical") and violation["id"] not in STREAMLITS_OWN:
                    rule = f"{name}, {theme}: {violation['id']}"
                    faults += [f"{rule}: {node['html'][:120]}" for node in violation["nodes"]]
    assert not faults, "\n".join(faults)
