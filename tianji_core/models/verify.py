"""``python -m tianji_core.models.verify FOLDER --prompt TEXT``: load a model and let it answer once.

A process of its own, so that its memory is free again when it ends. The last line of its output is one JSON object.
"""

import argparse
import json
import sys
from pathlib import Path


def answer(folder: Path, prompt: str, system: str, max_tokens: int, runs_code: bool) -> str:
    """The greedy answer of the model in ``folder`` to one prompt, under the template of every preset."""
    from tianji_core.evaluation.answering import answer_all, load
    from tianji_core.training import TEMPLATE

    model, tokenizer = load(folder, None, runs_code)
    asked = {"system": system, "request": prompt, "max_tokens": max_tokens}
    return answer_all(model, tokenizer, TEMPLATE, [asked], temperature=0.0, batch=1, seed=0)[0]


def main(argv: list[str]) -> int:
    """Print one answer as JSON."""
    parser = argparse.ArgumentParser(
        prog="python -m tianji_core.models.verify", description="let a model answer once"
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--prompt", required=True)
    parser.add_argument("--system", default="")
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--trust-remote-code", action="store_true", help="run Python code in the folder")
    given = parser.parse_args(argv)
    text = answer(given.folder, given.prompt, given.system, given.max_tokens, given.trust_remote_code)
    print(json.dumps({"answer": text}, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
