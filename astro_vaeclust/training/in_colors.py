# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Networks for several bands, from those for one."""

from __future__ import annotations

import torch

from ..detector.network import COLOR_MEASURES, MEASURES, ConvolutionalVAE

__all__ = ["in_colors"]

FIRST_WEIGHT = "stages.0.0.weight"
"""Of what it sees, Ks comes last."""


def in_colors(network, settings):
    """
    Return a network for several bands that sees Ks as one of a single band does.

    It begins with the parameters of that, and leaves out all else that it sees: what is
    wider has new features that are not used yet.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        colored = ConvolutionalVAE(settings)
    state, fresh = network.state_dict(), colored.state_dict()
    for name, value in state.items():
        begun = fresh[name]
        if value.shape == begun.shape:
            begun.copy_(value)
        elif name.startswith("measures"):  # means, then logarithms of variances
            n_before, n_after = len(MEASURES), len(COLOR_MEASURES)
            begun.zero_()
            begun[:n_before] = value[:n_before]
            begun[n_after : n_after + n_before] = value[n_before:]
        elif value.ndim == 1:
            begun[: len(value)] = value
        else:
            n_out, n_in = value.shape[:2]
            first = begun.shape[1] - n_in if name == FIRST_WEIGHT else 0
            begun[:n_out] = 0
            begun[:n_out, first : first + n_in] = value
    colored.load_state_dict(fresh)
    return colored
