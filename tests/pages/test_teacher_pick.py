"""The choice of a teacher on any page."""

from streamlit.testing.v1 import AppTest

from tianji_core import teachers
from tianji_core.workspace import Workspace


def judge_of_last_time() -> None:
    from pages.shared.frame import current_workspace
    from pages.shared.teacher_pick import pick_teacher
    from tianji_core.teachers import TeacherChoice

    pick_teacher(current_workspace(), "judge", last=TeacherChoice(provider="deepseek", model="deepseek-chat"))


def test_another_model_is_of_the_provider_on_screen(workspace: Workspace) -> None:
    names = [model.name for model in teachers.provider(workspace, "deepseek").models]
    at = AppTest.from_function(judge_of_last_time, default_timeout=60).run()
    assert at.selectbox(key="judge_provider").value == "deepseek"
    other = next(name for name in names if name != "deepseek-chat")
    at.selectbox(key="judge_model_deepseek").select(other).run()
    assert at.selectbox(key="judge_provider").value == "deepseek"
    assert at.selectbox(key="judge_model_deepseek").value == other
