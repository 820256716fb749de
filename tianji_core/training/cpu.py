"""The model of CPU presets under the name that the configs of older trainings and of people's own presets
have for it. It stands in :mod:`tianji_core.training.xtuner_engine.cpu`."""

from tianji_core.training.xtuner_engine.cpu import SupervisedFinetune

__all__ = ["SupervisedFinetune"]
