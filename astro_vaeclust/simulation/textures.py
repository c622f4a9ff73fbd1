# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Turbulence: random fields for dust and nebulae, and screens of extinction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft2, next_fast_len
from scipy.ndimage import map_coordinates

__all__ = ["Screen", "paint_map", "random_field", "turbulent_screen"]


def random_field(rng, shape, *, slope=2.8, outer=None, stretch=None, wrapped=False):
    """
    Draw a Gaussian random field with the power spectrum of turbulence.

    The field is float32 of mean 0 and standard deviation 1. The power falls with the
    wave number to the minus ``slope`` and is flat beyond ``outer`` samples, by default
    the longer side; maps of molecular clouds have slopes of 2.5 to 2.8 on scales above
    half a parsec and of 3 or more below (Bensch et al. 2001, A&A 366, 636). ``stretch``
    is the factor by which structures are drawn out and the direction in rad. A
    ``wrapped`` field may go on at the opposite edge, which is four times faster.
    """
    # Twice as large as asked for, so that opposite edges know nothing of each other.
    times = 1 if wrapped else 2
    full = tuple(next_fast_len(times * side, real=True) for side in shape)
    outer = max(shape) if outer is None else outer
    wave_y, wave_x = np.fft.fftfreq(full[0])[:, np.newaxis], np.fft.rfftfreq(full[1])
    if stretch is not None:
        factor, angle = stretch
        along, wave_y = turned(wave_x, wave_y, angle)
        wave_x = factor * along
    wave = np.hypot(wave_y, wave_x)
    amplitude = (wave**2 + (0.5 / outer) ** 2) ** (-slope / 4)
    amplitude[0, 0] = 0
    modes = rng.standard_normal((2, *amplitude.shape), dtype=np.float32)
    field = irfft2((modes[0] + 1j * modes[1]) * amplitude.astype(np.float32), full)
    field = field[: shape[0], : shape[1]]
    field -= field.mean()
    return (field / max(field.std(), 1e-12)).astype(np.float32)


def turned(x, y, angle):
    """Return coordinates along and across a direction at an angle in rad from x."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return x * cosine + y * sine, y * cosine - x * sine


@dataclass(frozen=True)
class Screen:
    """
    A map on a coarse grid that is read between its samples.

    Parameters
    ----------
    values : `~numpy.ndarray`
        The map, (ny, nx).
    left, bottom : float
        Pixel coordinates of its first sample.
    step : float
        Distance of the samples in pixels.
    outside : str
        What holds beyond the map: ``"nearest"`` or ``"constant"`` (zero).
    """

    values: np.ndarray
    left: float
    bottom: float
    step: float
    outside: str = "constant"

    def __call__(self, x, y):
        """Return the map at positions in pixels."""
        positions = [(y - self.bottom) / self.step, (x - self.left) / self.step]
        return map_coordinates(self.values, positions, order=1, mode=self.outside)


def paint_map(image, values, left, bottom, step):
    """
    Add a coarse map to an image, interpolated; see `Screen` for its grid.

    Both may have one plane for each band.
    """
    rows, along_y = _covered(image.shape[-2], bottom, step, values.shape[-2])
    columns, along_x = _covered(image.shape[-1], left, step, values.shape[-1])
    if along_y.size and along_x.size:
        image[..., rows, columns] += _between(
            _between(values, along_y, -2), along_x, -1
        )


def _covered(length, first, step, samples):
    """Return the pixels under a row of samples, and where these are in samples."""
    low = max(int(np.ceil(first)), 0)
    high = min(int(np.floor(first + step * (samples - 1))), length - 1) + 1
    return slice(low, high), (np.arange(low, high) - first) / step


def _between(values, positions, axis):
    """Interpolate linearly along an axis."""
    lower = np.minimum(positions.astype(int), values.shape[axis] - 2)
    fraction = (positions - lower).astype(np.float32)
    fraction = fraction[:, np.newaxis] if axis == -2 else fraction
    low, high = (np.take(values, lower + more, axis) for more in (0, 1))
    return low * (1 - fraction) + high * fraction


def turbulent_screen(rng, shape, *, mean, spread, step, outer, margin=0):
    r"""
    Draw a log-normal screen of mean ``mean`` exactly.

    .. math:: A = \bar{A} \exp(\sigma g - \sigma^2 / 2)

    with a `random_field` *g*, ``spread`` as sigma, and twice as much along the zero
    lines of a second field where *g* is above its mean: filaments. Log-normal column
    densities are those of isothermal turbulence (Vázquez-Semadeni & García 2001,
    arXiv:astro-ph/0103199). ``step``, the distance of the samples, ``outer``, the
    largest scale, and ``margin`` beyond the image are in pixels.
    """
    samples = tuple(int(np.ceil((side + 2 * margin) / step)) + 2 for side in shape)
    field = random_field(rng, samples, outer=outer / step)
    ridge = random_field(rng, samples, outer=outer / step)
    filaments = np.exp(-((ridge / 0.12) ** 2)) * np.clip(field, 0, 1)
    values = np.exp(spread * field) * (1 + filaments)
    values *= mean / values.mean()
    return Screen(values, -margin - step / 2, -margin - step / 2, step, "nearest")
