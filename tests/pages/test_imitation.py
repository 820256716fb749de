"""照着写: the estimate before anything is sent, the run with its tree, and what was typed is not lost."""

from tests.generation.test_imitation import ANEW, PARAGRAPH, imitates_badly, new_run
from tests.loopback import LoopbackApi
from tests.pages.test_generate import errors, lab_page, metrics, page
from tianji_core import jobs
from tianji_core.generation import RunOptions
from tianji_core.generation.imitation import imitation_jobs
from tianji_core.store import imitation as rows
from tianji_core.workspace import Workspace


def pasted(workspace: Workspace, api: LoopbackApi, text: str):
    lab_page(workspace, api)
    at = page(provider="lab", part="imitation")
    at.text_area(key="imitated").set_value(text)
    return at.run()


def test_the_estimate_is_shown_before_the_start_and_the_text_is_kept(workspace: Workspace, api: LoopbackApi):
    at = pasted(workspace, api, PARAGRAPH)
    assert not at.exception and not errors(at)
    assert metrics(at)["要写（条）"] == "21" and metrics(at)["请求（次）"] == "21–63"
    assert api.requests == [] and rows.listed(workspace.engine, "wishes") == []
    again = page(provider="lab", part="imitation")  # after a refresh, or in another tab
    assert again.text_area(key="imitated").value == PARAGRAPH and metrics(again) == metrics(at)


def test_a_run_is_started_followed_and_shown_as_a_tree(workspace: Workspace, api: LoopbackApi):
    api.default = imitates_badly
    at = pasted(workspace, api, PARAGRAPH)
    at.number_input(key="imitated_seeds").set_value(1)
    at.number_input(key="imitated_cells").set_value(2)
    at.run()
    at.button(key="start_imitation").click().run()
    assert not at.exception and not errors(at)
    jobs.wait(workspace, imitation_jobs(workspace)[1].id, timeout=60)
    at = page(part="imitation", imitation="1")
    assert not at.exception and not errors(at)
    assert metrics(at)["写好的"] == "3" and metrics(at)["问了几轮"] == "9"
    tree = " ".join(element.body for element in at.get("html"))
    assert PARAGRAPH in tree and sum(text in tree for text in ANEW) == 3
    assert "resume_imitation_1" not in {button.key for button in at.button}


def test_the_budget_of_a_stopped_run_can_be_changed(workspace: Workspace, api: LoopbackApi):
    run = new_run(workspace, api, options=RunOptions(budget_tokens=1))
    at = page(part="imitation", imitation=str(run.id))
    at.number_input(key=f"budget_tokens_imitation_{run.id}").set_value(70_000)
    at.number_input(key=f"concurrency_imitation_{run.id}").set_value(3)
    at.button(key=f"save_limits_imitation_{run.id}").click().run()
    assert not at.exception and not errors(at)
    changed = rows.get(workspace.engine, run.id)
    assert (changed.settings["options"]["budget_tokens"], changed.concurrency) == (70_000, 3)


def test_a_paragraph_that_is_too_long_is_one_sentence_and_stays(workspace: Workspace, api: LoopbackApi):
    at = pasted(workspace, api, "长" * 10_000)
    assert not at.exception and errors(at).count("10,000 字") == 1
    assert "start_imitation" not in {button.key for button in at.button}
    assert len(page(provider="lab", part="imitation").text_area(key="imitated").value) == 10_000


def test_the_composer_is_not_offered(workspace: Workspace):
    at = page(part="imitation")
    assert not at.exception and any("不会照着写" in info.value for info in at.info)
