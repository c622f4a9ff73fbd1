# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Paint many stars at once.

All stars are spread on a grid twice as fine as the pixels with cubic B-splines, and
one convolution per block of the image turns them into stars. The spline is divided out
again in Fourier space (a non-uniform Fourier transform, as in Dutt & Rokhlin 1993,
SIAM J. Sci. Comput. 14, 1368), so that the stars sit at their sub-pixel positions with
the right profile. The cost of a star is sixteen additions whatever its brightness.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2

from ..utils.validation import check_choice, check_fraction, check_number
from .textures import turned

__all__ = ["PointSpread", "render_stars"]

OVERSAMPLING = 2
BLOCK = 1024
"""Side in pixels of the blocks in which a large image is painted."""

HALO_POWER = 1.5
"""Exponent of the halo: its brightness falls with radius to the minus three."""


@dataclass(frozen=True)
class PointSpread:
    r"""
    The image of a star: a core and a weak halo.

    The core is a generalised exponential, :math:`\exp[-(r/a)^s]`, the form that the
    2MASS pipeline uses, or a Moffat function, :math:`(1 + r^2/a^2)^{-s}`. The halo is
    a Moffat function of exponent 1.5. The profile is that of the finished image: the
    response of the pixels is part of it.

    Parameters
    ----------
    fwhm : float
        Full width at half maximum of the core in pixels.
    kind : {"exponential", "moffat"}
        Shape of the core.
    shape : float
        Exponent *s* of the core; 2 with ``"exponential"`` is a Gaussian.
    halo_fraction : float
        Fraction of the light in the halo.
    halo_radius : float
        Core radius of the halo in pixels.
    radius : int
        Radius in pixels at which the profile ends, smoothly from 0.7 of it on.
    ellipticity : float
        One minus the ratio of the axes of the core; its area stays.
    angle : float
        Direction of its longer axis in rad from the rows.

    Raises
    ------
    ValueError
        If a width is not positive, the kind is not known or the ellipticity is not in
        [0, 1).
    """

    fwhm: float
    kind: str = "exponential"
    shape: float = 2.0
    halo_fraction: float = 0.0
    halo_radius: float = 4.0
    radius: int = 48
    ellipticity: float = 0.0
    angle: float = 0.0

    def __post_init__(self):
        check_number("fwhm", self.fwhm, low_counts=False)
        check_choice("kind", self.kind, ("exponential", "moffat"))
        check_fraction("ellipticity", self.ellipticity)

    @classmethod
    def from_survey(cls, survey, fwhm, *, halo=1.0, ellipticity=0.0, angle=0.0):
        """
        Return the image of a star in a survey.

        Parameters
        ----------
        survey : Survey
            The survey.
        fwhm : float
            Full width at half maximum in arcsec.
        halo : float
            Factor of the light in the halo.
        ellipticity, angle : float
            Shape of the core.

        Returns
        -------
        psf : PointSpread
            The image of a star.
        """
        return cls(
            fwhm=fwhm / survey.pixel_scale,
            kind=survey.psf_kind,
            shape=survey.psf_shape,
            halo_fraction=halo * survey.halo_fraction,
            halo_radius=survey.halo_radius / survey.pixel_scale,
            ellipticity=ellipticity,
            angle=angle,
        )

    def stamp(self, oversampling=1):
        """
        Return the image of a star at the centre of a pixel.

        Parameters
        ----------
        oversampling : int
            Samples per pixel.

        Returns
        -------
        stamp : `~numpy.ndarray`
            Square of ``2 * radius * oversampling + 1`` samples a side with sum 1.
        """
        reach = self.radius * oversampling
        axis = np.arange(-reach, reach + 1) / oversampling
        radius = np.hypot(axis, axis[:, np.newaxis])
        core = self._core(self._stretched(axis))
        halo = (1 + (radius / self.halo_radius) ** 2) ** -HALO_POWER
        within = taper(radius / self.radius)
        core, halo = core * within, halo * within
        return (
            1 - self.halo_fraction
        ) * core / core.sum() + self.halo_fraction * halo / halo.sum()

    def _stretched(self, axis):
        """Return the elliptical radius of each sample."""
        along, across = axis, axis[:, np.newaxis]
        if self.ellipticity:
            along, across = turned(along, across, self.angle)
        ratio = np.sqrt(1 - self.ellipticity)
        return np.hypot(along * ratio, across / ratio)

    def _core(self, radius):
        half = self.fwhm / 2
        if self.kind == "moffat":
            scale = half / np.sqrt(2 ** (1 / self.shape) - 1)
            return (1 + (radius / scale) ** 2) ** -self.shape
        scale = half / np.log(2) ** (1 / self.shape)
        return np.exp(-((radius / scale) ** self.shape))


def taper(radius):
    """Return a factor that falls from 1 at 0.7 of a profile's end, radius 1, to 0."""
    edge = np.clip((1 - radius) / 0.3, 0, 1)
    return edge**2 * (3 - 2 * edge)


def render_stars(shape, x, y, flux, psf):
    """
    Paint stars.

    Parameters
    ----------
    shape : tuple of int
        ``(ny, nx)`` of the image.
    x, y : array_like
        Positions in pixels, the centre of the first pixel at 0; stars beyond the edges
        contribute their wings. Shape (n,).
    flux : array_like
        Sum of the pixels of each star. Shape (n,).
    psf : PointSpread
        The image of a star.

    Returns
    -------
    image : `~numpy.ndarray`
        The stars, float32, of the given shape, in the unit of ``flux``.

    Raises
    ------
    ValueError
        If ``x``, ``y`` and ``flux`` have not the same shape (n,).
    """
    x, y, flux = (np.asarray(values, dtype=float) for values in (x, y, flux))
    if not x.shape == y.shape == flux.shape == (x.size,):
        raise ValueError(
            "x, y and flux must have the same shape (n,), got "
            f"{x.shape}, {y.shape} and {flux.shape}"
        )
    image = np.zeros(shape, dtype=np.float32)
    transforms = {}
    for bottom in range(0, shape[0], BLOCK):
        for left in range(0, shape[1], BLOCK):
            block = image[bottom : bottom + BLOCK, left : left + BLOCK]
            near = _reaching(x - left, y - bottom, block.shape, psf.radius)
            if not near.any():
                continue
            if block.shape not in transforms:
                transforms[block.shape] = _transform(block.shape, psf)
            block[:] = _render_block(
                block.shape,
                x[near] - left,
                y[near] - bottom,
                flux[near],
                psf.radius,
                transforms[block.shape],
            )
    return image


def _reaching(x, y, shape, reach):
    margin = reach - 2
    return (
        (x > -margin)
        & (y > -margin)
        & (x < shape[1] - 1 + margin)
        & (y < shape[0] - 1 + margin)
    )


def _fine_shape(shape, radius):
    return tuple(
        next_fast_len(OVERSAMPLING * (side + 2 * radius), real=True) for side in shape
    )


def _transform(shape, psf):
    """Return the Fourier transform that turns spread stars into stars."""
    fine = _fine_shape(shape, psf.radius)
    stamp = psf.stamp(OVERSAMPLING)
    kernel = np.zeros(fine, dtype=np.float32)
    kernel[: stamp.shape[0], : stamp.shape[1]] = stamp * OVERSAMPLING**2
    reach = psf.radius * OVERSAMPLING
    kernel = np.roll(kernel, (-reach, -reach), axis=(0, 1))
    spline = (
        np.sinc(np.fft.fftfreq(fine[0]))[:, np.newaxis] ** 4
        * np.sinc(np.fft.rfftfreq(fine[1])) ** 4
    )
    return rfft2(kernel) / spline.astype(np.float32)


def _render_block(shape, x, y, flux, radius, transform):
    fine = _fine_shape(shape, radius)
    grid = _spread(fine, OVERSAMPLING * (x + radius), OVERSAMPLING * (y + radius), flux)
    stars = irfft2(rfft2(grid, overwrite_x=True) * transform, fine, overwrite_x=True)
    first = OVERSAMPLING * radius
    return stars[
        first : first + OVERSAMPLING * shape[0] : OVERSAMPLING,
        first : first + OVERSAMPLING * shape[1] : OVERSAMPLING,
    ]


def _spread(shape, x, y, flux):
    """Spread each star over 4 x 4 samples with a cubic B-spline."""
    column, row = np.floor(x).astype(int), np.floor(y).astype(int)
    along_x, along_y = _spline_weights(x - column), _spline_weights(y - row)
    total = np.zeros(shape[0] * shape[1])
    for step_y in range(4):
        for step_x in range(4):
            index = (row + step_y - 1) * shape[1] + column + step_x - 1
            np.add.at(total, index, flux * along_y[step_y] * along_x[step_x])
    return total.reshape(shape).astype(np.float32)


def _spline_weights(offset):
    rest = 1 - offset
    return (
        rest**3 / 6,
        2 / 3 - offset**2 + offset**3 / 2,
        2 / 3 - rest**2 + rest**3 / 2,
        offset**3 / 6,
    )
