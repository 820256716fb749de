"""Faster arithmetic for fine-tuning with xtuner: the same loss and gradients with less memory and fewer
passes over it.

Imports torch; only training configs import it, never the studio itself.
"""

from tianji_core.training.fast.finetune import FastFinetune

__all__ = ["FastFinetune"]
