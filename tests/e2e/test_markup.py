"""What a person, a teacher or a server wrote is shown as text: no picture of it is fetched, no link of it can
be followed, on no page; and no page breaks the content security policy."""

import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request

from tests.comparison.boards import filled
from tests.e2e.driving import Studio, unfold, visit
from tests.serving.tiny import make_base
from tianji_core import cleaning, dataset, training
from tianji_core.access.users import Users
from tianji_core.comparison import ballots, choose
from tianji_core.comparison.board import save_board
from tianji_core.files import write_text
from tianji_core.models import register_folder
from tianji_core.recipe import Recipe, Scene
from tianji_core.recipe.axes import Axis, AxisOption
from tianji_core.recipe.editing import changed
from tianji_core.recipe.plan import Plan, Task
from tianji_core.roles import Role
from tianji_core.serving.transcript import ChatTurn, keep_turn
from tianji_core.store import jobs, recipes, runs, samples, second_verdicts, steps, votes
from tianji_core.store import training as training_runs
from tianji_core.store.runs import Failure, NewRun
from tianji_core.store.samples import ACCEPTED, NewSample, SampleFilter
from tianji_core.store.votes import TEACHER
from tianji_core.teachers import TeacherChoice
from tianji_core.workspace import Workspace

VIEWS = [
    "",
    *(
        "lists",
        "lists?list=场景",
        "lists?list=风格",
        "lists?list=随机注入",
        "lists?list=训练输入",
        "lists?list=条件",
    ),
    *(
        "heatmap",
        "heatmap?map_view=样本覆盖",
        "heatmap?map_view=让模型打分",
        "heatmap?map_view=不再合适的样本",
    ),
    *("generate", "generate?provider=planted", "generate?run=1", "generate?part=knowledge"),
    *("review", "review?state=全部", "review?state=全部&view=列表", "review?state=全部&view=批量"),
    *("review?state=全部&view=重复", "review?state=全部&view=复审", "review?view=记录"),
    *("review?do=edit&state=全部", "review?do=copy&state=全部", "review?do=split&state=全部"),
    *("dataset", "dataset?part=版本", "dataset?part=导入"),
    *("train", "train?run=1", "models", "chat", "jobs", "settings", "account"),
    *("compare", "compare?view=grid", "compare?view=blind", "compare?view=scores", "compare?view=sweep"),
]
"""Every page and every view of it, as its address names it."""


class _Beacon(http.server.BaseHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def beacon() -> Iterator[tuple[int, list[str]]]:
    """A server that notes who asks it: (port, paths)."""
    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Beacon", (_Beacon,), {"asked": asked}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], asked
    server.shutdown()


def mark(port: int, name: str) -> str:
    """A text of at most 40 characters that Markdown makes a picture of."""
    return f"![{name}](http://127.0.0.1:{port}/{name})"


def anchor(port: int, name: str) -> str:
    """A text of at most 40 characters that plotly makes a link of."""
    return f'<a href="//127.0.0.1:{port}/{name}">x</a>'


def planted_recipe(recipe: Recipe, port: int) -> Recipe:
    name = recipe.names[0].model_copy(update={"text": mark(port, "n")})
    scene = Scene(text=mark(port, "s"), kind=recipe.scenes[0].kind, greeting=mark(port, "g"))
    style = recipe.styles[0].model_copy(
        update={"text": mark(port, "t"), "instruction": mark(port, "i"), "examples": (mark(port, "e"),)}
    )
    other = recipe.names[1].model_copy(update={"text": anchor(port, "n")})
    where = scene.model_copy(update={"text": anchor(port, "s")})
    tone = style.model_copy(update={"text": anchor(port, "t"), "suffix": ",x"})
    axis = Axis(
        id="a",
        title=mark(port, "a"),
        options=(AxisOption(id="o", title=mark(port, "o"), words=(mark(port, "ow"),)),),
        enabled=True,
    )
    return changed(
        recipe,
        axes=(axis,),
        title=mark(port, "r"),
        description=mark(port, "d"),
        names=(name, other, *(one for one in recipe.names if one.text == "大舅")),
        scenes=(scene, where, *(one for one in recipe.scenes if one.text == "生日")),
        styles=(style, tone, *(one for one in recipe.styles if one.text == "正常")),
        clauses=("", mark(port, "c")),
        suitability=(),
        style_gaps=(),
    )


def plant(space: Workspace, port: int, folder: Path) -> None:
    """Fills every room of a workspace with texts that are Markdown."""
    engine = space.engine
    stored = recipes.current(engine, "wishes")
    recipe = planted_recipe(stored.recipe, port)
    recipes.save(engine, recipe, stored.revision, mark(port, "what"))
    who = mark(port, "w")
    space.save_settings(space.settings().model_copy(update={"reviewer": who}))
    Users(space).add(mark(port, "u"), Role.OWNER)
    cell: dict[str, Any] = {"name": mark(port, "n"), "scene": mark(port, "s"), "style": mark(port, "t")}
    other = {"name": anchor(port, "n"), "scene": anchor(port, "s"), "style": anchor(port, "t")}
    for number in range(4):
        text = f"{mark(port, 'o')}祝您生日快乐，万事如意，第{number}条。"
        new = NewSample("wishes", mark(port, "sys"), mark(port, "in"), text, model=mark(port, "m"), **cell)
        samples.add(engine, new if number else replace(new, **other))
    cleaning.check_new(space, "wishes")
    one = samples.page(engine, SampleFilter("wishes"), limit=4)
    steps.edit(
        engine, "wishes", one[0].id, one[0].version, one[0].output + "呀", who, ACCEPTED, mark(port, "note")
    )
    steps.set_state(engine, SampleFilter("wishes", ids=(one[1].id,)), ACCEPTED, who, note=mark(port, "why"))
    second_verdicts.set_share(engine, "wishes", 1.0)
    version = dataset.freeze(space, "wishes", "第一版", note=mark(port, "vn"))
    settings = training.default_settings("nano-cpu-qlora", space, "wishes").model_dump(mode="json")
    training_runs.add(engine, mark(port, "tt"), mark(port, "tp"), version.id, settings)
    jobs.add(engine, "train", mark(port, "jt"), ["true"], {}, {})
    jobs.change(engine, 1, state="failed", note=mark(port, "jn"))
    write_text(
        space.home / "providers.yaml",
        f"planted:\n  title: '{mark(port, 'pt')}'\n  sdk: openai\n  base_url: http://127.0.0.1:9/v1\n"
        f"  key_variable: PLANTED\n  note: '{mark(port, 'pn')}'\n  models:\n  - name: '{mark(port, 'pm')}'\n",
    )
    planned = [Task(at, cell["name"], cell["scene"], cell["style"], 0) for at in range(2)]
    teacher = TeacherChoice(provider="planted", model=mark(port, "pm")).model_dump(mode="json")
    run = runs.add(engine, NewRun("wishes", 1, mark(port, "rt"), Plan(), teacher, {}, 1), planned)
    runs.store(engine, run, [], [Failure(planned[0], "refusal", mark(port, "re"))])
    runs.change(engine, run.id, halted=mark(port, "rh"))
    base = make_base(folder / "base")
    (base / "README.md").write_text(mark(port, "card"), encoding="utf-8")
    register_folder(space, base, title=mark(port, "mt"))
    answers = [[mark(port, "a1") + "祝您健康", mark(port, "a2") + "祝您平安"]]
    board = filled(recipe, answers, (mark(port, "bm"), anchor(port, "bn")))
    save_board(space, board)
    votes.decide(engine, choose(board, ballots(board)[0], ballots(board)[0].cells[0]), who)
    votes.decide(
        engine, choose(board, ballots(board)[0], ballots(board)[0].cells[1]), mark(port, "vt"), TEACHER
    )
    keep_turn(
        space, ChatTurn(request=mark(port, "cr"), answer=mark(port, "ca"), model=mark(port, "cm"), **cell)
    )


def test_no_text_of_anybody_becomes_markup(
    page: Page, studio: Studio, beacon: tuple[int, list[str]], tmp_path: Path
) -> None:
    port, asked = beacon
    plant(studio.workspace, port, tmp_path)
    broken: list[str] = []
    page.on("console", lambda message: broken.append(message.text) if _breaks_policy(message) else None)
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if _leaves(request, studio) else None)
    found: dict[str, list[str]] = {}
    for address in VIEWS:
        visit(page, studio, address)
        unfold(page, "details:not([open]) > summary")
        marks = page.evaluate(
            """port => [...document.querySelectorAll('img,a,video,iframe,link')]
                .map(e => e.outerHTML.slice(0, 160)).filter(e => e.includes(':' + port))""",
            port,
        )
        if marks:
            found[address] = marks
    assert found == {}
    assert (sent, asked, broken) == ([], [], [])


def _breaks_policy(message: ConsoleMessage) -> bool:
    return "Content Security Policy" in message.text or "Content-Security-Policy" in message.text


def _leaves(request: Request, studio: Studio) -> bool:
    own = (studio.url, studio.url.replace("http", "ws"), "data:", "blob:")
    return not request.url.startswith(own)
