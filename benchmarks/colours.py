# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Compare the colours of mock skies with those of real star lists.

Usage: ``python benchmarks/colours.py [diagrams.png]``. The lists are found through the
environment variable ``ASTRO_VAECLUST_DATA``: 2MASS at l = 35 deg in the plane (W44), in
Perseus (l = 158, b = -21 deg) and at l = 224, b = +22 deg; UKIDSS at l = 23 deg; and
the members of IC 348 and NGC 1333 of Luhman et al. 2016, ApJ 827, 52.

A mock sky has the density of the list and clouds of an extinction from elsewhere, see
``CLOUDS``; nothing of it is fitted to colours. Stars count to the limit of the survey
in all bands; those of mocks have photometric errors of 0.025 mag, and of 0.07 at the
limit. Printed are medians and half the 16 to 84 per cent range, of mocks the median
and the range over the tiles. Q is
(J - H) - 1.75 (H - Ks), which extinction leaves alone; what is below -0.2 has an excess
in Ks.
"""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.table import Table

from astro_vaeclust.simulation import SURVEYS, MockCluster, simulate_tile

TILES = 6
BANDS = ("J", "H", "Ks")
SURVEY = {
    "2mass": ("2mass-j", "2mass-h", "2mass-ks"),
    "ukidss": ("ukidss-j", "ukidss-h", "ukidss-k"),
}
BRIGHT = {"2mass": 7.0, "ukidss": 12.0}
SLOPE, EXCESS = 1.75, -0.2
CLOUDS = {
    "plane, l = 35": (0.1, 0.8),
    "plane, l = 23": (0.1, 0.8),
    "Perseus": (0.1, 0.2),
    "l = 224, b = 22": (0.01, 0.02),
    "IC 348": (0.27, 0.27),
    "NGC 1333": (0.32, 0.32),
}
"""
Extinction in Ks: of the plane the range of mock tiles, of Perseus an A_V of 1 to 2 of
its cloud, of l = 224 the far infrared (Schlafly & Finkbeiner 2011, ApJ 737, 103), of
the clusters the median A_J of the spectroscopy of their members.
"""

DISTANCE = {"IC 348": 0.32, "NGC 1333": 0.30}
"""Distances of the clusters in kpc (Ortiz-Leon et al. 2018, ApJ 865, 73)."""

CONE = 2 / 60
"""Radius in deg of the list of UKIDSS."""


@dataclass
class Stars:
    """J, H and Ks of stars, (3, n), of a survey; the area in deg2 if it is known."""

    magnitudes: np.ndarray
    survey: str
    area: float = np.nan

    def counted(self):
        """Return those within the limits of the survey in all bands."""
        limits = [SURVEYS[name].limit for name in SURVEY[self.survey]]
        good = (limits > self.magnitudes.T).all(axis=1)
        return self.magnitudes[:, good & (self.magnitudes[2] > BRIGHT[self.survey])]

    def measures(self):
        """Return the numbers that are compared (dict of float)."""
        j, h, k = self.counted()
        limit = SURVEYS[SURVEY[self.survey][2]].limit
        seen = self.magnitudes[2][self.magnitudes[2] > BRIGHT[self.survey]] < limit
        found = {"in J and H too": j.size / seen.sum()}
        q = (j - h) - SLOPE * (h - k)
        for name, color in (("J-H", j - h), ("H-Ks", h - k), ("Q", q)):
            low, middle, high = np.percentile(color, [16, 50, 84])
            found |= {f"{name} median": middle, f"{name} width": (high - low) / 2}
        return found | {"with excess": np.mean(q < EXCESS)}


def filled(column):
    return np.ma.filled(np.ma.asarray(column, dtype=float), np.nan)


def read_2mass(path, area):
    """Read a list of 2MASS without upper limits."""
    options = {"format": "ascii.csv"} if ".csv" in path.name else {}
    table = Table.read(path, **options)
    magnitudes = np.array([filled(table[f"{band}mag"]) for band in "JHK"])
    flags = np.array([list(str(flag).ljust(3)) for flag in table["Qflg"]]).T
    magnitudes[(flags == "U") | (flags == "X")] = np.nan
    return Stars(magnitudes, "2mass", area)


def read_ukidss(path):
    table = Table.read(path, use_names_over_ids=True)
    names = ("JAPERMAG3", "HAPERMAG3", "K_1APERMAG3")
    magnitudes = np.array([filled(table[name]) for name in names])
    magnitudes[magnitudes < 0] = np.nan
    return Stars(magnitudes, "ukidss", np.pi * CONE**2)


def read_members(path):
    table = Table.read(path, format="ascii.mrt")
    magnitudes = np.array([filled(table[f"{band}mag"]) for band in BANDS])
    return Stars(magnitudes, "2mass")


def real_fields(folder):
    return {
        "plane, l = 35": read_2mass(folder / "tables/psc_w44_tile.vot.gz", 0.0404),
        "Perseus": read_2mass(folder / "ngc1333_2mass_psc/2mass.csv.gz", np.pi),
        "l = 224, b = 22": read_2mass(folder / "tables/psc_cds_form.vot.gz", 0.21),
        "plane, l = 23": read_ukidss(
            folder / "g23_ukidss_gps/G23.01-0.41_UKIDSS_cat.vot.gz"
        ),
    }


def density(stars):
    """Return log10 N(Ks < 14) / deg2, for UKIDSS from the stars of 12 to 14 mag."""
    k = stars.magnitudes[2]
    if stars.survey == "2mass":
        return np.log10(np.sum(k < 14) / stars.area)
    # Slopes of the counts of mock fields: 0.77 of the stars to 14 are beyond 12.
    return np.log10(np.sum((k < 14) & (k > 12)) / 0.77 / stars.area)


def observed(rng, table, names, survey):
    """Return magnitudes of a mock table with photometric errors, as Stars."""
    magnitudes = np.array([table[f"mag_{band}"].value for band in names])
    limits = np.array([SURVEYS[name].limit for name in SURVEY[survey]])[:, np.newaxis]
    error = np.hypot(0.025, 0.07 * 10 ** (0.4 * np.minimum(magnitudes - limits, 5)))
    return Stars(magnitudes + error * rng.standard_normal(error.shape), survey)


def mock_field(name, stars, seed):
    """Return a mock field of the density of a list."""
    rng = np.random.default_rng(seed)
    side = np.sqrt(min(stars.area, 0.25)) * 3600
    side = int(side / SURVEYS[SURVEY[stars.survey][0]].pixel_scale)
    tile = simulate_tile(
        survey=SURVEY[stars.survey],
        shape=(side, side),
        density=density(stars),
        extinction=rng.uniform(*CLOUDS[name]) * u.mag,
        artefacts=(),
        seed=seed,
    )
    stars_only = tile.stars[~tile.stars["is_galaxy"]]
    return observed(rng, stars_only, tile.images, stars.survey)


def mock_members(name, seed):
    """Return the members of a mock cluster as near as a real one."""
    rng = np.random.default_rng(seed)
    radius = np.exp(rng.uniform(*np.log([0.3, 1.0]))) / DISTANCE[name] * 206.265
    cluster = MockCluster(
        n_members=300,
        half_number_radius=min(radius, 400) * u.arcsec,
        brightest=7 * u.mag,
        extinction=rng.uniform(*CLOUDS[name]) * u.mag,
    )
    tile = simulate_tile(
        survey=SURVEY["2mass"], shape=(800, 800), clusters=cluster, density=2.0,
        artefacts=(), seed=seed,
    )  # fmt: skip
    members = tile.stars[tile.stars["is_member"]]
    return observed(rng, members, tile.images, "2mass")


def report(name, real, mocks):
    print(f"\n{name}: {real.counted().shape[1]} stars")
    values = [mock.measures() for mock in mocks]
    for measure, value in real.measures().items():
        drawn = np.array([one[measure] for one in values])
        ends = f"{drawn.min():.2f} to {drawn.max():.2f}"
        print(f"  {measure:16} {value:6.2f}   mock {np.median(drawn):6.2f} ({ends})")


def diagrams(pairs, path):
    """Draw colour-colour and colour-magnitude diagrams, real beside mock."""
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(pairs), 4, figsize=(17, 4.2 * len(pairs)))
    for row, (name, (real, mocks)) in zip(axes, pairs.items(), strict=True):
        number = real.counted().shape[1]
        drawn = np.hstack([mock.counted() for mock in mocks])
        keep = np.random.default_rng(0).permutation(drawn.shape[1])[:number]
        for column, (title, (j, h, k)) in enumerate(
            (("real", real.counted()), ("mock", drawn[:, keep]))
        ):
            size = 1.2 if number > 1500 else 4
            row[column].plot(h - k, j - h, ".k", markersize=size)
            row[column].plot([0.15, 2.15], [0.6, 0.6 + 2 * SLOPE], "r", linewidth=0.7)
            row[column].set(xlim=(-0.3, 3), ylim=(-0.3, 4.2), xlabel="H - Ks")
            row[column + 2].plot(j - k, k, ".k", markersize=size)
            row[column + 2].set(xlim=(-0.3, 6), ylim=(18, 7), xlabel="J - Ks")
            row[column].set_title(f"{name}: {title}")
            row[column + 2].set_title(f"{name}: {title}")
    figure.tight_layout()
    figure.savefig(path, dpi=60)


def main(path=None):
    folder = Path(os.environ["ASTRO_VAECLUST_DATA"])
    pairs = {}
    for name, real in real_fields(folder).items():
        print(name, f"log N(Ks < 14) = {density(real):.2f}")
        pairs[name] = real, [mock_field(name, real, seed) for seed in range(TILES)]
    for name, file in (("IC 348", "ic348"), ("NGC 1333", "ngc1333")):
        real = read_members(folder / f"members/{file}_luhman2016.mrt.gz")
        pairs[name] = real, [mock_members(name, seed) for seed in range(TILES)]
    for name, (real, mocks) in pairs.items():
        report(name, real, mocks)
    if path:
        diagrams(pairs, path)


if __name__ == "__main__":
    main(*sys.argv[1:])
