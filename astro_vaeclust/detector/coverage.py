# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Which bands show which cells of an image in several."""

from __future__ import annotations

import numpy as np

from ..utils.bands import BANDS
from .calibration import cell_means
from .candidates import MIN_USABLE

__all__ = ["cells_in_fewer_bands"]


def cells_in_fewer_bands(network_image):
    """
    Find the cells of an image that only some of its bands show.

    A band shows a cell of which ``MIN_USABLE`` is usable, as that of a candidate must
    be.

    Parameters
    ----------
    network_image : `~astro_vaeclust.detector.grid.NetworkImage`
        The image.

    Returns
    -------
    cells : dict of tuple of str to (ny_cells, nx_cells) bool array
        The cells by the bands that show them, from short to long wavelengths; without
        those that all bands show, or none. Empty for an image in one band.
    """
    bands = network_image.bands
    if not bands:
        return {}
    shown = np.array([cell_means(band[2]) >= MIN_USABLE for band in bands])
    numbers = np.tensordot(1 << np.arange(len(bands)), shown, 1)
    found = {}
    for number in np.unique(numbers).tolist():
        names = tuple(name for bit, name in enumerate(BANDS) if number >> bit & 1)
        if names and names != network_image.seen_bands:
            found[names] = numbers == number
    return found
