# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""How much oftener false candidates are on the real sky than on the mock one."""

from __future__ import annotations

from dataclasses import replace

import astropy.units as u
import numpy as np

from .search import AmortisedSearch

__all__ = ["real_sky_factor"]

RATE = 100.0
"""Stated rate per deg2 up to which candidates are counted: at lower ones are few."""

PRIOR = 10.0
"""Candidates that speak for a factor of one."""


def real_sky_factor(model, images):
    """
    Compare the candidates on real images with those that the model states.

    The factor is the mean of its posterior: the number of candidates is Poisson, and
    the prior is a gamma distribution with mean one that weighs as much as ``PRIOR``
    candidates.

    Parameters
    ----------
    model : `~astro_vaeclust.amortised.weights.TrainedModel`
        The model, calibrated on mock sky; a factor that it has already is left out.
    images : iterable of `~astro_vaeclust.inputs.Image`
        Images without a known cluster.

    Returns
    -------
    factor : float
        What to multiply the rates of false alarms with.
    """
    model = replace(model, calibration=replace(model.calibration, real_sky=1.0))
    observed, expected = PRIOR, PRIOR
    for image in images:
        search = AmortisedSearch(image, model, max_false_alarm_rate=RATE)
        area = (np.sum(~image.mask) * image.pixel_area).to_value(u.deg**2)
        observed += len(search.detections)
        expected += RATE * area
    return observed / expected
