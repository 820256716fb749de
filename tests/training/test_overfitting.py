"""A training that learns by heart, or that diverges, is told from one that learns."""

from tests.tiny_base import add_version
from tianji_core import training
from tianji_core.store import training as rows
from tianji_core.training.curve import Point, Validation, diverged, smoothed, stalled
from tianji_core.training.engine import curve, validations
from tianji_core.training.overfitting import memorised, signs, training_outputs, turning_point
from tianji_core.training.trials import TrialAnswer


def points(*losses):
    return [Point(n, loss, 1e-3, 0.1, None) for n, loss in enumerate(losses, start=1)]


def test_a_validation_loss_that_rises_again_has_turned_at_its_lowest():
    falling = [Validation(n, loss) for n, loss in ((0, 2.0), (10, 1.0), (20, 0.9))]
    assert turning_point(falling) is None
    assert turning_point([*falling, Validation(30, 0.905)]) is None  # noise
    assert turning_point([*falling, Validation(30, 1.1)]) == falling[2]


def test_a_loss_far_above_its_start_is_a_divergence():
    assert diverged(points(2.0, 1.9, 8.4, 8.4, 8.4, 8.4)) == 2.0
    assert diverged(points(2.0, 8.4, 1.5, 1.2, 1.1, 1.0)) is None
    assert diverged(points(2.0, 8.4, 8.4)) is None  # too early to tell


def test_gradients_that_stay_zero_are_no_training():
    moving = [Point(n, 4.3, 1e-3, 0.1, None, 0.5) for n in (2, 4)]
    still = [Point(n, 4.3, 1e-3, 0.1, None, 0.0) for n in range(6, 18, 2)]
    assert stalled([*moving, *still]) == 6
    assert stalled([*moving, *still[:2]]) is None and stalled([*still, *moving]) is None
    assert stalled([*moving, *still[:3]]) == 6  # ten iterations without any
    assert stalled(points(*[2.0] * 9)) is None  # no gradients logged


def test_the_smoothed_curve_starts_at_the_first_loss_and_keeps_gaps():
    assert smoothed([2.0, None, 2.0]) == [2.0, None, 2.0]
    assert 1.0 < smoothed([2.0, 1.0])[-1] < 2.0


def test_answers_that_stand_in_the_training_file_are_found(workspace):
    version = add_version(workspace)
    usual = training.default_settings("nano-cpu-qlora")
    settings = usual.model_copy(update={"epochs": 2, "eval_prompts": ["祝妹妹生日"]})
    record = training.TrainingRecord(settings=settings)
    run = rows.add(workspace.engine, "试", "nano-cpu-qlora", version.id, record.stored())
    run = rows.change(workspace.engine, run.id, work_dir="runs/training-1")
    outputs = training_outputs(workspace, run)
    learnt = "祝妹妹生日快乐，身体健康，万事如意！"
    said = [
        TrialAnswer(0, "祝妹妹生日", learnt),
        TrialAnswer(10, "祝妹妹生日", learnt[:9] + " " + learnt[9:] + "\n"),
        TrialAnswer(10, "祝大舅生日", learnt + "好"),
    ]
    assert memorised(said, outputs) == [said[1]]

    folder = training.work_folder(workspace, run) / "20260101_000000"
    (folder / "vis_data").mkdir(parents=True)
    lines = [
        '{"lr": 0.1, "loss": 2.0, "grad_norm": 1.5, "time": 0.5, "iter": 4, "step": 4}',
        '{"val_loss": 1.0, "step": 4}',
        '{"lr": 0.1, "loss": 1.0, "time": 0.5, "iter": 8, "step": 8}',
        '{"val_loss": 1.5, "step": 8}',
    ]
    (folder / "vis_data" / "scalars.json").write_text("\n".join(lines))
    (folder / f"{folder.name}.log").write_text("Iter(train) [ 8/10]  loss: 1.0")
    (folder / "vis_data" / "eval_outputs_iter_7.txt").write_text(
        f"Eval output 1:\n<|im_start|>user\n祝妹妹生日<|im_end|>\n<|im_start|>assistant\n{learnt}<|im_end|>\n"
    )
    assert [point.gradient for point in curve(folder.parent)] == [1.5, None]
    assert [each.loss for each in validations(folder.parent)] == [1.0, 1.5]
    found = signs(workspace, training.training_state(workspace, run))
    assert [(sign.key, sign.step) for sign in found] == [("turned", 4), ("memorised", 8), ("passes", 5)]
    assert "祝妹妹生日" in found[1].text


def test_a_training_that_branched_off_shows_what_came_before(workspace):
    version = add_version(workspace)
    settings, made = training.default_settings("nano-cpu-qlora").model_dump(mode="json"), []
    for number, origin in ((1, None), (2, {"run": 1, "iteration": 4, "mode": "resume", "checkpoint": "x"})):
        run = rows.add(workspace.engine, "试", "nano-cpu-qlora", version.id, {**settings, "origin": origin})
        made.append(rows.change(workspace.engine, run.id, work_dir=f"runs/training-{number}"))
        folder = workspace.home / f"runs/training-{number}"
        sitting = folder / f"2026010{number}_000000" / "vis_data"
        sitting.mkdir(parents=True)
        steps = (2, 4, 6) if number == 1 else (6, 8)
        text = "\n".join(f'{{"lr": 0.1, "loss": {number}, "iter": {n}, "step": {n}}}' for n in steps)
        (sitting / "scalars.json").write_text(text)
    state = training.training_state(workspace, made[1])
    assert [(point.iteration, point.loss) for point in state.points] == [(2, 1), (4, 1), (6, 2), (8, 2)]
