# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Whether an image is like those on which the rates of false alarms were calibrated.

Elsewhere a stated rate is an extrapolation, and may be wrong by any factor.
"""

from __future__ import annotations

import numpy as np
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning

from ..measure.flags import ClusterFlags
from ..sources.find import SEEING_SIDE
from ..sources.seeing import fwhm_in_pixels
from ..utils.warning import warn

__all__ = [
    "RANGES",
    "conditions_of",
    "flag_outside",
    "outside_of_calibration",
]

WIDTH = "width of the stars in network pixels"

RANGES = {
    "pixel scale in arcsec": ((0.9, 1.1), (0.18, 0.4)),
    WIDTH: ((2.3, 3.5), (1.0, 1.9)),
    "correlation of neighbouring network pixels": ((0.75, 0.96), (-0.1, 0.8)),
}
"""
Lowest and highest values in the calibration of coarse images, and of fine ones.

Those of mock tiles of all surveys and of real 2MASS tiles, somewhat widened. The range
of the density of sources, as crowding, is in the calibration itself.
"""

CROWDING = "crowding"

OTHER_SIDE = 256
"""Side in pixels of the middle in which stars of other bands than the reference are."""

LAGS = (1, 8)
"""Distances in network pixels at which differences of pixels are compared."""


def conditions_of(search):
    """
    Return what the calibration may depend on (dict of str to float).

    ``search`` is a `~astro_vaeclust.detector.search.DetectorSearch`. The keys are those
    of `RANGES`, and ``crowding``: the median over the image of that of
    `~astro_vaeclust.detector.calibration.local_conditions`. NaN for what cannot be
    measured, such as the width of stars where there are none.
    """
    finest, image = search.levels[0], search.image
    values = (
        image.pixel_scale.value,
        _stellar_width(image, finest.grid),
        _correlation(finest.network_image.channels),
    )
    crowding = finest.crowding[np.isfinite(finest.crowding)]
    median = float(np.median(crowding)) if crowding.size else np.nan
    return dict(zip(RANGES, values, strict=True)) | {CROWDING: median}


def outside_of_calibration(search):
    """
    Say which conditions are outside of the calibration of a search (list of str).

    Nothing is where the model has no calibration, and thus states no rates. Of bands
    beside the reference, the width of the stars counts.
    """
    calibration = search.model.calibration
    if calibration is None:
        return []
    fine = int(search.levels[0].grid.is_fine)
    ranges = {name: pair[fine] for name, pair in RANGES.items()}
    lowest, *_, highest = calibration.intensities[fine].crowding
    ranges[CROWDING] = lowest, highest
    return [
        f"{band}{name} {value:.3g}, calibrated from {low:.3g} to {high:.3g}"
        for band, conditions in (("", conditions_of(search)), *_of_other_bands(search))
        for name, value in conditions.items()
        for low, high in [ranges[name]]
        if value < low or value > high
    ]


def _of_other_bands(search):
    """Yield the names of bands beside the reference, and the width of their stars."""
    finest = search.levels[0]
    for band in finest.network_image.seen_bands:
        image = search.image.bands[band]
        if image.data is not search.image.data:
            width = _stellar_width(image, finest.grid, side=OTHER_SIDE)
            yield f"{band}: ", {WIDTH: width}


def flag_outside(table, search):
    """
    Flag the clusters of a table whose image is outside of the calibration.

    The flag is ``OUT_OF_CALIBRATION``; ``outside_of_calibration`` in the metadata says
    what is outside, also where no cluster was found. Warns with an
    `~astropy.utils.exceptions.AstropyUserWarning` if there are such clusters.
    """
    outside = outside_of_calibration(search)
    if not outside:
        return
    table.meta["outside_of_calibration"] = outside
    if not len(table):
        return
    table["flags"] |= int(ClusterFlags.OUT_OF_CALIBRATION)
    warn(
        f"{search.image.name or 'the image'} is unlike those on which the model was "
        "calibrated, so that "
        f"false-alarm rates and errors may be wrong: {'; '.join(outside)}",
        AstropyUserWarning,
    )


def _stellar_width(image, grid, side=SEEING_SIDE):
    """Return the width of the stars in the middle in network pixels, or NaN."""
    middle = tuple(
        slice(max(length - side, 0) // 2, (length + side) // 2)
        for length in image.shape
    )
    part = NDData(image.data[middle], mask=image.mask[middle], wcs=image.wcs)
    try:
        return fwhm_in_pixels(part) * image.pixel_scale.value / grid.scale
    except ValueError:  # too few stars
        return np.nan


def _correlation(channels):
    """
    Return how alike neighbouring pixels are, from 0 for white noise to 1.

    It is one minus the ratio of the variances of the differences between pixels that
    are close and that are far from each other; by medians, so that stars count little.
    """
    pixels, usable = channels[0], channels[2] > 0
    close, far = (_difference(pixels, usable, lag) for lag in LAGS)
    return 1 - (close / far) ** 2 if far > 0 else np.nan


def _difference(pixels, usable, lag):
    both = usable[:, lag:] & usable[:, :-lag]
    if not both.any():
        return np.nan
    return np.median(np.abs(pixels[:, lag:] - pixels[:, :-lag])[both])
