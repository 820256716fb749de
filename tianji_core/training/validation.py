"""The hook under the name that the configs of older trainings and of people's own presets have for it. It
stands in :mod:`tianji_core.training.xtuner_engine.validation`."""

from tianji_core.training.xtuner_engine.validation import ValidationLossHook

__all__ = ["ValidationLossHook"]
