"""The trial answers of a training, from xtuner's log and files."""

import re
from pathlib import Path

from tianji_core.training.trials import TrialAnswer, bare_answer
from tianji_core.training.xtuner_engine.log import edge, log_file, sittings

_SAMPLE = re.compile(r"Sample output:\n(.*?)(?=\n\d{4}/\d\d/\d\d \d\d:\d\d:\d\d - |\Z)", re.DOTALL)


def trial_answers(work_dir: Path, prompts: list[str]) -> list[TrialAnswer]:
    """The answers before training (from the log) and at each checkpoint (from xtuner's files), in order."""
    answers: dict[int, list[TrialAnswer]] = {}
    for folder in sittings(work_dir):
        head = edge(log_file(folder), 400_000, end=False)
        _before, marker, rest = head.partition("before_train in EvaluateChatHook.")
        if marker and 0 not in answers:
            first = rest.partition("Iter(train)")[0].partition("after_train_iter in")[0]
            answers[0] = _answers(0, _SAMPLE.findall(first), prompts)
        for path in (folder / "vis_data").glob("eval_outputs_iter_*.txt"):
            iteration = int(path.stem.rsplit("_", 1)[1]) + 1  # xtuner counts from 0 here
            text = path.read_text(encoding="utf-8", errors="replace")
            parts = re.split(r"^Eval output \d+:\n", text, flags=re.MULTILINE)[1:]
            answers[iteration] = _answers(iteration, parts, prompts)
    return [answer for iteration in sorted(answers) for answer in answers[iteration]]


def _answers(iteration: int, texts: list[str], prompts: list[str]) -> list[TrialAnswer]:
    return [
        TrialAnswer(iteration, prompt, bare_answer(text))
        for prompt, text in zip(prompts, texts, strict=False)
    ]
