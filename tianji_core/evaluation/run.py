"""Evaluates a model on held-out cells: ``python -m tianji_core.evaluation.run --model DIR [--adapter DIR]
[--styles 小红书 正常] [--limit N] [--temperature T] [--json]``, or ``--server URL --name MODEL`` instead of a
folder."""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from tianji_core.errors import StudioError
from tianji_core.evaluation.cases import held_out_cases
from tianji_core.evaluation.checks import Checker, training_pairs
from tianji_core.evaluation.evaluate import evaluate_folder, evaluate_server
from tianji_core.evaluation.report import Report
from tianji_core.recipe import DEFAULT_RECIPE, built_in_recipes, load_recipe

SHOWN_FAULTS = 5
"""Failed answers that are printed after the table."""


def plain(report: Report) -> dict[str, object]:
    """Returns a report as plain data for JSON."""
    return {
        "overall": asdict(report.overall),
        "styles": [asdict(rates) for rates in report.styles],
        "options": [asdict(rates) for rates in report.options],
        "answers": [
            {
                "request": judged.case.request,
                "name": judged.case.name.text,
                "scene": judged.case.scene.text,
                "style": judged.case.style.text,
                "answer": judged.answer,
                "passed": judged.verdict.passed,
                "faults": list(judged.verdict.faults),
                "copied": judged.verdict.copied,
            }
            for judged in report.judged
        ],
    }


def main(argv: list[str] | None = None) -> int:
    """Runs the command line; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tianji_core.evaluation.run", description=__doc__)
    target = parser.add_mutually_exclusive_group(required=True)
    target.add_argument("--model", type=Path, help="model folder in Hugging Face format")
    target.add_argument("--server", help="OpenAI-compatible address, such as http://127.0.0.1:8000/v1")
    parser.add_argument("--adapter", type=Path, help="LoRA adapter on top of --model")
    parser.add_argument("--name", default="", help="model name at --server")
    parser.add_argument(
        "--key-variable", default="OPENAI_API_KEY", help="environment variable with the server's key"
    )
    parser.add_argument("--recipe", type=Path, default=built_in_recipes()[DEFAULT_RECIPE], help="recipe file")
    parser.add_argument("--styles", nargs="*", default=[], help="styles to ask for; none: all")
    parser.add_argument("--limit", type=int, help="at most so many prompts")
    parser.add_argument("--rounds", type=int, default=1, help="wordings per cell and style")
    parser.add_argument("--temperature", type=float, default=0.0, help="0 is greedy")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--training-file", type=Path, help="training file, to count copied outputs")
    parser.add_argument("--trust-remote-code", action="store_true", help="let --model run its own code")
    parser.add_argument("--json", action="store_true", help="print one JSON object with every answer")
    given = parser.parse_args(argv)
    try:
        recipe = load_recipe(given.recipe)
        cases = held_out_cases(recipe, tuple(given.styles), given.limit, given.seed, given.rounds)
        pairs = training_pairs(recipe, given.training_file) if given.training_file else []
        checker = Checker(recipe, pairs)
        if given.server:
            key = os.environ.get(given.key_variable)
            report = evaluate_server(
                given.server, given.name, cases, checker, given.temperature, given.seed, key
            )
        else:
            report = evaluate_folder(
                given.model,
                given.adapter,
                cases,
                checker,
                given.temperature,
                given.seed,
                code_allowed=given.trust_remote_code,
            )
    except StudioError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    if given.json:
        print(json.dumps(plain(report), ensure_ascii=False))
        return 0
    print(report.table())
    for judged in [j for j in report.judged if not j.verdict.passed][:SHOWN_FAULTS]:
        print(f"× {judged.case.request} → {judged.answer}  [{', '.join(judged.verdict.faults)}]")
    return 0


if __name__ == "__main__":
    sys.exit(main())
