# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Whether an image is like those on which the rates of false alarms were calibrated.

Elsewhere a stated rate is an extrapolation, and may be wrong by any factor.
"""

from __future__ import annotations

import numpy as np
from astropy.nddata import NDData
from astropy.utils.exceptions import AstropyUserWarning
from scipy.signal import correlate

from ..images.bands import facts_of_bands
from ..measure.flags import ClusterFlags
from ..sources.find import SEEING_SIDE
from ..sources.seeing import fwhm_in_pixels
from ..utils.bands import BANDS
from ..utils.warning import warn
from .channels import decompressed

__all__ = [
    "RANGES",
    "conditions_of",
    "flag_outside",
    "outside_of_calibration",
]

WIDTH = "width of the stars in network pixels"
CORRELATION = "correlation of neighbouring network pixels"
OFFSET = "offset of the stars in network pixels"

RANGES = {
    "pixel scale in arcsec": ((0.9, 1.1), (0.18, 0.4)),
    WIDTH: ((2.3, 3.5), (1.0, 1.9)),
    CORRELATION: ((0.75, 0.96), (-0.1, 0.8)),
}
"""
Lowest and highest values in the calibration of coarse images, and of fine ones.

Those of mock tiles of all surveys and of real 2MASS tiles, somewhat widened. The range
of the density of sources, as crowding, is in the calibration itself.
"""

CROWDING = "crowding"

OTHER_SIDE, OTHER_STEP = 256, 4
"""Side in network pixels of the middle in which stars of two bands are compared, and
rows of which one is looked at for the noise of another band than the reference."""

MAX_OFFSET = 1.0
"""Network pixels that stars of a band are from those of the reference at most."""

FAINT, BRIGHT = 4.0, 20.0
"""Significance of pixels from which on they are of stars, and where it is cut."""

SURE = 6.0
"""Standard deviations of the correlation of two bands that its peak has at least."""

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
    beside the reference, the width of the stars counts, whether they are at the same
    places, and the correlation of the pixels.
    """
    calibration = search.model.calibration
    if calibration is None:
        return []
    fine = int(search.levels[0].grid.is_fine)
    ranges = {name: pair[fine] for name, pair in RANGES.items()}
    lowest, *_, highest = calibration.intensities[fine].crowding
    ranges |= {CROWDING: (lowest, highest), OFFSET: (0, MAX_OFFSET)}
    return [
        f"{band}{name} {value:.3g}, calibrated from {low:.3g} to {high:.3g}"
        for band, conditions in (("", conditions_of(search)), *_of_other_bands(search))
        for name, value in conditions.items()
        for low, high in [ranges[name]]
        if value < low or value > high
    ]


def _of_other_bands(search):
    """Yield the names of bands beside the reference, and what each may depend on."""
    image, finest = search.image, search.levels[0]
    grid, shown = finest.grid, finest.network_image
    channels = dict(zip(BANDS, shown.bands, strict=False))
    middle = (..., *_middle(shown.channels.shape[1:], OTHER_SIDE))
    same = facts_of_bands(image)["reference"] if image.bands else None
    for band in shown.seen_bands:
        if band == same:
            continue
        own, side = channels[band], OTHER_SIDE * grid.factor
        conditions = {
            WIDTH: _stellar_width(image.bands[band], grid, side),
            CORRELATION: _correlation(own[:, ::OTHER_STEP]),
            OFFSET: _offset(own[middle], channels[same][middle]),
        }
        yield f"{band}: ", conditions


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
    middle = _middle(image.shape, side)
    part = NDData(image.data[middle], mask=image.mask[middle], wcs=image.wcs)
    try:
        return fwhm_in_pixels(part) * image.pixel_scale.value / grid.scale
    except ValueError:  # too few stars
        return np.nan


def _middle(shape, side):
    """Return the rows and columns of the middle of an image (tuple of slice)."""
    return tuple(
        slice(max(length - side, 0) // 2, (length + side) // 2) for length in shape
    )


def _offset(channels, others):
    """
    Return how far the stars of two bands are from each other.

    It is where the correlation of the pixels peaks; infinite if that is not above its
    noise, so that no stars are common, and NaN if no pixel shows both bands.
    """
    both = (channels[2] > 0) & (others[2] > 0)
    if not both.any():
        return np.nan
    stars = [
        np.clip(decompressed(one[0]) * both - FAINT, 0, BRIGHT - FAINT)
        for one in (channels, others)
    ]
    correlation = correlate(*stars, mode="same", method="fft")
    peak = np.unravel_index(correlation.argmax(), correlation.shape)
    if correlation[peak] <= SURE * correlation.std():
        return np.inf
    return float(np.hypot(*np.subtract(peak, np.array(both.shape) // 2)))


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
