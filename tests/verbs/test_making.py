"""generate and knowledge from the command line: budgets, several teachers, documents."""

import json
from pathlib import Path

import pytest

from tests.loopback import LoopbackApi, fails, loopback_api, says
from tests.other_tasks import apologies
from tianji_core import cli, generation
from tianji_core.errors import UnfinishedError
from tianji_core.recipe import Plan, kept_cells
from tianji_core.store import recipes, samples
from tianji_core.store import runs as rows
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice
from tianji_core.verbs.generating import check_complete
from tianji_core.workspace import Workspace


@pytest.fixture
def api():
    with loopback_api() as server:
        yield server


def call(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["tianji_core", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


def failed_answer(folder: Path, **judged: str) -> Path:
    """A file as an evaluation leaves it, with one answer that did not pass."""
    file = folder / "judged.json"
    answer = {**judged, "faults": [], "passed": False}
    file.write_text(json.dumps({"answers": [answer]}), encoding="utf-8")
    return file


def test_a_budget_ends_generate_with_its_reason_and_a_failing_code(
    workspace: Workspace, api: LoopbackApi, capsys, monkeypatch
):
    words = ["--provider", "custom", "--base-url", api.url, "--model", "loopback-model", "--limit", "30"]
    code, _out, err = call(
        capsys, monkeypatch, "generate", *words, "--styles", "正常", "--budget-tokens", "400"
    )
    assert code == 1 and "预算" in err
    counts = rows.counts(workspace.engine, [1])[1]
    assert counts.done and counts.pending and not counts.failed


def test_a_run_that_was_stopped_from_elsewhere_is_not_complete(workspace: Workspace):
    run = generation.create_run(workspace, "wishes", Plan(limit=3), TeacherChoice(), Sampling())
    with pytest.raises(UnfinishedError, match=f"还有 3 个任务没写.*generate --resume {run.id}"):
        check_complete(workspace, run.id)


def test_what_cells_lack_is_counted_and_written_exactly(workspace: Workspace, capsys, monkeypatch):
    recipe = recipes.current(workspace.engine, "wishes").recipe
    kept = kept_cells(recipe, recipe.threshold, "正常")
    code, _out, err = call(capsys, monkeypatch, "generate", "--limit", "150", "--styles", "正常")
    assert code == 0, err
    more = ("--at-least", "2", "--styles", "正常")
    _code, out, _err = call(capsys, monkeypatch, "plan", *more, "--json")
    assert json.loads(out)["tasks"] == 2 * len(kept) - 150
    code, _out, err = call(capsys, monkeypatch, "generate", *more)
    assert code == 0, err
    counts = samples.cell_counts(workspace.engine, SampleFilter("wishes", styles=("正常",)))
    assert {(c.name, c.scene): c.pending for c in counts} == dict.fromkeys(kept, 2)
    assert "不用补" in call(capsys, monkeypatch, "plan", *more)[2]
    assert "--at-least" in call(capsys, monkeypatch, "plan", *more, "--limit", "3")[2]


def test_several_teachers_and_a_drawn_temperature(
    workspace: Workspace, api: LoopbackApi, capsys, monkeypatch
):
    own = (
        f"lab:\n  title: 实验室\n  sdk: openai\n  base_url: {api.url}\n  models: [{{name: loopback-model}}]\n"
    )
    (workspace.home / "providers.yaml").write_text(own, encoding="utf-8")
    words = ["--provider", "lab", "--also", "lab/other-model=2", "--limit", "30"]
    drawn = ["--temperature", "0.6", "--temperature-to", "1.0"]
    code, out, err = call(capsys, monkeypatch, "generate", *words, *drawn, "--json")
    assert code == 0, err
    assert json.loads(out)["done"] == 30
    models = [request["model"] for request in api.requests]
    assert models.count("other-model") > models.count("loopback-model") > 0
    assert len({request["temperature"] for request in api.requests}) > 10


def test_what_an_evaluation_found_is_topped_up(
    workspace: Workspace, tmp_path: Path, capsys, monkeypatch
) -> None:
    file = failed_answer(tmp_path, request="祝妹妹生日", name="妹妹", scene="生日", style="正常", answer="好")
    words = ["top-up", "--from-evaluation", str(file), "--each", "5", "--json"]
    code, out, err = call(capsys, monkeypatch, *words, "--check")
    assert code == 0, err
    assert json.loads(out)["tasks"] == 5 and not rows.listed(workspace.engine)
    code, out, err = call(capsys, monkeypatch, *words)
    assert code == 0, err
    assert json.loads(out)["done"] == 5
    code, out, err = call(capsys, monkeypatch, "top-up", "--json")
    assert (code, json.loads(out)[0]["failed"], json.loads(out)[0]["repaired"]) == (0, 1, None)
    file.write_text("{}", encoding="utf-8")
    code, _out, err = call(capsys, monkeypatch, *words)
    assert code == 2 and "不是评测结果" in err


def test_a_top_up_that_the_composer_cannot_write_is_refused_when_it_is_only_counted(
    workspace: Workspace, tmp_path: Path, capsys, monkeypatch
) -> None:
    recipes.add(workspace.engine, apologies(), "新配方")
    file = failed_answer(tmp_path, request="r", name="赵先生", scene="快递晚到三天", style="诚恳", answer="")
    words = ["top-up", "--from-evaluation", str(file), "--recipe", "apologies", "--check"]
    code, _out, err = call(capsys, monkeypatch, *words)
    assert code != 0 and "没有口气 诚恳 的语句" in err.replace("诚恳的", "诚恳 的")
    code, out, err = call(
        capsys,
        monkeypatch,
        *words,
        "--provider",
        "custom",
        "--base-url",
        "http://127.0.0.1:9/v1",
        "--model",
        "m",
    )
    assert code == 0 and "补 8 条" in out, err


def test_documents_become_samples(
    workspace: Workspace, api: LoopbackApi, tmp_path: Path, capsys, monkeypatch
):
    file = tmp_path / "年俗.md"
    file.write_text("腊月二十三祭灶。" * 40, encoding="utf-8")
    code, out, _err = call(
        capsys, monkeypatch, "knowledge", str(file), "--size", "100", "--overlap", "0", "--preview", "--json"
    )
    pieces = json.loads(out)
    assert code == 0 and len(pieces) > 1 and api.requests == []
    api.default = says('[{"question": "哪天祭灶？", "answer": "腊月二十三"}]')
    words = ["--provider", "custom", "--base-url", api.url, "--model", "loopback-model"]
    code, out, err = call(
        capsys, monkeypatch, "knowledge", str(file), "--size", "100", "--overlap", "0", *words, "--json"
    )
    facts = json.loads(out)
    assert code == 0, err
    assert (facts["pairs"], facts["done"], facts["repeated"]) == (1, len(pieces), len(pieces) - 1)


def test_documents_with_chunks_that_failed_end_with_a_failing_code_and_are_resumed(verb, api, tmp_path):
    file = tmp_path / "年俗.md"
    file.write_text("腊月二十三祭灶。" * 40, encoding="utf-8")
    api.script.append(says('[{"question": "哪天祭灶？", "answer": "腊月二十三"}]'))
    api.default = fails(451, "不便回答")
    teacher = ("--provider", "custom", "--base-url", api.url, "--model", "m", "--concurrency", 1)
    said = verb("knowledge", file, "--size", 100, "--overlap", 0, *teacher, "--json")
    facts = json.loads(said.out)
    assert said.code == 1 and facts["done"] == 1 and facts["failed"] > 0
    assert "不便回答" in said.failure and "--resume 1" in said.failure
    asked = len(api.requests)
    api.default = says('[{"question": "祭谁？", "answer": "灶王爷"}]')
    assert verb("knowledge", "--resume", 1, "--json").json()["failed"] == 0
    assert len(api.requests) - asked == facts["failed"], "only what is missing is asked"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["knowledge"], "文件"),
        (["knowledge", "nowhere.txt"], "nowhere.txt"),
        (["generate", "--temperature-to", "1"], "--temperature"),
        (["generate", "--also", "offline/x=heavy"], "--also"),
        (["generate", "--temperature", "1", "--temperature-to", "0.5"], "从小到大"),
    ],
)
def test_wrong_input_is_one_sentence(workspace: Workspace, words: list[str], said: str, capsys, monkeypatch):
    code, _out, err = call(capsys, monkeypatch, *words)
    assert code == 2 and said in err and len(err.strip().splitlines()) == 1
