"""试写: the model's answers before and during a training."""

from dataclasses import dataclass

_OPENINGS = ("<|im_start|>assistant", "<|start_header_id|>assistant<|end_header_id|>", "[/INST]", "<|Bot|>:")
_ENDINGS = ("<|im_end|>", "</s>", "<|endoftext|>", "<|eot_id|>")


@dataclass(frozen=True)
class TrialAnswer:
    """The answer to a trial prompt after ``iteration`` iterations; 0 is before training."""

    iteration: int
    prompt: str
    answer: str


def bare_answer(text: str) -> str:
    """The answer in a text that may hold its prompt and the marks of a template."""
    start = max(text.rfind(opening) + len(opening) if opening in text else 0 for opening in _OPENINGS)
    answer = text[start:]
    for ending in _ENDINGS:
        answer = answer.partition(ending)[0]
    return answer.strip()
