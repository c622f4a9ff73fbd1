# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Making of a trained model: tiles, losses, stages, calibration, fine-tuning."""

from .fine_tuning import fine_tune
from .make import make_model
from .recipe import Recipe

__all__ = [
    "Recipe",
    "fine_tune",
    "make_model",
]
