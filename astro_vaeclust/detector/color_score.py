# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The score of a candidate from the longest band and the colours of stars together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from ..utils.bands import BANDS
from .star_colors import N_TERMS, find_band_stars, star_terms

__all__ = ["ColorScore", "color_inputs"]

FROM_NETWORK = ("log_r50", "log_members")
"""Measures of one band that enter with their errors."""

N_INPUTS = 1 + 2 * len(FROM_NETWORK) + 1 + len(BANDS) + N_TERMS
"""Numbers of a candidate: score, measures and errors, kind of image, bands, stars."""

HIDDEN = 64

CLIPPED = 4.0
"""Standard deviations beyond which an input counts as so many."""

LOG_VARIANCES = (-6.0, 2.0)
"""Range of the logarithm of the variance of the extinction."""


def color_inputs(candidates, bands, usable, fine):
    """
    Return what `ColorScore` sees of candidates, (n, n_inputs) float32.

    Parameters
    ----------
    candidates : `~astro_vaeclust.detector.candidates.Candidates`
        The candidates of the longest band, with the heights of their peaks as scores.
    bands : sequence of (3, ny, nx) array
        The channels of J, H and Ks, see `~astro_vaeclust.detector.grid.NetworkImage`.
    usable : (ny_cells, nx_cells) array
        Usable fraction of the cells, see
        `~astro_vaeclust.detector.calibration.local_conditions`.
    fine : bool
        Whether the image is a fine one.
    """
    there = [float(band[2].any()) for band in bands]
    same = np.broadcast_to([float(fine), *there], (len(candidates), 1 + len(BANDS)))
    return np.column_stack(
        [
            candidates.score,
            *(candidates.measures[name] for name in FROM_NETWORK),
            *(np.log(candidates.errors[name]) for name in FROM_NETWORK),
            same,
            star_terms(candidates, find_band_stars(bands), usable),
        ]
    ).astype(np.float32)


class ColorScore(nn.Module):
    """
    A small network that adds what the colours of stars say to the score of one band.

    It begins with that score alone, and also gives the extinction of the members.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("middle", torch.zeros(N_INPUTS))
        self.register_buffer("spread", torch.ones(N_INPUTS))
        self.layers = nn.Sequential(
            nn.Linear(N_INPUTS, HIDDEN),
            nn.ReLU(),
            nn.Dropout(0.3),
            nn.Linear(HIDDEN, HIDDEN),
            nn.ReLU(),
            nn.Linear(HIDDEN, 3),
        )
        nn.init.zeros_(self.layers[-1].weight)
        nn.init.zeros_(self.layers[-1].bias)
        self.slope = nn.Parameter(torch.ones(()))

    def forward(self, inputs):
        """Return scores, extinctions and the logarithms of their variances, (n,)."""
        scaled = ((inputs - self.middle) / self.spread).clamp(-CLIPPED, CLIPPED)
        more, a_k, log_variance = self.layers(scaled).unbind(-1)
        score = self.slope * inputs[:, 0] + more
        return score, a_k, log_variance.clamp(*LOG_VARIANCES)

    def scored(self, candidates, bands, usable, fine):
        """
        Return candidates of the longest band by their scores with colours.

        They have ``a_k``, in mag, among their measures and errors. The parameters are
        those of `color_inputs`.
        """
        score, a_k, error = self.judged(candidates, bands, usable, fine)
        colored = replace(
            candidates,
            measures=candidates.measures | {"a_k": a_k},
            errors=candidates.errors | {"a_k": error},
        )
        return colored.with_scores(score)

    def judged(self, candidates, bands, usable, fine):
        """Return scores in logits, extinctions in mag and their errors, each (n,)."""
        inputs = torch.from_numpy(color_inputs(candidates, bands, usable, fine))
        with torch.inference_mode():
            outputs = self(inputs.to(self.slope.device))
        score, a_k, log_variance = (one.cpu().double().numpy() for one in outputs)
        return score, a_k, np.exp(0.5 * log_variance)
