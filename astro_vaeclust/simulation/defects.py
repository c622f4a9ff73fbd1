# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Hard negatives of the image itself: borders, seams, corners and bad columns."""

from __future__ import annotations

import numpy as np

__all__ = ["DEFECTS"]


def _half_length(canvas, axis):
    """Return half the length in arcsec of a line across one axis of the image."""
    return 0.5 * canvas.shape[1 - axis] * canvas.scale


def _edge(rng, canvas, x, y):
    """Raise or lower the sky and the noise of a strip along one side."""
    axis = int(rng.integers(2))
    at_end = bool(rng.integers(2))
    width = int(rng.uniform(0.06, 0.15) * canvas.shape[axis])
    strip = slice(-width, None) if at_end else slice(0, width)
    where = (strip, slice(None)) if axis == 0 else (slice(None), strip)
    canvas.sky[where] += rng.choice([-1, 1]) * rng.uniform(0.8, 3) * canvas.noise
    canvas.noise_scale[where] *= rng.uniform(1.1, 2)
    border = canvas.shape[axis] - width if at_end else width
    height, length = canvas.shape
    position = (length / 2, border) if axis == 0 else (border, height / 2)
    return *position, _half_length(canvas, axis)


def _seam(rng, canvas, x, y):
    """Join two frames along a line that is a little tilted."""
    axis = int(rng.integers(2))
    height, length = canvas.shape
    rows, columns = np.ogrid[:height, :length]
    along, across = (columns - x, rows - y) if axis == 0 else (rows - y, columns - x)
    beyond = across > rng.uniform(-0.05, 0.05) * along
    step = rng.choice([-1, 1]) * rng.uniform(0.3, 4) * canvas.noise
    overlap = np.abs(across) < rng.uniform(0, 30) / canvas.scale
    canvas.sky += np.where(beyond, step, 0).astype(np.float32)
    canvas.noise_scale *= np.where(beyond, rng.uniform(0.8, 1.6), 1)
    canvas.noise_scale *= np.where(overlap, 0.75, 1)
    position = (length / 2, y) if axis == 0 else (x, height / 2)
    return *position, _half_length(canvas, axis)


def _corner(canvas, rng):
    """Return a corner and the distance of each pixel from it, over the short side."""
    height, length = canvas.shape
    corner_x, corner_y = (
        float(rng.integers(2)) * (side - 1) for side in (length, height)
    )
    rows, columns = np.ogrid[:height, :length]
    distance = np.hypot(columns - corner_x, rows - corner_y) / min(height, length)
    return corner_x, corner_y, distance


def _vignette(rng, canvas, x, y):
    """Let the sky fall or rise and the noise grow into a corner."""
    corner_x, corner_y, distance = _corner(canvas, rng)
    reach = rng.uniform(0.2, 0.5)
    fraction = np.clip(1 - distance / reach, 0, 1) ** rng.uniform(1, 2)
    level = rng.choice([-1, 1]) * rng.uniform(2, 15) * canvas.noise
    canvas.sky += (level * fraction).astype(np.float32)
    canvas.noise_scale *= 1 + rng.uniform(0, 1) * fraction
    return corner_x, corner_y, reach * canvas.side


def _missing_corner(rng, canvas, x, y):
    """Take the data of a corner away."""
    corner_x, corner_y, _ = _corner(canvas, rng)
    height, length = canvas.shape
    rows, columns = np.ogrid[:height, :length]
    legs = rng.uniform(0.08, 0.35, 2) * min(height, length)
    away = np.abs(columns - corner_x) / legs[0] + np.abs(rows - corner_y) / legs[1]
    canvas.missing |= away < 1
    return corner_x, corner_y, max(legs) * canvas.scale


def _bad_columns(rng, canvas, x, y):
    """Spoil a few columns or rows: without data, raised or noisy."""
    axis = int(rng.integers(2))
    height, length = canvas.shape
    number = int(rng.integers(1, 7))
    for _ in range(number):
        position = int((y if axis == 0 else x) + rng.normal(0, 8) * (number > 1))
        position = int(np.clip(position, 1, canvas.shape[axis] - 2))
        where = (position, slice(None)) if axis == 0 else (slice(None), position)
        kind = rng.integers(3)
        if kind == 0:
            canvas.missing[where] = True
        elif kind == 1:
            canvas.sky[where] += rng.uniform(-8, 15) * canvas.noise
        else:
            canvas.noise_scale[where] *= rng.uniform(2, 6)
    position = (length / 2, y) if axis == 0 else (x, height / 2)
    return *position, _half_length(canvas, axis)


DEFECTS = {
    "edge": _edge,
    "seam": _seam,
    "vignette": _vignette,
    "missing-corner": _missing_corner,
    "bad-columns": _bad_columns,
}
"""The defects by their tags (dict of str to callable)."""
