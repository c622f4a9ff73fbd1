# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
On which assumptions of the mock sky the measured radii and members lean.

Usage: ``python benchmarks/radius_trials.py [--clusters 120] [--trials NAME ...]``. Each
trial changes one thing, and the last ones more, of a tile of 2MASS with one cluster, of
40 to 300 members and a half-number radius of 12" to 50", among the same random numbers.
Printed are medians of the decimal logarithms of measured over true radii and members
with their errors, of the network and of the fit of a Plummer profile to sources, and in
``change`` the median of the differences of r50 of the network from the first trial,
cluster by cluster. A trial of 120 clusters takes about 40 s on one core.
"""

import argparse
import sys
import warnings
from dataclasses import dataclass, field, replace
from unittest.mock import patch

import astropy.units as u
import numpy as np
from astropy.stats import mad_std
from astropy.table import Table
from tqdm import tqdm

from astro_vaeclust import NoDetectionsWarning, VAEClusterFinder
from astro_vaeclust.simulation import SURVEYS, simulate_tile
from astro_vaeclust.simulation import members as mock_members
from astro_vaeclust.simulation.clusters import draw_clusters

FIRST_SEED = 2_700_000
SHAPE = (512, 512)
SURVEY = SURVEYS["2mass-ks"]
RATE = 10 / u.deg**2
FWHM = 2.8
"""Width of the stars in pixels, which is not measured on every tile."""

MATCH = 30.0
"""Offset in arcsec, or r50 where that is larger, up to which a cluster is found."""

MEASURES = ("r50", "r80", "members", "r50_counts")


@dataclass(frozen=True)
class Trial:
    """What differs from the first trial: of the cluster, the survey and the tile."""

    cluster: dict = field(default_factory=dict)
    survey: dict = field(default_factory=dict)
    tile: dict = field(default_factory=dict)
    depth: float = mock_members.DEPTH

    def simulate(self, seed):
        """Return the tile of a seed."""
        cluster = replace(draw_cluster(seed), **self.cluster)
        with patch.object(mock_members, "DEPTH", self.depth):
            return simulate_tile(
                survey=replace(SURVEY, **self.survey),
                shape=SHAPE,
                clusters=cluster,
                seed=seed,
                **self.tile,
            )


def scaled(name, factor):
    """Return a setting of the survey times a factor (dict)."""
    return {name: tuple(factor * np.array(getattr(SURVEY, name)))}


BARE = {"extinction": 0 * u.mag}
POISSON = {"extinction": 0 * u.mag, "gradient": 0.0}
SHAPES = ("plummer", "king", "fractal")
TRIALS = {
    "as the training sky": Trial(),
    "no cloud": Trial(cluster=BARE),
    "members to the limit": Trial(depth=0.01),
    "members to 1 mag below": Trial(depth=1.0),
    "members to 4 mag below": Trial(depth=4.0),
    "slope 0.2": Trial(cluster={"slope": 0.2}),
    "slope 0.5": Trial(cluster={"slope": 0.5}),
    "no halo of stars": Trial(survey={"halo_fraction": 0.0}),
    "halo of 0.2": Trial(survey={"halo_fraction": 0.2}),
    "noise times 0.6": Trial(survey=scaled("white_noise", 0.6)),
    "noise times 1.6": Trial(survey=scaled("white_noise", 1.6)),
    "no nebula": Trial(cluster={"nebulosity": "none"}),
    "in a nebula": Trial(cluster={"nebulosity": "embedded"}),
    **{f"profile {name}": Trial(cluster={"profile": name}) for name in SHAPES},
    "Poisson field": Trial(tile=POISSON),
    "field of 10^3.7": Trial(tile={"density": 3.7}),
    "field of 10^4.7": Trial(tile={"density": 4.7}),
    "no cloud, no nebula, Poisson field": Trial(
        cluster=BARE | {"nebulosity": "none"}, tile=POISSON
    ),
    "no cloud, profile plummer": Trial(cluster=BARE | {"profile": "plummer"}),
}


def draw_cluster(seed):
    """Return the cluster of a seed: as in training, but for number and radius."""
    rng = np.random.default_rng(seed)
    [cluster] = draw_clusters(rng, 1)
    number, radius = np.exp(rng.uniform(np.log([40, 12]), np.log([300, 50])))
    expected = SURVEY.limit - np.log10(number) / cluster.slope
    brightest = np.clip(expected + rng.normal(0, 0.8), 7, 11)
    return replace(
        cluster,
        n_members=round(number),
        half_number_radius=radius * u.arcsec,
        nebula_radius=radius * np.exp(rng.uniform(-0.7, 1.1)) * u.arcsec,
        brightest=brightest * u.mag,
    )


def measure(tile, finder):
    """Return log10 of measured over true values, (4,); NaN for what there is not."""
    truth = tile.clusters[0]
    with warnings.catch_warnings(action="ignore", category=NoDetectionsWarning):
        catalog = finder.detect(tile.image)
    offset = truth["sky_center"].separation(catalog["sky_center"]).to_value(u.arcsec)
    if not np.any(offset <= max(MATCH, truth["r50"].value)):
        return np.full(len(MEASURES), np.nan)
    row = catalog[int(np.argmin(offset))]
    counted = catalog.profile(row["id"]).r50_counts
    return np.log10(
        [
            row["r50"] / truth["r50"],
            row["radius"] / truth["r80"],
            row["n_members"] / truth["n_members"],
            counted / truth["r50"],
        ]
    )


def median(values):
    """Return the median with its error, 1.25 times that of the mean, as text."""
    values = values[np.isfinite(values)]
    error = 1.2533 * mad_std(values) / np.sqrt(len(values))
    return f"{np.median(values):+.3f} ± {error:.3f}"


def row_of(name, logs, first):
    """Return a row of the printed table (dict)."""
    return {
        "trial": name,
        "found": f"{np.isfinite(logs[:, 0]).mean():.2f}",
        **{measure: median(logs[:, i]) for i, measure in enumerate(MEASURES)},
        "change": median(logs[:, 0] - first[:, 0]),
    }


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clusters", type=int, default=120)
    parser.add_argument("--trials", nargs="+", choices=TRIALS, default=list(TRIALS))
    arguments = parser.parse_args(argv)
    finder = VAEClusterFinder(max_false_alarm_rate=RATE, fwhm=FWHM)
    logs = {name: [] for name in arguments.trials}
    for seed in tqdm(range(FIRST_SEED, FIRST_SEED + arguments.clusters)):
        for name, measured in logs.items():
            measured.append(measure(TRIALS[name].simulate(seed), finder))
    logs = {name: np.array(measured) for name, measured in logs.items()}
    first = logs[arguments.trials[0]]
    rows = [row_of(name, measured, first) for name, measured in logs.items()]
    Table(rows).pprint_all(align="<")


if __name__ == "__main__":
    sys.exit(main())
