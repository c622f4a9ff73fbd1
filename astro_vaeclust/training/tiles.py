# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock and real tiles from which the network learns."""

from __future__ import annotations

from dataclasses import dataclass, replace

import astropy.units as u
import numpy as np

from ..detector.calibration import usable_candidates
from ..detector.grid import NetworkGrid, NetworkImage
from ..detector.inference import run_network
from ..detector.network import CELL, CLASSES
from ..images.bands import read_in_bands
from ..images.read import read_image
from ..matching.pairs import MATCH_RADIUS, greedy_pairs
from ..photometry.palette import checked_surveys
from ..simulation import SURVEYS, inject_cluster, simulate_tile
from ..simulation.artefacts import ARTEFACTS
from ..simulation.clusters import draw_clusters
from ..simulation.nulls import TILE_NULLS
from ..utils.bands import BANDS, band_of
from ..utils.files import atomic_path
from .targets import MARKED, UNLABELLED

__all__ = [
    "TrainingTile",
    "draw_tile",
    "drawn_survey",
    "image_of",
    "inject_tile",
    "starless_clouds",
    "varied_survey",
]

SIDES = (420.0, 1000.0)
"""Range of the sides of training tiles in arcsec."""

VERY_FINE = 0.3
"""Pixel scale in arcsec below which pixels are very fine."""

CLUSTER_NUMBERS = (0.2, 0.25, 0.25, 0.2, 0.1)
"""Probabilities of none to four clusters on a training tile."""

HARD = ("bright-star", "bright-group", "double-star", "asterism", "nebula")
"""Kinds of nulls that are drawn twice as often, as they resemble clusters most."""

HARDEST = ("extinction-window", "nebula", "galaxy-group")
"""Kinds of nulls that remain false positives, and that tiles are filled with then."""

FILLED = 6.0
"""How many times as often these are drawn on such tiles."""

WIDE_EVERY = 4
"""One tile in so many has clusters of all radii alike, in brighter nebulae."""

BRIGHTER = 1.5
"""Most by which these nebulae are brighter, in mag/arcsec2."""

BRIGHT_STAR = 1000.0
"""Peak over noise from which on a star counts as bright."""

STRIPS = ("edge", "seam", "vignette", "missing-corner", "bad-columns", "trail")
"""Kinds of nulls that are not round."""

KINDS = {
    "nebula": "nebula",
    "galaxy": "nebula",
    "galaxy-group": "nebula",
    "bright-star": "bright-star",
    "bright-group": "bright-star",
    "double-star": "bright-star",
    "hii-region": "nebula",
    "large-galaxy": "nebula",
}
"""Classes of nulls; the others are field."""

ASKED = (8.0, 90.0)
"""Network pixels of r50 of clusters that are asked for on coarser levels."""

ALL_BANDS = ",".join(BANDS)

_DESIGN = 0x7A11


@dataclass(frozen=True, eq=False)
class TrainingTile:
    """
    A tile as the network sees it, with what is known of it, in network pixels.

    Parameters
    ----------
    channels : (3, ny, nx) or (9, ny, nx) float16 array
        Those of a `NetworkImage`, of a tile in colour those of J, H and Ks.
    clusters : (n, 5) or (n, 6) array
        x, y, r50, r80 and members above the limit of the survey; of a tile in colour
        also the extinction of these members.
    members : (n, 2) array
        x and y of these members.
    regions : (n, 4) array
        Number of the class of `~astro_vaeclust.detector.network.CLASSES`, x, y and
        radius of what is no cluster, and ``UNLABELLED``
        of what is neither right nor wrong.
    scale : float
        Size of a network pixel in arcsec.
    fine : bool
        Whether the image is fine, see `NetworkGrid`.
    labelled : bool
        Whether what is not in a region is field; False for real tiles.
    """

    channels: np.ndarray
    clusters: np.ndarray
    members: np.ndarray
    regions: np.ndarray
    scale: float = 1.0
    fine: bool = False
    labelled: bool = True

    @classmethod
    def from_mock(cls, tile, fine_scale, *, labelled=True, binning=1):
        """
        Return the training tile of a `MockTile` on a level; see `NetworkGrid`.

        It is not labelled if the truth does not hold all that is on the image. Clusters
        whose r50 is out of ``ASKED`` are neither right nor wrong.
        """
        image = image_of(tile)
        grid = NetworkGrid.of_image(image, fine_scale).coarser(binning)
        network_image = NetworkImage.from_image(image, grid)
        channels = np.concatenate(network_image.bands or [network_image.channels])
        truth, stars = tile.clusters, tile.stars
        radii = [truth[name].to_value(u.arcsec) / grid.scale for name in ("r50", "r80")]
        clusters = np.column_stack(
            [
                grid.to_network(truth["x_center"]),
                grid.to_network(truth["y_center"]),
                *radii,
                truth["n_inside"],
                *([truth["a_k"].value] if image.bands else []),
            ]
        )
        counted = stars["is_member"] & (stars["mag"].value < tile.survey.limit)
        members = grid.to_network(np.column_stack([stars["x"], stars["y"]])[counted])
        asked = np.ones(len(clusters), dtype=bool)
        if binning > 1:
            asked = (radii[0] >= ASKED[0]) & (radii[0] <= ASKED[1])
        hidden = np.insert(clusters[~asked][:, [0, 1, 3]], 0, UNLABELLED, axis=1)
        regions = np.concatenate([_regions(tile, image, grid), hidden])
        return cls(
            channels=channels.astype(np.float16),
            clusters=clusters[asked].astype(np.float32),
            members=members.astype(np.float32),
            regions=regions.astype(np.float32),
            scale=grid.scale,
            fine=grid.is_fine,
            labelled=labelled,
        )

    def save(self, path):
        """Write the tile to an ``.npz`` file, whole or not at all."""
        with atomic_path(path, overwrite=True) as temporary:
            np.savez(temporary, **vars(self))

    @classmethod
    def load(cls, path):
        """Read a tile that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            values = {name: stored[name] for name in stored.files}
        return cls(
            **{
                name: value if value.ndim else value.item()
                for name, value in values.items()
            }
        )

    def candidates(self, network):
        """Return `usable_candidates` of this tile by a folded network."""
        channels = self.channels.astype(np.float32)
        return usable_candidates(run_network(network, channels), channels)

    def matched(self, candidates):
        """
        Return masks of the candidates that match clusters, and of those that count.

        The match is one to one; those beside a cluster that another matches, and on
        what is neither right nor wrong, do not count.
        """
        x, y, r50 = self.clusters.T[:3].astype(float)
        separation = np.hypot(
            candidates.x[:, np.newaxis] - x, candidates.y[:, np.newaxis] - y
        )
        limit = np.maximum(r50, MATCH_RADIUS.to_value(u.arcsec) / self.scale)
        is_cluster = np.zeros(len(candidates), dtype=bool)
        for row, _ in greedy_pairs(separation, limit, range(len(candidates))):
            is_cluster[row] = True
        beside = (separation <= limit).any(axis=1)
        hidden = self.regions[self.regions[:, 0] == UNLABELLED].astype(float)
        beside |= (
            np.hypot(
                candidates.x[:, np.newaxis] - hidden[:, 1],
                candidates.y[:, np.newaxis] - hidden[:, 2],
            )
            <= hidden[:, 3]
        ).any(axis=1)
        return is_cluster, is_cluster | ~beside


def image_of(tile, names=ALL_BANDS):
    """Return the image of a mock tile, in colour with those bands that are named."""
    if len(tile.images) == 1:
        return read_image(tile.image)
    images = {band_of(name): image for name, image in tile.images.items()}
    return read_in_bands({band: images[band] for band in names.split(",")})


def draw_tile(
    seed,
    *,
    surveys,
    fine_scale=1.0,
    hard=False,
    clouds=True,
    native=False,
    most_pixels=None,
):
    """
    Simulate a training tile; everything varies more widely than in evaluations.

    Parameters
    ----------
    seed : int
        Determines all of it.
    surveys : sequence of str
        Tags of the surveys to draw from, those of several bands joined by "+";
        scale, seeing, noise and halo are changed. On tiles in colour there are as many
        starless clouds as clusters.
    fine_scale : float
        As in `NetworkGrid.from_pixel_scale`.
    hard : bool
        Whether most nulls are of the hardest kinds, and all clusters as in evaluations.
    clouds : bool
        Whether the clusters lie in clouds, see
        `~astro_vaeclust.simulation.clusters.draw_clusters`.
    native : bool
        Whether tiles of surveys with very fine pixels keep them; else their pixels
        are twice as large, which is faster.
    most_pixels : int, optional
        Most pixels along a side, which bounds the time for fine pixels.

    Returns
    -------
    tile : `TrainingTile`
        The tile.
    """
    rng = np.random.default_rng([_DESIGN, seed])
    seen, survey = drawn_survey(rng, surveys, native)
    sides = np.exp(rng.uniform(*np.log(SIDES), 2)) / survey.pixel_scale
    shape = tuple(int(side) for side in sides)
    if most_pixels is not None:
        shape = tuple(min(side, most_pixels) for side in shape)
    field_of_view = min(shape) * survey.pixel_scale * u.arcsec
    number = int(rng.choice(len(CLUSTER_NUMBERS), p=CLUSTER_NUMBERS))
    often, times = (HARDEST, FILLED) if hard else (HARD, 2.0)
    weight = np.array([times if kind in often else 1.0 for kind in TILE_NULLS])
    drawn = rng.choice(list(TILE_NULLS), rng.integers(1, 8), p=weight / weight.sum())
    kinds = [str(kind) for kind in drawn] + starless_clouds(rng, seen)
    artefacts = (*survey.artefacts, *(("trail",) * (rng.uniform() < 0.1)))
    wide = not hard and seed % WIDE_EVERY == WIDE_EVERY - 1
    clusters = draw_clusters(
        rng,
        number,
        field_of_view=field_of_view,
        limit=survey.limit * u.mag,
        uniform_radii=wide,
        clouds=clouds,
    )
    if wide:
        clusters = [_in_brighter_nebula(rng, cluster) for cluster in clusters]
    tile = simulate_tile(
        survey=seen,
        shape=shape,
        clusters=clusters,
        density=rng.uniform(3.0, 4.9),
        extinction=rng.choice([0.0, rng.uniform(0.05, 1.2)], p=[0.1, 0.9]) * u.mag,
        gradient=rng.uniform(0.0, 0.5),
        nulls=kinds,
        artefacts=artefacts,
        seed=seed,
    )
    return TrainingTile.from_mock(tile, fine_scale)


def _in_brighter_nebula(rng, cluster):
    change = rng.uniform(0, BRIGHTER) * u.mag / u.arcsec**2
    return replace(cluster, nebula_brightness=cluster.nebula_brightness - change)


def inject_tile(image, seed, *, survey="2mass-ks", fine_scale=1.0):
    """
    Paint a mock cluster, determined by the seed, on a real tile (`TrainingTile`).

    The image has a WCS and ``MAGZP``; the result is not labelled where it is real.
    """
    rng = np.random.default_rng([_DESIGN, seed])
    cluster = draw_clusters(rng, 1, limit=SURVEYS[survey].limit * u.mag)[0]
    tile = inject_cluster(image, cluster, survey=survey, seed=rng)
    return TrainingTile.from_mock(tile, fine_scale, labelled=False)


def drawn_survey(rng, surveys, native):
    """Return a varied survey or those of several bands, and that of the last band."""
    *others, last = checked_surveys(str(rng.choice(list(surveys))))
    survey = varied_survey(rng, last, native)
    others = [
        varied_survey(rng, other, native, pixel_scale=survey.pixel_scale)
        for other in others
    ]
    return (*others, survey) if others else survey, survey


def starless_clouds(rng, seen):
    """Draw clouds without clusters for a tile in colour, as many as clusters."""
    if not isinstance(seen, tuple):
        return []
    return ["starless-cloud"] * int(rng.choice(len(CLUSTER_NUMBERS), p=CLUSTER_NUMBERS))


def varied_survey(rng, survey, native, *, pixel_scale=None):
    """Change a survey as observing sites, nights and cameras differ."""
    noisier = np.exp(rng.normal(0, 0.25))
    blurred = np.exp(rng.uniform(np.log(0.8), np.log(1.6)))
    scale = survey.pixel_scale * np.exp(rng.uniform(*np.log([0.75, 1.4])))
    if survey.pixel_scale < VERY_FINE and not native:
        scale *= 2
    if pixel_scale is not None:
        scale = pixel_scale
    per_pixel = (scale / survey.pixel_scale) ** 2
    return replace(
        survey,
        pixel_scale=scale,
        fwhm=tuple(blurred * width for width in survey.fwhm),
        limit=survey.limit - 2.5 * np.log10(noisier * blurred),
        white_noise=tuple(
            noisier * noise * np.sqrt(per_pixel) for noise in survey.white_noise
        ),
        halo_fraction=survey.halo_fraction * np.exp(rng.uniform(-0.7, 0.7)),
        halo_radius=survey.halo_radius * np.exp(rng.uniform(-0.5, 0.7)),
    )


def _regions(tile, image, grid):
    """Return what is no cluster as circles with the number of their class."""
    rows = []
    for null in tile.nulls:
        number = _class_of(null["kind"])
        if number is not None:
            position = null["x_center"], null["y_center"]
            rows.append((number, *position, null["radius"].to_value(u.arcsec)))
    rows += _bright_stars(tile, image)
    regions = np.array(rows, dtype=np.float32).reshape(-1, 4)
    regions[:, 1:3] = grid.to_network(regions[:, 1:3])
    regions[:, 3] /= grid.scale
    return regions[regions[:, 3] > MARKED * CELL]  # on the finest scale


def _class_of(kind):
    """Return the number of the class of a kind of null or artefact, None for none."""
    if kind in STRIPS:
        return None
    if kind in ARTEFACTS:
        return CLASSES.index("artefact")
    return CLASSES.index(KINDS.get(kind, "field"))


def _bright_stars(tile, image):
    """Yield circles within which the halo of a bright star is above the noise."""
    width = np.mean(tile.survey.fwhm)
    spread = 1.13 * (width / tile.survey.pixel_scale) ** 2
    noise = np.median(np.abs(np.diff(image.data[~image.mask]))) or 1.0
    peaks = tile.stars["flux"].value / spread / noise
    for star in np.flatnonzero((peaks > BRIGHT_STAR) & ~tile.stars["is_galaxy"]):
        radius = 1.5 * width * (peaks[star] / BRIGHT_STAR) ** 0.4
        yield (
            CLASSES.index("bright-star"),
            tile.stars["x"][star],
            tile.stars["y"][star],
            min(radius, 60.0),
        )
