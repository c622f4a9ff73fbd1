# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock clusters painted on a tile of the user's, and whether they are found."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.nddata import NDData
from astropy.table import QTable

from ..images.read import read_image
from ..matching.pairs import MATCH_RADIUS, greedy_pairs, match_clusters, separations
from ..photometry.surveys import get_survey
from ..simulation import MockCluster, inject_cluster
from ..simulation.clusters import draw_clusters
from ..sources.find import find_sources
from ..sources.seeing import estimate_fwhm
from ..utils.files import ResultFolder
from ..utils.jobs import run_jobs
from ..utils.provenance import describe, describe_finder, origin
from ..utils.validation import check_count, check_seed
from .finders import expected_warnings_ignored
from .selection import SelectionFunction

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from ..base import ClusterFinderBase
    from ..photometry.surveys import Survey

__all__ = ["selection_function"]

DENSITY_RADIUS = 90.0
"""Radius in arcsec in which the local density of sources is measured."""

SOURCE_SIGNIFICANCE = 5.0
SMALLEST_RADIUS, LARGEST_RADIUS = 8.0, 180.0
FRACTION_OF_SIDE = 0.2
"""Default radii in arcsec; the largest over the shorter side of the tile."""

MEMBERS = (10, 300)

UNLIKE = ".* unlike those on which the model was calibrated"
"""A warning that a rich cluster causes; it is given for the tile as it is alone."""

UNITS = {"r50": u.arcsec, "local_density": u.arcmin**-2, "offset": u.arcsec}
"""Units of the columns of the injections."""


def selection_function(
    finder: ClusterFinderBase,
    nddata: NDData,
    *,
    n_injections: int = 300,
    n_members: tuple[int, int] = MEMBERS,
    r50: u.Quantity | None = None,
    survey: Survey | str = "2mass-ks",
    cluster: MockCluster | None = None,
    fwhm: u.Quantity | None = None,
    zero_point: u.Quantity | None = None,
    min_score: float | None = None,
    seed: int = 0,
    workers: int = 1,
    progress_bar: Callable | None = None,
    folder: str | PathLike | None = None,
) -> SelectionFunction:
    """
    Measure the probability that a finder finds a cluster on a tile.

    Mock clusters are painted on the tile, one at a time, and the finder searches each
    such tile. Members and radii are uniform in their logarithms, positions uniform on
    the tile away from its edges. A logistic function is fitted to the outcomes.

    Parameters
    ----------
    finder : `~astro_vaeclust.ClusterFinderBase`
        The finder.
    nddata : `~astropy.nddata.NDData`
        The tile, with a celestial WCS.
    n_injections : int
        Number of clusters.
    n_members : tuple of int
        Range of the members brighter than the limit of the survey.
    r50 : `~astropy.units.Quantity`, optional
        Range of the half-number radii; by default 8 arcsec to a fifth of the shorter
        side of the tile, at most 180 arcsec.
    survey, fwhm, zero_point
        As in `~astro_vaeclust.simulation.inject_cluster`.
    cluster : `~astro_vaeclust.simulation.MockCluster`, optional
        Everything else about the clusters; by default each is drawn as
        `~astro_vaeclust.simulation.clusters.draw_clusters` does.
    min_score : float, optional
        Detections below this score do not count; by default all do.
    seed : int
        Seed of the injections. Each has random numbers of its own, so that more
        injections continue fewer.
    workers : int
        Number of processes, see Notes.
    progress_bar : callable, optional
        Called as ``progress_bar(iterable, desc=..., total=...)`` and iterated over.
    folder : str or path-like, optional
        Where the outcome of each injection is kept; made if missing. A run that was
        interrupted, or one with more injections, resumes from there.

    Returns
    -------
    selection : SelectionFunction
        The fit with its injections.

    Raises
    ------
    TypeError, ValueError
        If an argument is of the wrong kind or out of its range, or the folder holds
        results of other settings.
    OSError
        If the folder cannot be written.

    Warns
    -----
    AstropyUserWarning
        If nearly all or nearly none were found.

    Notes
    -----
    What is found without an injection does not count: a detection within 30 arcsec of
    one on the tile as it is, one to one and nearest first, is taken for that one. An
    injected cluster that melts with it is therefore not found.

    The local density is that of 5-sigma sources within 90 arcsec on the tile as it is.
    The noise of the tile stays as it is under the added light.

    Several workers need the guard ``if __name__ == "__main__":`` in a script.
    """
    check_count("n_injections", n_injections)
    check_seed(seed)
    survey = get_survey(survey)
    n_members = _checked_range("n_members", n_members)
    if cluster is not None and (
        not isinstance(cluster, MockCluster) or cluster.center is not None
    ):
        raise TypeError(
            f"cluster must be a MockCluster without a center, got {cluster!r}"
        )
    if not isinstance(nddata, NDData):
        raise TypeError(f"nddata must be NDData, got {type(nddata).__name__}")
    image = read_image(nddata)
    fwhm = estimate_fwhm(nddata) if fwhm is None else fwhm
    radii = _checked_radii(r50, image)
    pixels = hashlib.sha256(image.data.tobytes() + image.mask.tobytes())
    settings = {
        "finder": describe_finder(finder),
        "image": pixels.hexdigest(),
        "survey": survey,
        "n_members": n_members,
        "r50": radii,
        "cluster": cluster,
        "fwhm": fwhm,
        "zero_point": zero_point,
        "min_score": min_score,
        "seed": int(seed),
    }
    painting = {"survey": survey, "fwhm": fwhm, "zero_point": zero_point}
    inject_cluster(nddata, seed=0, **painting)  # fails now rather than after a search
    rows = {}
    if folder is not None:
        folder = ResultFolder(folder, settings)
        kept = filter(lambda number: _file(number) in folder, range(n_injections))
        rows = {number: folder.read(_file(number)) for number in kept}
    missing = [number for number in range(n_injections) if number not in rows]
    if missing:
        inject = partial(
            _inject,
            finder=finder,
            nddata=nddata,
            before=_detect(finder, nddata, min_score),
            local_density=LocalDensity(image, fwhm),
            n_members=n_members,
            radii=radii,
            template=cluster,
            min_score=min_score,
            seed=seed,
            painting=painting,
        )
        options = {"workers": workers, "progress_bar": progress_bar}
        for row in run_jobs(inject, missing, desc="injections", **options):
            rows[row["injection"]] = row
            if folder is not None:
                folder.write(_file(row["injection"]), row)
    table = _table([rows[number] for number in range(n_injections)])
    ranges = {"n_members": n_members, "r50": radii}
    meta = origin() | describe(settings)
    return SelectionFunction.fit(table, ranges=ranges, meta=meta)


def _file(number):
    return f"{number}.json"


class LocalDensity:
    """Density of the sources around positions in an `Image` with stars of this FWHM."""

    def __init__(self, image, fwhm):
        side = image.pixel_scale.to_value(u.arcsec / u.pix)
        self._radius = DENSITY_RADIUS / side
        self._usable = ~image.mask
        self._pixel = side**2 / 3600
        self._sources = find_sources(
            image,
            significance=SOURCE_SIGNIFICANCE,
            fwhm=fwhm.to_value(u.arcsec) / side,
        )

    def __call__(self, x, y):
        """Return sources per arcmin2 around a pixel (float); half a source for none."""
        distance = np.hypot(self._sources.x - x, self._sources.y - y)
        rows, columns = np.ogrid[: self._usable.shape[0], : self._usable.shape[1]]
        disc = (columns - x) ** 2 + (rows - y) ** 2 <= self._radius**2
        area = np.sum(self._usable & disc) * self._pixel
        return float(max(np.sum(distance <= self._radius), 0.5) / area)


def _inject(
    number,
    *,
    finder,
    nddata,
    before,
    local_density,
    n_members,
    radii,
    template,
    min_score,
    seed,
    painting,
):
    """Paint one cluster and say whether it is found."""
    rng = np.random.default_rng([seed, number])
    cluster = _draw_cluster(rng, n_members, radii, template, painting["survey"].limit)
    tile = inject_cluster(nddata, cluster, seed=rng, **painting)
    with warnings.catch_warnings():  # noqa: TID251 (of finders of any kind)
        warnings.filterwarnings("ignore", UNLIKE)
        new = _without(_detect(finder, tile.image, min_score), before)
    matches = match_clusters(new, tile.clusters)
    truth = tile.clusters[0]
    found = len(matches) > 0
    best = new[matches.detection[0]] if found else None
    return {
        "injection": number,
        "ra": float(truth["sky_center"].icrs.ra.deg),
        "dec": float(truth["sky_center"].icrs.dec.deg),
        "n_members": cluster.n_members,
        "r50": cluster.radius,
        "local_density": local_density(truth["x_center"], truth["y_center"]),
        "profile": cluster.profile,
        "nebulosity": cluster.nebulosity,
        "is_found": found,
        "score": float(best["score"]) if found else np.nan,
        "offset": float(matches.separation[0].value) if found else np.nan,
    }


def _draw_cluster(rng, n_members, radii, template, limit):
    members = round(np.exp(rng.uniform(*np.log(n_members))))
    radius = np.exp(rng.uniform(*np.log(radii))) * u.arcsec
    if template is not None:
        return replace(template, n_members=members, half_number_radius=radius)
    (drawn,) = draw_clusters(rng, 1, limit=limit * u.mag)
    # the brightest of so many members, as in draw_clusters
    brightest = limit - np.log10(members) / drawn.slope + rng.normal(0, 0.8)
    return replace(
        drawn,
        n_members=members,
        half_number_radius=radius,
        brightest=np.clip(brightest, limit - 7.3, limit - 3.3) * u.mag,
    )


def _detect(finder, nddata, min_score):
    with expected_warnings_ignored():
        table = finder.detect(nddata).table["sky_center", "score"]
    return table if min_score is None else table[table["score"] >= min_score]


def _without(detections, before):
    """Return the detections that are not among those before the injection."""
    separation = separations(detections["sky_center"], before["sky_center"])
    limit = np.full(len(before), MATCH_RADIUS.to_value(u.arcsec))
    order = np.argsort(separation.min(axis=1, initial=np.inf), kind="stable")
    old = [row for row, _ in greedy_pairs(separation, limit, order)]
    keep = np.ones(len(detections), dtype=bool)
    keep[old] = False
    return detections[keep]


def _table(rows):
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    center = SkyCoord(columns.pop("ra"), columns.pop("dec"), unit="deg")
    for name, unit in UNITS.items():
        columns[name] = columns[name] * unit
    number = columns.pop("injection")
    return QTable({"injection": number, "sky_center": center, **columns})


def _checked_range(name, values):
    try:
        low, high = (float(value) for value in values)
    except (TypeError, ValueError):
        raise TypeError(f"{name} takes two numbers, got {values!r}") from None
    if not 0 < low < high < np.inf:
        raise ValueError(f"{name} takes two rising positive numbers, got {values!r}")
    return low, high


def _checked_radii(r50, image):
    if r50 is None:
        side = min(image.shape) * image.pixel_scale.to_value(u.arcsec / u.pix)
        r50 = (SMALLEST_RADIUS, min(LARGEST_RADIUS, FRACTION_OF_SIDE * side)) * u.arcsec
    r50 = u.Quantity(r50)
    if not r50.unit.is_equivalent(u.arcsec):
        raise TypeError(f"r50 must be a Quantity in arcsec, got {r50!r}")
    return _checked_range("r50", np.atleast_1d(r50.to_value(u.arcsec)))
