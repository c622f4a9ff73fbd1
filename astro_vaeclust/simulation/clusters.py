# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Descriptions of mock clusters, and the members and dust drawn from them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord

from ..utils.validation import check_choice, check_count, check_number
from .checks import check_quantity, checked_generator
from .fields import draw_magnitudes
from .profiles import PROFILES, draw_positions
from .textures import Screen, random_field

__all__ = ["MockCluster", "draw_clusters"]

NEBULOSITY = ("none", "embedded", "offset")
DEPTH = 2.5
"""How many magnitudes below the limit of the survey the members reach."""

TYPICAL_RADIUS, RADIUS_SCATTER = 25.0, 0.3
"""Half-number radius in arcsec of a cluster of 40 members, and its scatter in dex."""

SCREENED = (0.2, 1)
"""Least and largest fraction of the cloud that lies in front of a member."""

BEFORE_MEMBERS = sum(SCREENED) / 2
"""Mean fraction of the cloud in front of the members."""

CLOUD, CLOUD_REACH = 1.6, 4
"""Standard deviation and radius of a cluster's cloud, in half-number radii."""

LARGEST = 2_000_000
"""Members after which the search for bright ones is given up."""


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
        ``"eff"``, ``"king"``, ``"plummer"``, ``"elongated"``, ``"fractal"`` or
        ``"two-core"``.
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
        check_choice("profile", self.profile, PROFILES)
        check_choice("nebulosity", self.nebulosity, NEBULOSITY)

    @property
    def radius(self):
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
):
    """
    Draw descriptions of clusters as they are found in the Galactic plane.

    The number of members is uniform in its logarithm from 10 to 300. Half-number radii
    of infrared clusters scatter about 25" on the sky and grow slowly with the number of
    members: they are log-normal about 25" (N / 40)^0.25 with 0.3 dex, between 8" and
    180". Three quarters of the clusters lie in or beside a nebula.

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

    Returns
    -------
    clusters : list of MockCluster
        The descriptions, without centres.

    Raises
    ------
    TypeError
        If an argument is of the wrong kind or has not the right unit.
    ValueError
        If ``number`` is negative, or a quantity is not positive or not finite.
    """
    check_count("number", number, minimum=0)
    check_quantity("limit", limit, u.mag)
    rng = checked_generator("rng", rng)
    largest = 180.0
    if field_of_view is not None:
        check_quantity(
            "field_of_view", field_of_view, u.arcsec, low=0, low_counts=False
        )
        largest = min(largest, 0.3 * field_of_view.to_value(u.arcsec))
    ends = min(8.0, largest / 2), largest
    clusters = [
        _draw_cluster(rng, ends, limit.to_value(u.mag), uniform_radii)
        for _ in range(number)
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
    members = round(np.exp(rng.uniform(np.log(10), np.log(300))))
    radius = _draw_radius(rng, members, ends, uniform_radii)
    slope = rng.uniform(0.25, 0.45)
    expected = limit - np.log10(members) / slope
    return MockCluster(
        n_members=members,
        half_number_radius=radius * u.arcsec,
        profile=str(rng.choice(list(PROFILES))),
        brightest=np.clip(expected + rng.normal(0, 0.8), limit - 7.3, limit - 3.3)
        * u.mag,
        slope=slope,
        extinction=rng.uniform(0.1, 2.0) * u.mag,
        nebulosity=str(rng.choice(NEBULOSITY, p=[0.25, 0.45, 0.3])),
        nebula_brightness=rng.uniform(15, 20) * u.mag / u.arcsec**2,
        nebula_radius=np.clip(radius * np.exp(rng.uniform(-0.7, 1.1)), 6, 200)
        * u.arcsec,
    )


def draw_members(rng, cluster, *, limit, extinction_ratio=1.0):
    """
    Draw the members of a cluster and its dust.

    Returns a dict of arrays, ``dx`` and ``dy`` in arcsec from the centre, ``mag`` after
    extinction and ``extinction`` in Ks, with exactly ``n_members`` brighter than
    ``limit``; and the extinction in Ks behind the cluster over offsets in arcsec
    (`Screen`). Raises ValueError if the brightest member is below the limit, or the
    extinction leaves too few above it.
    """
    brightest = cluster.brightest.to_value(u.mag)
    if brightest >= limit:
        raise ValueError(
            f"brightest must be brighter than the survey's limit {limit}, got "
            f"{cluster.brightest}"
        )
    dust = _dust(rng, cluster)
    number = max(64, 8 * cluster.n_members)
    while True:
        offsets = draw_positions(rng, cluster.profile, number, cluster.radius)
        screened = dust(*offsets.T) * rng.uniform(*SCREENED, number)
        magnitude = draw_magnitudes(
            rng, number, slope=cluster.slope, bright=brightest, faint=limit + DEPTH
        )
        magnitude = magnitude + extinction_ratio * screened
        magnitude[0] = brightest
        bright = np.cumsum(magnitude < limit)
        if bright[-1] >= cluster.n_members:
            break
        number *= 2
        if number > LARGEST:
            raise ValueError(
                f"n_members={cluster.n_members} cannot be reached: behind the "
                f"extinction of {cluster.extinction} hardly any member is brighter "
                f"than the survey's limit {limit}"
            )
    last = np.searchsorted(bright, cluster.n_members, side="left") + 1
    members = {
        "dx": offsets[:last, 0],
        "dy": offsets[:last, 1],
        "mag": magnitude[:last],
        "extinction": screened[:last],
    }
    return members, dust


def _dust(rng, cluster):
    """Return the cloud of a cluster: textured, denser in the middle."""
    reach, samples = CLOUD_REACH * cluster.radius, 65
    step = 2 * reach / (samples - 1)
    texture = np.exp(0.5 * random_field(rng, (samples, samples)))
    axis = np.linspace(-reach, reach, samples)
    radius = np.hypot(axis, axis[:, np.newaxis]) / cluster.radius
    values = cloud_envelope(radius) * texture
    inner = radius < 1
    depth = cluster.extinction.to_value(u.mag)
    values *= depth / (BEFORE_MEMBERS * values[inner].mean())
    return Screen(values.astype(np.float32), -reach, -reach, step)


def cloud_envelope(radius):
    """Return the mean profile of a cloud; radii are in half-number radii."""
    return np.exp(-0.5 * (radius / CLOUD) ** 2)


def place_cluster(rng, cluster, wcs, shape, pixel_scale, taken=(), allowed=None):
    """
    Return the centre of a cluster in pixels, its own or a random one.

    A random one lies on ``allowed`` pixels, (ny, nx) bool, and, if possible, away from
    the edges and from those ``taken``, ``(x, y, radius)`` in pixels. Raises ValueError
    if its own lies outside the image.
    """
    if cluster.center is not None:
        x, y = (float(value) for value in wcs.world_to_pixel(cluster.center))
        if not (-0.5 <= x < shape[1] - 0.5 and -0.5 <= y < shape[0] - 0.5):
            raise ValueError(
                f"center must lie on the image of {shape[1]} x {shape[0]} pixels, got "
                f"{cluster.center!r}, which is pixel x={x:.1f}, y={y:.1f}"
            )
        return x, y
    radius = cluster.radius / pixel_scale
    sides = np.array(shape[::-1])
    margin = np.minimum(1.5 * radius + 8, 0.3 * sides)
    best, best_room = None, -np.inf
    for _ in range(40):
        x, y = rng.uniform(margin, sides - 1 - margin)
        room = min(
            (np.hypot(x - a, y - b) - 2 * (radius + other) for a, b, other in taken),
            default=1.0,
        )
        if allowed is not None and not allowed[round(y), round(x)]:
            room = -1e9
        if room > best_room:
            best, best_room = (float(x), float(y)), room
        if room > 0:
            break
    if allowed is not None and not allowed[round(best[1]), round(best[0])]:
        rows, columns = np.nonzero(allowed)
        chosen = rng.integers(rows.size)
        return float(columns[chosen]), float(rows[chosen])
    return best
