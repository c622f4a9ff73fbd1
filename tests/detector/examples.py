# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A network that has learned nothing, and a calibration made by hand."""

import torch

from astro_vaeclust.detector.calibration import Calibration, Intensity
from astro_vaeclust.detector.model import TrainedModel
from astro_vaeclust.detector.network import ConvolutionalVAE, NetworkSettings

TINY = NetworkSettings(
    channels=(4, 4, 6, 8, 8, 8), blocks=(0, 1, 1, 1, 1, 1), fused=8, latent=4
)

INTENSITY = Intensity(
    coefficients=(3.0, -1.0) + (0.0,) * 4,
    crowding=(0.0, 0.5, 0.1, 1.0),
    knee=0.0,
    highest_score=1.0,
)

CALIBRATION = Calibration((INTENSITY,) * 2)


def tiny_model(calibration=CALIBRATION, source_calibration=None):
    """Return a model with random parameters, always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = ConvolutionalVAE(TINY).eval()
    return TrainedModel(network, calibration, {"note": "tiny"}, source_calibration)
