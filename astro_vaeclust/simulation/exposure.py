# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One exposure of a survey: from what is in the sky to a mock tile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from scipy.ndimage import gaussian_filter

from .artefacts import ARTEFACTS, paint_artefacts
from .canvas import Canvas
from .checks import check_seed, checked_tags
from .observation import (
    draw_conditions,
    draw_noise,
    make_image,
    make_sky,
    noise_deviation,
    saturate,
)
from .rendering import PointSpread, render_stars
from .tables import MockTile, cluster_table, null_table, star_table

__all__ = ["Exposure"]

STREAMS = (
    "conditions",
    "clusters",
    "members",
    "nulls",
    "dust",
    "field",
    "galaxies",
    "nebulae",
    "sky",
    "artefacts",
    "noise",
)
"""Independent random numbers, so that changing one thing leaves the others alone."""

SATURATED = 1.5
"""Unsaturated peak over saturation from which on a star causes artefacts."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """
    An exposure of a survey before the stars are on it.

    Parameters
    ----------
    streams : dict of `~numpy.random.Generator`
        Random numbers by the names in ``STREAMS``.
    seed : int, `~numpy.random.Generator` or None
        Where they come from, for the header.
    wcs : `~astropy.wcs.WCS`
        The coordinates.
    conditions : dict of float
        Zero point, seeing, sky and noise of the exposure.
    psf : PointSpread
        The image of a star.
    canvas : Canvas
        What is drawn on.
    """

    streams: dict
    seed: object
    wcs: WCS
    conditions: dict
    psf: PointSpread
    canvas: Canvas

    @classmethod
    def start(cls, survey, wcs, seed):
        """Return an exposure on which nothing is drawn, of the shape of a WCS."""
        streams, shape = random_streams(seed), wcs.array_shape
        conditions = draw_conditions(streams["conditions"], survey)
        shaping = {name: conditions[name] for name in ("halo", "ellipticity", "angle")}
        canvas = Canvas(
            survey=survey,
            light=np.zeros(shape, dtype=np.float32),
            zero_point=conditions["zero_point"],
            sky=make_sky(streams["sky"], shape, conditions),
            noise_scale=np.ones(shape, dtype=np.float32),
            noise=conditions["noise"],
            missing=np.zeros(shape, dtype=bool),
        )
        psf = PointSpread.from_survey(survey, conditions["fwhm"], **shaping)
        return cls(streams, seed, wcs, conditions, psf, canvas)

    def take(self, groups, clusters=(), *, artefacts, noise, uncertainty):
        """
        Return the `MockTile` of the canvas with stars.

        ``groups`` are those of ``star_table``, ``clusters`` rows of ``cluster_table``;
        galaxies among the groups are on the canvas already. An exposure is taken once:
        the canvas becomes the image.
        """
        canvas, streams = self.canvas, self.streams
        points = _points(groups, canvas.zero_point)
        records, data = self._light(points, artefacts), canvas.light
        deviation = noise_deviation(data, canvas.noise_scale, self.conditions)
        if noise:
            data += draw_noise(streams["noise"], deviation, self.conditions)
        data += canvas.sky
        return MockTile(
            image=make_image(
                data,
                deviation if uncertainty else None,
                self.wcs,
                canvas.survey,
                self.conditions,
                self.seed,
                canvas.missing,
            ),
            clusters=cluster_table(clusters, self.wcs),
            stars=star_table(groups, self.wcs, canvas.zero_point, data.shape),
            nulls=null_table(canvas.records + records, self.wcs, canvas.scale),
            survey=canvas.survey,
        )

    def _light(self, points, artefacts):
        """Turn the canvas's light into that of the image; return artefacts' records."""
        canvas, psf = self.canvas, self.psf
        light = canvas.light
        gaussian_filter(light, psf.fwhm / 2.355, output=light)
        position = points["x"], points["y"]
        light += render_stars(light.shape, *position, points["flux"], psf)
        saturate(light, canvas.survey)
        return paint_artefacts(
            self.streams["artefacts"],
            light,
            artefacts,
            _bright(points, psf, canvas.survey),
            survey=canvas.survey,
            noise=canvas.noise,
        )


def random_streams(seed):
    """Return the random numbers of ``STREAMS`` (dict), or raise TypeError."""
    if isinstance(seed, np.random.Generator):
        seed = int(seed.integers(2**63))
    check_seed("seed", seed)
    children = np.random.SeedSequence(seed).spawn(len(STREAMS))
    return {
        name: np.random.default_rng(child)
        for name, child in zip(STREAMS, children, strict=True)
    }


def checked_artefacts(artefacts, survey):
    """Return keys of `ARTEFACTS`, those of the survey for True, or raise an error."""
    if isinstance(artefacts, bool):
        artefacts = survey.artefacts if artefacts else ()
    return checked_tags("artefacts", artefacts, ARTEFACTS)


def _points(groups, zero_point):
    """Return what is painted as stars."""
    stars = [stars for stars, _, is_galaxy in groups if not is_galaxy]
    points = {
        name: np.concatenate([group[name] for group in stars])
        for name in ("x", "y", "mag")
    }
    points["flux"] = 10 ** (0.4 * (zero_point - points["mag"]))
    return points


def _bright(points, psf, survey):
    peak = points["flux"] * psf.stamp().max()
    bright = peak > SATURATED * survey.saturation
    return {name: values[bright] for name, values in points.items()}
