"""The offline composer (离线造句): a teacher without a key. It writes blessings from the phrase files in
``configs/composer``; a new style is a new file in ``configs/composer/styles``."""

from tianji_core.teachers.composer.composer import Composer
from tianji_core.teachers.composer.loading import BUILT_IN, load_phrases
from tianji_core.teachers.composer.mistakes import MISTAKES
from tianji_core.teachers.composer.phrases import Occasion, Phrases, StylePhrases

__all__ = ["BUILT_IN", "MISTAKES", "Composer", "Occasion", "Phrases", "StylePhrases", "load_phrases"]
