"""Refreshing the page and restarting the server in the middle of work: nothing stops, nothing is lost."""

import os
import signal

from playwright.sync_api import Page, expect

from tests.e2e.driving import Studio, until, visit
from tests.loopback import loopback_api
from tianji_core import dataset, generation, jobs, training
from tianji_core.recipe import Plan
from tianji_core.store import samples, steps
from tianji_core.store.samples import SampleFilter
from tianji_core.teachers import Sampling, TeacherChoice

STYLES = ("正常", "严肃", "小红书")


def interrupt(page: Page, studio: Studio) -> None:
    """Refresh, close the server, open it again, and come back to the same address."""
    page.reload()
    studio.stop()
    studio.start()
    page.goto(page.url)


def test_generation_goes_on_and_loses_nothing(page: Page, studio: Studio) -> None:
    space, wanted = studio.workspace, SampleFilter("wishes")
    with loopback_api() as api:
        api.answer_only(20)
        choice = TeacherChoice(provider="custom", model="loopback-model", base_url=api.url, timeout=600)
        plan = Plan(styles=STYLES, limit=120)
        run = generation.create_run(space, "wishes", plan, choice, Sampling(), concurrency=2)
        job = generation.start_generation(space, run.id)
        visit(page, studio, f"generate?run={run.id}")
        expect(page.locator(f".st-key-close_{run.id}")).to_be_visible()
        until(lambda: samples.count(space.engine, wanted) == 20, 120)
        interrupt(page, studio)
        expect(page.locator(f".st-key-close_{run.id}")).to_be_visible()
        assert jobs.get(space, job.id).active
        api.answer_all()
        assert jobs.wait(space, job.id, timeout=180).state == "succeeded"
        assert samples.count(space.engine, wanted) == 120
        assert len(api.requests) == 120, "a task was asked twice"


def test_training_goes_on_and_is_shown_again(page: Page, studio: Studio) -> None:
    space = studio.workspace
    run = generation.create_run(space, "wishes", Plan(styles=STYLES, limit=250), TeacherChoice(), Sampling())
    jobs.wait(space, generation.start_generation(space, run.id).id, timeout=60)
    steps.set_state(space.engine, SampleFilter("wishes"), "accepted", "测试")
    version = dataset.freeze(space, "wishes", "v1")
    settings = training.default_settings("nano-cpu-qlora", space)
    trained = training.start_training(space, "nano-cpu-qlora", settings, version)
    assert trained.job_id is not None
    visit(page, studio, f"train?run={trained.id}")
    until(lambda: training.training_state(space, trained).iteration > 0, 240)
    group = jobs.get(space, trained.job_id).pid
    assert group is not None
    os.killpg(group, signal.SIGSTOP)  # it does not end before the studio is open again
    try:
        interrupt(page, studio)
        expect(page.get_by_text("损失").first).to_be_visible()
        assert jobs.get(space, trained.job_id).active
    finally:
        os.killpg(group, signal.SIGCONT)
    assert jobs.wait(space, trained.job_id, timeout=420).state == "succeeded"
    assert training.training_state(space, trained).finished


def test_a_deep_link_may_be_the_first_thing_a_fresh_server_is_asked_for(page: Page, studio: Studio) -> None:
    page.goto(f"{studio.url}/compare")
    expect(page.get_by_role("heading", name="对比")).to_be_visible()
    page.wait_for_timeout(1000)
    expect(page.get_by_role("dialog")).to_have_count(0)
