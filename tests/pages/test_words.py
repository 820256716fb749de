"""Whatever a page tells a person is in the language of that person, also where somebody with the other
language has worked before: labels, helps, menus, dialogs, tables, pictures, passing messages, job titles,
steps to undo, notices and findings."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from tests.checkpoints import add_training
from tests.comparison.boards import BAD, COPIED, GOOD, filled
from tests.e2e.test_looks import FOREIGN_WORDS_OF_CHINESE
from tests.pages.opening import opened, press
from tests.pages.told import told
from tests.preference_versions import add_merged, add_votes
from tests.test_i18n import KEPT
from tests.tiny_base import SYSTEM
from tianji_core import dataset, generation, jobs
from tianji_core.cleaning import pipeline
from tianji_core.comparison import save_board
from tianji_core.i18n import _, set_language
from tianji_core.project import PROJECT
from tianji_core.recipe import Plan, built_in_recipes, following
from tianji_core.store import recipes, samples, second_verdicts, steps
from tianji_core.store.samples import ACCEPTED, PENDING, REJECTED, NewSample, SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.workspace import Workspace, open_workspace

pytestmark = pytest.mark.slow
OTHER = {"zh": "en", "en": "zh"}
TEXTS = (
    "小妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情，万事顺遂。",
    "“小妹，生日快乐！愿你新的一岁平安喜乐，每天都有好心情，一切顺利。”",
    "生日快乐",
    "祝福语：小妹生日到，愿你笑口常开，平安顺遂，日日有惊喜相伴!!!!",
    "好的，这是一段生日祝福：\n1. 小妹，生日快樂，願你天天開心。\n2. 祝你越来越漂亮。",
    "王总，祝您新春快乐，事业更上一层楼，新的一年财源滚滚。",
    "小妹，生日快乐，愿你平安，愿你平安，愿你平安，愿你平安，愿你平安。",
    "作为一个人工智能，我无法祝贺小妹的生日，但愿她开心快乐每一天呀。",
    "小妹，请于[日期]来[地点]，我们为你庆生，愿你平安喜乐每一天",
    "**小妹**，生日快乐🎂🎂🎂，愿你被温柔以待，所行皆坦途，所愿皆如愿，，，",
)
"""Answers as careless models write them: in quotes, too short, with a preface, a list, another person, an
unfinished sentence, marks of Markdown."""
CJK = re.compile("[\u3400-\u9fff]+")
WORD = re.compile(r"[A-Za-z][^\s\u3000-\uffef]{2,}")
MARKUP = re.compile(
    r"`[^`]*`|\]\([^)]*\)|:material/\w+:|:[a-z]+(-[a-z]+)*\[|\{\w+\}|%\{[^}]*\}|</?[a-z]+[ />]"
)
"""What of a text is code, an address, an icon, a colour or a placeholder."""
INNER = re.compile(
    r"\bnan\b|\b(?!internlm2_|qwen_|llama3_|tianji_core)(?:[a-z]{2,}_)+[a-z]{2,}\b|<[\w.]+ object|datetime\."
    r"|\b[A-Z]\w+Error\b|\[\]"
)
"""How Python writes values, and the keys that its enumerations and columns have. None is a word of English,
which a Chinese page would show as a foreign one."""
OWN = (
    *("阿苗", "小周", "头一版", "第一版", "改一改", "小训练", "学过的", "太短了", "连不上", "祝您健康"),
    *("语言", SYSTEM, *KEPT),
)
"""What people have typed, beside the lists and the samples, and the label that leads to Chinese."""
PAGES = (
    *("home", "lists", "lists?list=prompts", "heatmap", "generate", "generate?run=1", "review", "dataset"),
    *("dataset?part=import", "train", "models"),
    *("chat", "compare", "jobs", "jobs?job=1", "settings", "account"),
)
NAMES = {
    *("Alpaca", "ShareGPT", "messages", "conversation", "Parquet", "Hugging", "Face", "ModelScope", "GBK"),
    *("TensorBoard", "SwanLab", "DPO", "ORPO", "ChatML", "tokenizer", "Llama", "Modelfile", "Studio"),
    *(
        "Markdown",
        "LMDeploy",
        "lmdeploy",
        "vllm",
        "python",
        "tianji",
        "serve",
        "program",
        "install",
        "Webhook",
        "English",
    ),
    *("main", "master", "lab", "root", "base", "apologies", "mit", "other", "Excel", "xlsx"),
}
"""Forms of data, sites, programs, methods, commands, and names that are given as examples."""
FOLDED = ("inside_1", "inside_2", "push_open_dataset_头一版", "push_open_model_学过的")
"""The keys of what is drawn only where a person has opened it."""
VIEWS = ("list", "view", "part", "map_view", "prompts_of", "hub_source")
"""The rows of choices that say what a page shows."""
PASSING = (
    *(("settings", "save_settings"), ("lists", "undo_recipe"), ("lists", "redo_recipe")),
    *(("review", "undo"), ("review", "redo"), ("models", "delete_学过的")),
)
"""Buttons after which a message passes by: of one's own doing, and of what the other person did."""


def made_by(home: Path, written: str) -> Workspace:
    """A workspace in which a person with this language has done something of every kind."""
    space = open_workspace(home)
    space.save_settings(space.settings().model_copy(update={"language": written, "reviewer": "阿苗"}))
    set_language(written)
    new = [
        NewSample("wishes", "送祝福", f"祝小妹生日{n}", text, "妹妹", "生日", "正常")
        for n, text in enumerate(TEXTS)
    ]
    ids = [samples.add(space.engine, one) or 0 for one in new]
    run = generation.create_run(
        space, "wishes", Plan(styles=("正常", "白话"), limit=24), TeacherChoice(), Sampling()
    )
    jobs.wait(space, generation.start_generation(space, run.id).id, timeout=120)
    pipeline.check_new(space, "wishes")
    reviewed(space, ids)
    dataset.freeze(space, "wishes", "头一版")
    base = home.parent / "base"
    add_training(space, base, {}, "第一版")
    add_merged(space, base)
    add_votes(space, 6)
    recipe = recipes.current(space.engine, "wishes").recipe
    save_board(space, filled(recipe, [[GOOD, BAD], [COPIED, ""]]))
    stored = recipes.current(engine := space.engine, "wishes")
    stricter = stored.recipe.model_copy(update={"threshold": 2})
    recipes.save(engine, stricter, stored.revision, _("只造合适的格子"))
    failing = jobs.start(space, "edit", "改一改", [sys.executable, "-c", "raise SystemExit(3)"])
    jobs.wait(space, failing.id, timeout=60)
    return space


def reviewed(space: Workspace, ids: list[int]) -> None:
    """Two persons decide, rate, edit, follow a new name and take steps back."""
    engine = space.engine

    def some(*chosen: int) -> SampleFilter:
        return SampleFilter("wishes", ids=chosen)

    steps.set_state(engine, SampleFilter("wishes", styles=("白话",)), ACCEPTED, "阿苗")
    steps.set_state(engine, some(ids[2]), REJECTED, "阿苗", note="太短了")
    steps.rate(engine, some(*ids[:2]), 4, "阿苗")
    steps.edit(
        engine, "wishes", ids[0], samples.get(engine, ids[0]).version, TEXTS[0][:-3] + "。", "阿苗", ACCEPTED
    )
    second_verdicts.record(engine, samples.get(engine, ids[2]), ACCEPTED, "小周")
    pipeline.fix(space, SampleFilter("wishes", ids=tuple(ids)), "阿苗")
    for _again in range(2):
        steps.undo(engine, "wishes", "阿苗")
    steps.redo(engine, "wishes", "阿苗")
    steps.set_state(engine, some(ids[5]), PENDING, "阿苗")


@pytest.fixture(scope="module", params=["zh", "en"])
def worked(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Workspace, str]]:
    """A workspace that somebody with the other language has filled, and the language in which it is read."""
    language = request.param
    with pytest.MonkeyPatch.context() as variables:
        variables.delenv("TIANJI_DATABASE_URL", raising=False)
        home = tmp_path_factory.mktemp("words") / "workspace"
        space = made_by(home, OTHER[language])
        space.save_settings(space.settings().model_copy(update={"language": language}))
        yield space, language
        space.engine.dispose()


@pytest.fixture
def read(worked: tuple[Workspace, str], monkeypatch: pytest.MonkeyPatch) -> Callable[[AppTest], set[str]]:
    """Says which texts of a page are not in the language of its reader."""
    space, language = worked
    monkeypatch.setenv("TIANJI_HOME", str(space.home))
    monkeypatch.delenv("TIANJI_DATABASE_URL", raising=False)
    set_language(language)
    own = "".join([*OWN, *written(space)])
    return lambda app: {text for text in told(app) if is_foreign(text, language, own)}


def written(space: Workspace) -> Iterator[str]:
    """The texts of the samples and votes, of the walk that the first page shows, and the recipes."""
    yield (PROJECT / "configs" / "example_walk.json").read_text(encoding="utf-8")
    yield from (path.read_text(encoding="utf-8") for path in built_in_recipes().values())
    for sample in samples.page(space.engine, SampleFilter("wishes"), limit=1000):
        yield from (sample.system, sample.input, sample.output)
    yield from (GOOD, BAD, COPIED)
    styles = recipes.current(space.engine, "wishes").recipe.styles
    for wordings in following._WORDINGS.values():  # what a person says next in a conversation
        yield from (
            said.format(target=style.text, word=following.STYLE_WORD) for said in wordings for style in styles
        )


def is_foreign(text: str, language: str, own: str) -> bool:
    """Whether a text holds words of the other language, or anything that only a program would write; what
    people wrote, ``own``, stays as it is."""
    seen = MARKUP.sub(" ", text)
    if language == "en":
        return any(word not in own for word in CJK.findall(text)) or bool(INNER.search(seen))
    words = [word for word in WORD.findall(seen) if word.isascii() and word.isalpha()]
    return any(word not in FOREIGN_WORDS_OF_CHINESE | NAMES for word in words) or bool(INNER.search(seen))


def test_every_view_of_every_page_speaks_the_language_of_its_reader(
    worked: tuple[Workspace, str], read: Callable[[AppTest], set[str]]
) -> None:
    faults = [
        f"{page} {view}: {text[:120]!r}"
        for page in PAGES
        for view, app in views(page)
        for text in sorted(read(app))
    ]
    assert not faults, "\n".join(faults)


def test_the_guide_of_every_page_speaks_the_language_of_its_reader(
    worked: tuple[Workspace, str], read: Callable[[AppTest], set[str]]
) -> None:
    faults = [
        f"{page}: {text[:300]!r}"
        for page in PAGES
        if "?" not in page
        for text in sorted(read(press(opened(page), "guide")))
    ]
    assert not faults, "\n".join(faults)


def test_messages_that_pass_by_are_in_the_language_of_their_reader(
    worked: tuple[Workspace, str], read: Callable[[AppTest], set[str]]
) -> None:
    faults = []
    for page, key in PASSING:
        app = press(opened(page), key)
        passing = {toast.value for toast in app.toast}
        assert passing and passing <= told(app), f"{page} {key}: nothing is said"
        faults += [f"{page} {key}: {text!r}" for text in sorted(passing & read(app))]
    assert not faults, "\n".join(faults)


def views(page: str) -> Iterator[tuple[str, AppTest]]:
    """The page as it opens, and in each of its views."""
    name, _, query = page.partition("?")
    address = dict(part.split("=") for part in query.split("&")) if query else {}
    app = opened(name, **address)
    yield "", app
    for folded in FOLDED:
        app.session_state[folded] = True
    yield "opened", app.run()
    for control in app.segmented_control:
        for option in control.options if control.key in VIEWS and control.key not in address else ():
            other = opened(name, **address)
            other.segmented_control(key=control.key).select(option).run()
            assert not other.exception, f"{page} {control.key} {option}"
            yield f"{control.key} {option}", other
