# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One exposure of a survey: from what is in the sky to a mock tile."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS
from scipy.ndimage import gaussian_filter

from ..photometry.palette import BANDS, Palette, reddened
from ..photometry.populations import Sightline
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

__all__ = ["Exposure", "sky_tables", "start_exposures", "take_tile"]

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
    "colors",
)
"""Independent random numbers, so that changing one thing leaves the others alone."""

CAMERA = ("conditions", "sky", "artefacts", "noise", "nulls", "shift")
"""Those that further bands have of their own."""

REGISTRATION = 0.1
"""Scatter in arcsec of the positions in one band about those in another."""

SATURATED = 1.5
"""Unsaturated peak over saturation from which on a star causes artefacts."""


@dataclass(frozen=True, eq=False)
class Exposure:
    """
    An exposure of a survey before the stars are on it.

    Parameters
    ----------
    streams : dict of `~numpy.random.Generator`
        Random numbers by the names in ``STREAMS``; of a further band only those of
        ``CAMERA``.
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
    shift : tuple of float
        Where a star lies in pixels from where the coordinates have it.
    """

    streams: dict
    seed: object
    wcs: WCS
    conditions: dict
    psf: PointSpread
    canvas: Canvas
    shift: tuple = (0.0, 0.0)

    @classmethod
    def start(cls, canvas, streams, seed, wcs, conditions, shift=(0.0, 0.0)):
        """Return an exposure under conditions."""
        shaping = {name: conditions[name] for name in ("halo", "ellipticity", "angle")}
        psf = PointSpread.from_survey(canvas.survey, conditions["fwhm"], **shaping)
        return cls(streams, seed, wcs, conditions, psf, canvas, shift)

    def take(self, groups, *, artefacts, noise, uncertainty):
        """
        Return the image of the canvas with stars, and the records of artefacts.

        An exposure is taken once: the canvas becomes the image.
        """
        canvas, streams = self.canvas, self.streams
        points = self._points(groups)
        data, records = self._light(points, artefacts)
        deviation = noise_deviation(data, canvas.noise_scale, self.conditions)
        if noise:
            data += draw_noise(streams["noise"], deviation, self.conditions)
        data += canvas.sky
        image = make_image(
            data,
            deviation if uncertainty else None,
            self.wcs,
            canvas.survey,
            self.conditions,
            self.seed,
            canvas.missing,
        )
        return image, canvas.records + records

    def _points(self, groups):
        """Return what is painted as stars: what has a magnitude in the band."""
        stars = [stars for stars, _, is_galaxy in groups if not is_galaxy]
        name = f"mag_{self.canvas.survey.band}"
        points = {
            axis: np.concatenate([group[axis] for group in stars]) + shift
            for axis, shift in zip("xy", self.shift, strict=True)
        }
        points["mag"] = np.concatenate(
            [group.get(name, group["mag"]) for group in stars]
        )
        points["flux"] = 10 ** (0.4 * (self.canvas.zero_point - points["mag"]))
        is_seen = np.isfinite(points["mag"])
        return {name: values[is_seen] for name, values in points.items()}

    def _light(self, points, artefacts):
        """Turn the canvas's light into that of the image; return artefacts' records."""
        canvas, psf = self.canvas, self.psf
        light = canvas.light[-1]
        gaussian_filter(light, psf.fwhm / 2.355, output=light)
        position = points["x"], points["y"]
        light += render_stars(light.shape, *position, points["flux"], psf)
        saturate(light, canvas.survey)
        return light, paint_artefacts(
            self.streams["artefacts"],
            light,
            checked_artefacts(artefacts, canvas.survey),
            _bright(points, psf, canvas.survey),
            survey=canvas.survey,
            noise=canvas.noise,
        )


def start_exposures(surveys, wcs, seed, density=None):
    """
    Return one exposure of each survey on which nothing is drawn, of one sky.

    What is in the sky is drawn on the canvas of the last, whose light has one plane for
    each of them. ``density`` is that of field stars which are to be coloured.
    """
    streams = random_streams(seed)
    surveys = reddened(streams["colors"], surveys)
    cameras = [streams["cameras"][BANDS[one.band]] for one in surveys[:-1]]
    cameras.append(streams)
    conditions = [
        draw_conditions(camera["conditions"], survey)
        for camera, survey in zip(cameras, surveys, strict=True)
    ]
    rng, is_colored = streams["colors"], len(surveys) > 1 and density is not None
    palette = Palette(
        rng=rng,
        surveys=surveys,
        zero_points=np.array([one["zero_point"] for one in conditions]),
        sightline=Sightline.draw(rng, density) if is_colored else None,
    )
    light = np.zeros((len(surveys), *wcs.array_shape), dtype=np.float32)
    exposures = []
    for band, (survey, camera) in enumerate(zip(surveys, cameras, strict=True)):
        is_last = camera is streams
        canvas = _canvas(
            survey,
            palette,
            light if is_last else light[band : band + 1],
            camera["sky"],
            conditions[band],
        )
        width = REGISTRATION / survey.pixel_scale
        shift = (0.0, 0.0) if is_last else tuple(camera["shift"].normal(0, width, 2))
        exposures.append(
            Exposure.start(canvas, camera, seed, wcs, conditions[band], shift)
        )
    return exposures


def _canvas(survey, palette, light, rng, conditions):
    shape = light.shape[-2:]
    return Canvas(
        survey=survey,
        palette=palette,
        light=light,
        zero_point=conditions["zero_point"],
        sky=make_sky(rng, shape, conditions),
        noise_scale=np.ones(shape, dtype=np.float32),
        noise=conditions["noise"],
        missing=np.zeros(shape, dtype=bool),
    )


def take_tile(exposures, groups, clusters=(), **settings):
    """
    Return the `MockTile` of exposures of one sky.

    ``groups`` are those of ``star_table``, ``clusters`` rows of ``cluster_table``;
    galaxies among the groups are on the canvas already. ``settings`` are those of
    `Exposure.take`.
    """
    images, records = {}, []
    for exposure in exposures:
        image, found = exposure.take(groups, **settings)
        images[exposure.canvas.survey.band] = image
        records = found + records
    stars, clusters = sky_tables(exposures, groups, clusters)
    return MockTile(
        images=images,
        clusters=clusters,
        stars=stars,
        nulls=null_table(records, exposure.wcs, exposure.canvas.scale),
        surveys=tuple(one.canvas.survey for one in exposures),
    )


def sky_tables(exposures, groups, clusters=()):
    """Return the tables of stars and clusters of what `take_tile` takes."""
    canvas, wcs = exposures[-1].canvas, exposures[-1].wcs
    stars = star_table(groups, wcs, canvas.zero_point, canvas.shape)
    return stars, cluster_table(clusters, wcs)


def random_streams(seed):
    """
    Return the random numbers of ``STREAMS`` (dict), or raise TypeError.

    ``"cameras"`` are those of ``CAMERA`` of further bands (list of dict).
    """
    if isinstance(seed, np.random.Generator):
        seed = int(seed.integers(2**63))
    check_seed("seed", seed)
    children = np.random.SeedSequence(seed).spawn(len(STREAMS) + len({*BANDS.values()}))
    names = len(STREAMS)
    return {
        **_named(STREAMS, children[:names]),
        "cameras": [
            _named(CAMERA, child.spawn(len(CAMERA))) for child in children[names:]
        ],
    }


def _named(names, sequences):
    return {
        name: np.random.default_rng(sequence)
        for name, sequence in zip(names, sequences, strict=True)
    }


def checked_artefacts(artefacts, survey):
    """Return keys of `ARTEFACTS`, those of the survey for True, or raise an error."""
    if isinstance(artefacts, bool):
        artefacts = survey.artefacts if artefacts else ()
    return checked_tags("artefacts", artefacts, ARTEFACTS)


def _bright(points, psf, survey):
    peak = points["flux"] * psf.stamp().max()
    bright = peak > SATURATED * survey.saturation
    return {name: values[bright] for name, values in points.items()}
