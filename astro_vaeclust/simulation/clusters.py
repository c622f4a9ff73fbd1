# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Descriptions of mock clusters, and how they are drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from ..utils.validation import check_choice, check_count, check_number
from .checks import check_quantity, checked_generator
from .profiles import check_profile

__all__ = ["MockCluster", "draw_clusters"]

NEBULOSITY = ("none", "embedded", "offset")
POPULATIONS = ("young", "old")
TYPICAL_RADIUS, RADIUS_SCATTER = 25.0, 0.3
"""Half-number radius in arcsec of a cluster of 40 members, and its scatter in dex."""

RADII = {"small": (8.0, 180.0), "all": (6.0, 900.0)}
"""Least and largest half-number radii in arcsec of what `draw_clusters` draws."""

MODE, BARE = 45.0, 200.0
"""Radii of clusters of all sizes in arcsec: most frequent; half have no cloud."""

GLOBULAR, MOST_MEMBERS = 1 / 8, 20_000
"""Fraction of globular clusters among clusters of all sizes; most members."""

BARE_CLUSTER = {"extinction": 0 * u.mag, "nebulosity": "none", "population": "old"}
"""What open and globular clusters that have left their clouds are."""

SMALL_PROFILES = ("eff", "king", "plummer", "elongated", "fractal", "two-core")
"""Profiles of small clusters."""


@dataclass(frozen=True)
class MockCluster:
    """
    Describe a cluster to paint.

    Parameters
    ----------
    n_members : int
        Members brighter than the survey's limit, after extinction. Fainter ones down
        to 2.5 mag below the limit come on top, as the luminosity function has it.
    half_number_radius : `~astropy.units.Quantity`
        Radius that holds half of the members, an angle.
    profile : str
        A key of `PROFILES`: ``"eff"``, ``"king"``, ``"plummer"``, ``"elongated"``,
        ``"fractal"``, ``"two-core"``, ``"globular"`` or ``"sub-clustered"``, or
        ``"real:<name>"`` of the members of a real cluster that were made known by
        `~astro_vaeclust.simulation.real_profiles.register_profile`.
    center : `~astropy.coordinates.SkyCoord`, optional
        Where it is; by default a position in the tile, away from the edges.
    brightest : `~astropy.units.Quantity`
        Magnitude of the brightest member.
    slope : float
        Slope dlogN/dm of the luminosity function.
    extinction : `~astropy.units.Quantity`
        Mean extinction in Ks between the members; it differs from member to member
        and dims the field stars behind the cluster too.
    nebulosity : {"none", "embedded", "offset"}
        Without a nebula, in the middle of it, or beside it.
    nebula_brightness : `~astropy.units.Quantity`
        Mean surface brightness of the nebula in its middle, in mag/arcsec2.
    nebula_radius : `~astropy.units.Quantity`, optional
        Radius of the nebula, an angle; by default 1.3 half-number radii.
    population : {"young", "old"}
        Colours of the members: those of the pre-main sequence, many with the excess of
        discs, or a giant branch with dwarfs below the turn-off, without these of a
        ``"globular"``. It matters in tiles of several bands.

    Raises
    ------
    TypeError
        If a value that needs a unit has none.
    ValueError
        If a value is out of its range; the message names it.
    """

    n_members: int = 80
    half_number_radius: u.Quantity = 40 * u.arcsec
    profile: str = "eff"
    center: SkyCoord | None = None
    brightest: u.Quantity = 8.5 * u.mag
    slope: float = 0.35
    extinction: u.Quantity = 0.5 * u.mag
    nebulosity: str = "none"
    nebula_brightness: u.Quantity = 17.0 * u.mag / u.arcsec**2
    nebula_radius: u.Quantity | None = None
    population: str = "young"

    def __post_init__(self):
        check_count("n_members", self.n_members)
        positive = {"low": 0, "low_counts": False}
        check_quantity(
            "half_number_radius", self.half_number_radius, u.arcsec, **positive
        )
        if self.nebula_radius is not None:
            check_quantity("nebula_radius", self.nebula_radius, u.arcsec, **positive)
        check_quantity("brightest", self.brightest, u.mag)
        check_quantity("extinction", self.extinction, u.mag, low=0)
        check_quantity("nebula_brightness", self.nebula_brightness, u.mag / u.arcsec**2)
        check_number("slope", self.slope, low_counts=False)
        if self.center is not None and not (
            isinstance(self.center, SkyCoord) and self.center.isscalar
        ):
            raise TypeError(f"center must be a scalar SkyCoord, got {self.center!r}")
        check_profile(self.profile)
        check_choice("nebulosity", self.nebulosity, NEBULOSITY)
        check_choice("population", self.population, POPULATIONS)

    @property
    def radius(self) -> float:
        """Half-number radius in arcsec (float)."""
        return self.half_number_radius.to_value(u.arcsec)


def draw_clusters(
    rng,
    number,
    *,
    field_of_view=None,
    limit=14.3 * u.mag,
    uniform_radii=False,
    clouds=True,
    sizes="small",
):
    """
    Draw descriptions of clusters as they are found in the Galactic plane.

    Small clusters have 10 to 300 members, uniform in the logarithm. Half-number radii
    of infrared clusters scatter about 25" on the sky and grow slowly with the number of
    members: they are log-normal about 25" (N / 40)^0.25 with 0.3 dex, between 8" and
    180". Three quarters of these clusters lie in or beside a nebula.

    Clusters of all sizes have half-number radii between 6" and 15', triangular in the
    logarithm with the most at 45": a quarter of the diameters in the lists of infrared
    clusters (Bica et al. 2003, A&A 404, 223) at the lower and of open clusters
    (Kharchenko et al. 2013, A&A 558, A53; Bica et al. 2019, AJ 157, 12) at the upper
    end. They have 40 (r / 25") members with 0.4 dex, 10 to 20,000, the larger ones
    less often clouds and nebulae; one in eight is a globular cluster of 800 to 20,000
    members about 50" with 0.3 dex, without either. Those without are old.

    Parameters
    ----------
    rng : `~numpy.random.Generator` or int
        The random numbers, or a seed.
    number : int
        How many.
    field_of_view : `~astropy.units.Quantity`, optional
        Shorter side of the tile, an angle. No half-number radius exceeds 0.3 of it.
    limit : `~astropy.units.Quantity`
        Magnitude to which members are counted.
    uniform_radii : bool
        Whether radii are uniform in their logarithm instead, whatever the members. Many
        such clusters are lost in the noise of the field.
    clouds : bool
        Whether they lie in clouds, which dim members and the field behind. False for
        the same clusters after they have lost these.
    sizes : {"small", "all"}
        Which clusters.

    Returns
    -------
    clusters : list of MockCluster
        The descriptions, without centres.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind or has not the right unit.
    ValueError
        If ``number`` is negative, a quantity is not positive or not finite, ``sizes``
        is not known, or ``uniform_radii`` are asked of all sizes.
    """
    check_count("number", number, minimum=0)
    check_choice("sizes", sizes, RADII)
    if uniform_radii and sizes == "all":
        raise ValueError("uniform_radii=True needs sizes='small', got sizes='all'")
    check_quantity("limit", limit, u.mag)
    rng = checked_generator("rng", rng)
    smallest, largest = RADII[sizes]
    if field_of_view is not None:
        check_quantity(
            "field_of_view", field_of_view, u.arcsec, low=0, low_counts=False
        )
        largest = min(largest, 0.3 * field_of_view.to_value(u.arcsec))
    ends, limit = (min(smallest, largest / 2), largest), limit.to_value(u.mag)
    if sizes == "all":
        clusters = [_draw_of_all(rng, ends, limit) for _ in range(number)]
    else:
        clusters = [
            _draw_cluster(rng, ends, limit, uniform_radii) for _ in range(number)
        ]
    if clouds:
        return clusters
    return [replace(cluster, extinction=0 * u.mag) for cluster in clusters]


def checked_clusters(clusters, rng, survey, shape, *, clouds):
    """Return a list of MockCluster, or raise TypeError or ValueError."""
    if isinstance(clusters, MockCluster):
        return [clusters]
    if isinstance(clusters, (int, np.integer)) and not isinstance(clusters, bool):
        if clusters < 0:
            raise ValueError(f"clusters must not be negative, got {clusters!r}")
        return draw_clusters(
            rng,
            int(clusters),
            field_of_view=min(shape) * survey.pixel_scale * u.arcsec,
            limit=survey.limit * u.mag,
            clouds=clouds,
        )
    if not hasattr(clusters, "__iter__") or isinstance(clusters, str):
        raise TypeError(
            "clusters must be an integer, a MockCluster or a sequence of them, got "
            f"{clusters!r}"
        )
    clusters = list(clusters)
    for cluster in clusters:
        if not isinstance(cluster, MockCluster):
            raise TypeError(f"clusters must hold MockClusters, got {cluster!r}")
    return clusters


def _draw_radius(rng, members, ends, uniform):
    """Draw a half-number radius in arcsec between two ends."""
    while not uniform:
        typical = TYPICAL_RADIUS * (members / 40) ** 0.25
        radius = typical * 10 ** rng.normal(0, RADIUS_SCATTER)
        if ends[0] <= radius <= ends[1]:
            return radius
        if not ends[0] < typical < ends[1]:
            break
    return np.exp(rng.uniform(*np.log(ends)))


def _draw_cluster(rng, ends, limit, uniform_radii):
    """Draw a small cluster; see `draw_clusters`."""
    members = round(np.exp(rng.uniform(np.log(10), np.log(300))))
    radius = _draw_radius(rng, members, ends, uniform_radii)
    return _describe(rng, members, radius, limit, SMALL_PROFILES)


def _draw_of_all(rng, ends, limit):
    """Draw a cluster of any size; see `draw_clusters`."""
    if rng.random() < GLOBULAR:
        return _draw_globular(rng, ends, limit)
    mode = np.clip(MODE, *ends)
    radius = np.exp(rng.triangular(*np.log([ends[0], mode, ends[1]])))
    typical = 40 * (radius / TYPICAL_RADIUS)
    members = round(np.clip(typical * 10 ** rng.normal(0, 0.4), 10, MOST_MEMBERS))
    profiles = (*SMALL_PROFILES, "sub-clustered")
    cluster = _describe(rng, members, radius, limit, profiles)
    if rng.random() < 1 / (1 + radius / BARE):
        return cluster
    return replace(cluster, **BARE_CLUSTER)


def _draw_globular(rng, ends, limit):
    """Draw a rich, old cluster whose core is not resolved."""
    members = round(np.exp(rng.uniform(*np.log([800, MOST_MEMBERS]))))
    radius = np.clip(50 * 10 ** rng.normal(0, 0.3), *ends)
    cluster = _describe(rng, members, radius, limit, ("globular",))
    return replace(cluster, **BARE_CLUSTER)


def _describe(rng, members, radius, limit, profiles):
    """Draw what else there is of a cluster of so many members and arcsec."""
    slope = rng.uniform(0.25, 0.45)
    expected = limit - np.log10(members) / slope
    fainter = 0.8 * np.log10(max(radius / 180, 1))
    return MockCluster(
        n_members=members,
        half_number_radius=radius * u.arcsec,
        profile=str(rng.choice(profiles)),
        brightest=np.clip(expected + rng.normal(0, 0.8), limit - 7.3, limit - 3.3)
        * u.mag,
        slope=slope,
        extinction=rng.uniform(0.1, 2.0) * u.mag,
        nebulosity=str(rng.choice(NEBULOSITY, p=[0.25, 0.45, 0.3])),
        nebula_brightness=(rng.uniform(15, 20) + fainter) * u.mag / u.arcsec**2,
        nebula_radius=np.clip(
            radius * np.exp(rng.uniform(-0.7, 1.1)), 6, max(200, radius)
        )
        * u.arcsec,
    )
