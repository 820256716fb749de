"""A link may come from anybody: whatever stands in it, a page draws without an exception and sends nothing
by itself."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pages.opening import opened
from tianji_core.store import samples
from tianji_core.workspace import Workspace

PAGES = sorted(path.parent.name for path in Path(__file__).parents[2].glob("pages/*/page.py"))
NAMES = (
    *("service", "service_model", "service_key", "service_variable", "model", "base_url", "key", "provider"),
    *(
        "run",
        "import",
        "teacher",
        "by",
        "stars",
        "score",
        "since",
        "until",
        "state",
        "finding",
        "q",
        "source",
    ),
    *(
        "id",
        "from",
        "panel",
        "view",
        "order",
        "who",
        "name",
        "scene",
        "style",
        "seed",
        "before",
        "unit",
        "rows",
    ),
    *(
        "dataset",
        "clone",
        "with",
        "board",
        "knowledge",
        "imitation",
        "part",
        "use",
        "list",
        "kind",
        "layer",
        "do",
        "style_detail",
    ),
    *("feed_who", "feed_action", "feed_sample", "feed_since", "feed_until", "map_view", "map_order", "embed"),
)
"""Query parameters that a page reads, binds to a widget, or might."""
ODD = (
    *("0", "1", "-1", "²", "٣", "9" * 30, "1e9", "nan", "inf-inf", "1-1e309", "5-0", "1,2,", "None", "true"),
    *("2026-13-01", "0001-01-01", "9999-12-31", "file:///etc/passwd", "javascript:alert(1)", "../..", "a\nb"),
    *(
        "\x00",
        "\u202e",
        "{x}",
        "%s",
        "{0.__class__}",
        ":red[a]",
        "$x$",
        "<b>",
        "全部",
        "复审",
        "记录",
        "导入",
    ),
)


@pytest.fixture
def canary() -> Iterator[socket.socket]:
    """A socket that listens and answers nobody: who connected to it waits to be accepted."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@settings(
    max_examples=40,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_a_link_says_a_page_draws_and_sends_nothing(
    data: st.DataObject, workspace: Workspace, canary: socket.socket
) -> None:
    if not samples.total(workspace.engine):
        new = samples.NewSample("wishes", "系统", "祝妹妹生日", "妹妹，生日快乐！", name="妹妹", scene="生日")
        samples.add(workspace.engine, new)
    port = canary.getsockname()[1]
    hosts = (f"127.0.0.1:{port}", f"me@127.0.0.1:{port}", f"127.1:{port}")
    places = [*(f"http://{host}/v1" for host in hosts), f"HTTP://127.0.0.1:{port}", f"//127.0.0.1:{port}"]
    values = st.sampled_from([*ODD, *places]) | st.text(st.characters(codec="utf-8"), max_size=30)
    page = data.draw(st.sampled_from(PAGES))
    address = data.draw(st.dictionaries(st.sampled_from(NAMES), values, min_size=1, max_size=4))
    if data.draw(st.booleans()):
        address |= {"service": data.draw(st.sampled_from(places)), "service_model": "loopback-model"}
    opened(page, **address)
    with pytest.raises(BlockingIOError):
        canary.accept()


@pytest.mark.parametrize("run", ["file:///etc/passwd", "²", "-1"])
def test_a_run_in_the_address_of_the_review_page_may_be_any_text(workspace: Workspace, run: str) -> None:
    opened("review", run=run, **{"import": run})


@pytest.mark.parametrize(
    ("language", "page", "address", "held"),
    [
        ("en", "lists", {"list": "提示词"}, {"list": "prompts"}),
        ("zh", "lists", {"list": "Prompts"}, {"list": "prompts"}),
        ("zh", "dataset", {"part": "versions"}, {"part": "versions"}),
        ("en", "review", {"view": "列表", "state": "采用"}, {"view": "table", "state": "accepted"}),
        ("zh", "review", {"view": "Table", "state": "Accepted"}, {"view": "table", "state": "accepted"}),
        ("en", "jobs", {"kind": "train"}, {}),
    ],
)
def test_a_link_opens_the_same_view_in_every_language(
    workspace: Workspace, language: str, page: str, address: dict[str, str], held: dict[str, str]
) -> None:
    new = samples.NewSample("wishes", "系统", "祝妹妹生日", "妹妹，生日快乐！", name="妹妹", scene="生日")
    samples.add(workspace.engine, replace(new, state="accepted"))
    workspace.save_settings(workspace.settings().model_copy(update={"language": language}))
    app = opened(page, **address)
    assert {name: app.session_state[name] for name in held} == held


def test_a_link_to_no_view_opens_the_first_one(workspace: Workspace) -> None:
    assert opened("lists", list="没有这张表").session_state["list"] == "names"
