"""The model of profiles under the name that the configs of older trainings have for it. It stands in
:mod:`tianji_core.training.xtuner_engine.fast_finetune`."""

from tianji_core.training.xtuner_engine.fast_finetune import FastFinetune

__all__ = ["FastFinetune"]
