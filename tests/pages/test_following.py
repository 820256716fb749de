"""追问: the numbers before the start, the job, and an empty page that says what is missing."""

from tests.generation.test_following import accepted, obeys_the_second_time
from tests.loopback import LoopbackApi
from tests.pages.test_generate import errors, lab_page, metrics, page
from tianji_core import jobs
from tianji_core.generation.following import following_job
from tianji_core.workspace import Workspace


def test_accepted_samples_are_followed_up_by_one_click(workspace: Workspace, api: LoopbackApi):
    api.default = obeys_the_second_time
    lab_page(workspace, api)
    at = page(provider="lab", part="following")
    assert not at.exception and any("先在审核页采用" in info.value for info in at.info)
    accepted(workspace, 5)
    at = page(provider="lab", part="following")
    assert not at.exception and metrics(at)["要追问（条）"] == "5" and metrics(at)["请求（次）"] == "5–15"
    assert api.requests == []
    at.button(key="start_following").click().run()
    assert not at.exception and not errors(at)
    job = following_job(workspace, "wishes")
    assert job is not None and jobs.wait(workspace, job.id, timeout=60).state == "succeeded"
    at = page(provider="lab", part="following")
    assert not at.exception and "start_following" not in {button.key for button in at.button}


def test_what_would_be_asked_is_shown_before_any_teacher_is_chosen(workspace: Workspace):
    accepted(workspace, 5)
    at = page(provider="offline", part="following")
    shown = [text.value for text in at.markdown]
    assert not at.exception and sum("🤖 …" in text for text in shown) == 3
    assert any("会这样问" in text for text in shown)


def test_no_kind_is_one_sentence(workspace: Workspace, api: LoopbackApi):
    lab_page(workspace, api)
    at = page(provider="lab", part="following")
    at.button_group(key="following_kinds").set_value([])
    at.run()
    assert not at.exception and "至少选一种" in errors(at)
