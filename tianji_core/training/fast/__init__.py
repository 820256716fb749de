"""Faster arithmetic for a fine-tuning with xtuner: the same loss and gradients with less memory and fewer passes over it.

Imports torch; only configs of trainings import it, never the studio itself.
"""

from tianji_core.training.fast.finetune import FastFinetune

__all__ = ["FastFinetune"]
