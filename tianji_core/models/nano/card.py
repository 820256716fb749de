"""The model card that goes with the weights."""

from pathlib import Path
from typing import Any

from tianji_core.files import write_text
from tianji_core.models.nano.split import HELD_OUT_SHARE

_CARD = """---
language: zh
license: apache-2.0
library_name: transformers
pipeline_tag: text-generation
tags: [llama, character-level, from-scratch]
---

# Tianji nano base

A Llama of {parameters:,} parameters ({layers} layers, hidden size {hidden}, {heads} heads, {vocabulary:,} tokens) that was
trained from random weights on text made by this project alone. It exists so that the whole path (data, fine-tuning,
merging, chat, comparison) can be walked on a CPU in minutes. It is not a general language model.

## What it can do

It writes fluent Chinese and reads its prompt: it repeats, names the receiver or the occasion of a text, replaces a
name, continues a text, writes a sentence or a note with given words, shows a manner of writing. It has **not** learned to
answer a request for a blessing: that name, scene and style of such a request decide the text is what fine-tuning teaches
it. How much one fine-tuning teaches is measured by `python benchmarks/learning_effect.py`.

## Data

- {plain_share:.0%} plain blessings written by the offline composer (`tianji_core/teachers/composer`), no request before them.
- the rest: reading tasks in the `internlm2_chat` conversation format (`configs/models/nano-corpus/reading.yaml`), under
  several system prompts, that of the recipe among them.
- {held_out} % of the (name, scene) cells, chosen by a hash of their text (`tianji_core/models/nano/split.py`), appear in
  none of it and are kept for evaluation.
- No text of any person, model or web page went into it.

## Tokenizer

One token per character: the 3,755 characters of GB 2312 level 1, every character of the recipe and the composer, ASCII,
punctuation, common emoji. Any other character becomes its UTF-8 bytes; nothing is unknown. Special tokens:
`<s> </s> <pad> <unk> <|im_start|> <|im_end|>`. The chat template equals the trainer's `internlm2_chat`.

## Recipe

`python -m tianji_core.models.nano.build --out DIR --seed {seed} --steps {steps} --batch {batch} --documents {documents}`

{documents:,} documents packed in rows of {length} tokens, {steps:,} steps of {batch} rows, AdamW (0.9, 0.95), learning rate
{learning_rate} with {warmup} warm-up steps and cosine, weight decay 0.1, gradient norm 1. Loss on plain texts and answers only.
Seed {seed}, device {device}, {seconds:.0f} s. Weights are stored in float16 and load as float32. The same seed on one CPU
gives the same weights; a GPU rounds differently.

## Held-out figures

| text | loss (nats per token) | perplexity | exact answers |
|---|---|---|---|
| plain blessings of held-out cells | {plain_loss:.4f} | {plain_perplexity:.2f} | |
| reading tasks on held-out cells | {reading_loss:.4f} | {reading_perplexity:.2f} | {reading_exact:.1%} |

Many answers are free (a continuation, a sentence of two words), so exact answers stay well below 100 %.

## Limits

It knows only this small world of phrases, holds no facts, and cannot hold a conversation. A text that it writes may be
wrong for its occasion. Contexts beyond 512 tokens were never trained.

## Licence

Apache-2.0, weights and text alike.
"""


def write_card(folder: Path, options: dict[str, Any], built: dict[str, Any], device: str) -> None:
    """Write ``README.md`` from the build's options and figures."""
    from math import exp

    from tianji_core.models.nano.corpus import PLAIN_SHARE

    text = _CARD.format(
        parameters=built["parameters"],
        vocabulary=built["vocabulary"],
        seconds=built["seconds"],
        layers=options["shape"]["layers"],
        hidden=options["shape"]["hidden"],
        heads=options["shape"]["heads"],
        plain_share=PLAIN_SHARE,
        held_out=HELD_OUT_SHARE,
        seed=options["seed"],
        documents=options["documents"],
        length=options["length"],
        steps=options["schedule"]["steps"],
        batch=options["schedule"]["batch"],
        learning_rate=options["schedule"]["learning_rate"],
        warmup=options["schedule"]["warmup"],
        device=device,
        plain_loss=built["plain"]["loss"],
        plain_perplexity=exp(built["plain"]["loss"]),
        reading_loss=built["reading"]["loss"],
        reading_perplexity=exp(built["reading"]["loss"]),
        reading_exact=built["reading"]["exact"],
    )
    write_text(folder / "README.md", text)
