# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Compare mock tiles with real ones: numbers, and a contact sheet to look at; time them.

Usage: ``python benchmarks/mock_against_real.py [contact-sheet.png]``. The real tiles
are found through the environment variable ``ASTRO_VAECLUST_DATA``: 2MASS tiles around
M17, an arcminute of UKIDSS on the Crab nebula and a VISTA field away from the plane.
Levels are in units of the noise, so that zero points and units do not matter. For each
2MASS tile without a nebula, the ratio of mock to real is taken over several mock tiles.
"""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import astropy.units as u
import numpy as np
import photutils
from astropy.io import fits
from astropy.stats import mad_std
from photutils.background import Background2D
from photutils.detection import DAOStarFinder
from scipy.spatial import cKDTree

from astro_vaeclust.photometry.surveys import get_survey
from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.simulation.rendering import PointSpread

TWINS = {
    "350080": {"density": 4.84, "extinction": 0.7},
    "350092": {"density": 4.97, "extinction": 0.6},
    "430092": {"density": 5.15, "extinction": 0.4},
    "440186": {"density": 5.12, "extinction": 0.5},
    "440198": {"density": 5.10, "extinction": 0.3},
    "420186": {"density": 4.97, "extinction": 1.2},
}
"""Real tiles with the density and extinction (mag) of the mock tile to hold against
each; the last one has a nebula."""

SEEDS = range(10, 18)
"""Seeds of the mock tiles over which ratios are taken."""

MAGNITUDES = {"2mass-ks": (9, 14), "ukidss-k": (13, 18), "vvv-ks": (13, 18)}
"""Ends of the magnitudes to which stars are counted."""


@dataclass(frozen=True)
class Tile:
    """An image with what is needed to measure it."""

    name: str
    survey: str
    data: np.ndarray
    zero_point: float

    @property
    def fwhm(self):
        """Full width at half maximum of a star in pixels (float)."""
        survey = get_survey(self.survey)
        return np.mean(survey.fwhm) / survey.pixel_scale


def data_folder():
    fallback = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("ASTRO_VAECLUST_DATA", fallback))


def mock(name, survey, **settings):
    tile = simulate_tile(survey=survey, **settings)
    return Tile(name, survey, tile.image.data.astype(float), tile.image.meta["MAGZP"])


def two_mass_pairs():
    nebulous = MockCluster(
        n_members=60,
        half_number_radius=60 * u.arcsec,
        nebulosity="offset",
        nebula_brightness=15.5 * u.mag / u.arcsec**2,
        nebula_radius=110 * u.arcsec,
    )
    for seed, (name, settings) in enumerate(TWINS.items()):
        (path,) = (data_folder() / "m17_2mass_k").glob(f"*{name}.fits.gz")
        with fits.open(path) as files:
            data, zero_point = files[0].data.astype(float), files[0].header["MAGZP"]
        yield (
            Tile(f"2MASS {name}", "2mass-ks", data, zero_point),
            mock(
                f"mock of {name}",
                "2mass-ks",
                density=settings["density"],
                extinction=settings["extinction"] * u.mag,
                clusters=nebulous if name == "420186" else 0,
                seed=seed,
            ),
        )


def other_pairs():
    with fits.open(data_folder() / "ukidss_crab" / "image.fits") as files:
        crab = files[1].data.astype(float)
        # MAGZPT is for counts per second and microstepped pixels.
        zero_point = files[1].header["MAGZPT"] - 0.7
    yield (
        Tile("UKIDSS Crab", "ukidss-k", crab, zero_point),
        mock(
            "mock of UKIDSS",
            "ukidss-k",
            shape=crab.shape,
            density=3.6,
            nulls=["nebula"],
            seed=3,
        ),
    )
    with fits.open(data_folder() / "vista_viking" / "Ks_no_wcs.fits") as files:
        field = files[1].data.astype(float)[:1200, :1200]
    yield (
        Tile("VISTA field", "vvv-ks", field, np.nan),
        mock(
            "mock of VISTA",
            "vvv-ks",
            shape=(1200, 1200),
            density=2.7,
            extinction=0 * u.mag,
            seed=4,
        ),
    )


def measure(tile):
    """Return what a tile looks like in numbers."""
    bad = ~np.isfinite(tile.data)
    data = np.where(bad, np.median(tile.data[~bad]), tile.data)
    data = data[:, 8 : data.shape[1] - 8]
    box = int(min(23 * tile.fwhm, data.shape[0] / 3))
    background = Background2D(data, box, exclude_percentile=50).background
    residual = data - background
    noise = dark_noise(residual)
    with photutils.use_future_column_names():
        table = DAOStarFinder(5 * noise[0], tile.fwhm)(residual)
    x, y = np.array(table["x_centroid"]), np.array(table["y_centroid"])
    peak = np.array(table["peak"])
    survey = get_survey(tile.survey)
    central = PointSpread.from_survey(survey, np.mean(survey.fwhm)).stamp().max()
    magnitude = tile.zero_point - 2.5 * np.log10(np.maximum(peak, 1e-3) / central)
    # Without a zero point the counts are zero.
    low, high = MAGNITUDES[tile.survey]
    counts = [int(np.sum(magnitude < limit)) for limit in range(low, high + 1)]
    # The brighter half of the stars: nearest neighbours there are not blends.
    bright = peak > (np.median(peak) if len(peak) < 2000 else np.sort(peak)[-2000])
    positions = np.column_stack([x, y])[bright]
    distance = cKDTree(positions).query(positions, 2)[0][:, 1]
    poisson = 0.5 * np.sqrt(data.size / len(positions))
    cells = np.histogram2d(y[bright], x[bright], bins=(16, 8))[0]
    levels = np.percentile(residual, [1, 5, 16, 50, 84, 95, 99, 99.9])
    return {
        "percentiles": levels / noise[0],
        "noise": noise,
        "power": noise_power(residual),
        "counts": counts,
        "nearest/poisson": [
            np.median(distance) / poisson / 0.94,
            np.percentile(distance, 10) / poisson / 0.37,
        ],
        "clumping": [cells.var() / cells.mean()],
        "elongation": [elongation(residual, x, y, peak, tile.fwhm)],
        "sky drift": [np.ptp(np.percentile(background, [2, 98])) / noise[0]],
    }


def elongation(residual, x, y, peak, fwhm):
    """Return one minus the ratio of the axes of the median of 200 bright stars."""
    reach = round(1.4 * fwhm)
    inside = (np.minimum(x, y) > reach) & (x < residual.shape[1] - reach - 1)
    inside &= (y < residual.shape[0] - reach - 1) & (peak < 0.3 * peak.max())
    order = np.flatnonzero(inside)[np.argsort(peak[inside])[::-1]][:200]
    stamps = []
    for column, row in zip(np.rint(x[order]), np.rint(y[order]), strict=True):
        top, left = int(row) - reach, int(column) - reach
        stamp = residual[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
        stamps.append(stamp / stamp.max())
    light = np.clip(np.median(stamps, axis=0) - 0.15, 0, None)
    rows, columns = np.mgrid[: light.shape[0], : light.shape[1]]
    covariance = np.cov(
        np.stack([rows.ravel(), columns.ravel()]), aweights=light.ravel()
    )
    minor, major = np.sqrt(np.linalg.eigvalsh(covariance))
    return 1 - minor / major


def dark_noise(residual):
    """Return the noise (adu) and correlation at lags 1, 2, 3 of the darkest boxes."""
    boxes = dark_boxes(residual)
    deviation = np.median([mad_std(box) for box in boxes])
    lags = []
    for lag in (1, 2, 3):
        pairs = [np.mean(box[:, lag:] * box[:, :-lag]) / box.var() for box in boxes]
        lags.append(np.median(pairs))
    return [deviation, *lags]


def noise_power(residual):
    """Return the power at 16, 8, 4, 2.7 and 2.1 pixels, relative to that at 8."""
    boxes = np.array(dark_boxes(residual))
    window = np.hanning(16)[:, np.newaxis] * np.hanning(16)
    power = np.median(np.abs(np.fft.fft2(boxes * window)) ** 2, axis=0)
    profile = (power[:9, 0] + power[0, :9]) / 2
    return profile[[1, 2, 4, 6, 8]] / profile[2]


def dark_boxes(residual, side=16, fraction=0.03):
    """Return the quietest boxes of an image, each with its plane subtracted."""
    rows, columns = (length // side for length in residual.shape)
    boxes = residual[: rows * side, : columns * side]
    boxes = boxes.reshape(rows, side, columns, side).swapaxes(1, 2)
    boxes = boxes.reshape(-1, side, side)
    quiet = np.argsort(boxes.std(axis=(1, 2)))[: max(8, int(fraction * len(boxes)))]
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    flat = []
    for box in boxes[quiet]:
        slope_y, slope_x = (np.sum(box * t) / np.sum(t * t) for t in (y, x))
        flat.append(box - box.mean() - slope_y * y - slope_x * x)
    return flat


def contact_sheet(pairs, path):
    """Draw each real tile with its mock beside it."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from astropy.visualization import AsinhStretch, ImageNormalize, ZScaleInterval

    columns = 4
    rows = (len(pairs) * 2 + columns - 1) // columns
    figure, axes = plt.subplots(rows, columns, figsize=(3.4 * columns, 5 * rows))
    for axis in axes.flat:
        axis.axis("off")
    for axis, tile in zip(axes.flat, (t for pair in pairs for t in pair), strict=False):
        low, high = ZScaleInterval().get_limits(tile.data[np.isfinite(tile.data)])
        norm = ImageNormalize(
            vmin=low, vmax=low + 4 * (high - low), stretch=AsinhStretch(0.1)
        )
        axis.imshow(tile.data, origin="lower", cmap="gray", norm=norm)
        axis.set_title(tile.name, fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=75)


def print_ratios(pairs):
    """Print mock over real: the median, least and largest of several mock tiles."""
    print(f"\nmock / real: median, least and largest of {len(SEEDS)} mock tiles")
    for real, _ in pairs:
        name = real.name.removeprefix("2MASS ")
        if name not in TWINS or name == "420186":
            continue
        settings = TWINS[name] | {"extinction": TWINS[name]["extinction"] * u.mag}
        expected = measure(real)
        mocks = [measure(mock("", "2mass-ks", seed=seed, **settings)) for seed in SEEDS]
        print(f"\n{real.name}")
        for quantity, values in expected.items():
            ratio = np.array([found[quantity] for found in mocks]) / values
            for label, statistic in (
                (quantity, np.median),
                ("", np.min),
                ("", np.max),
            ):
                row = statistic(ratio, axis=0)
                print(f"  {label:16s}", *(f"{value:9.2f}" for value in row))


def time_tiles():
    """Print seconds of one core, against area and against the number of stars."""
    print("\nseconds of one core for a tile with a cluster (best of 5)")
    print("  survey        rows columns density    stars  seconds  us/pixel")
    for survey, shape, density in (
        ("2mass-ks", (1024, 512), 4.2),
        ("2mass-ks", (1024, 1024), 4.2),
        ("2mass-ks", (2048, 1024), 4.2),
        ("2mass-ks", (2048, 2048), 4.2),
        ("2mass-ks", (1024, 512), 3.2),
        ("2mass-ks", (1024, 512), 4.7),
        ("2mass-ks", (1024, 512), 5.2),
        ("2mass-ks", (1024, 512), 5.7),
        ("2mass-ks", (1024, 512), 6.2),
        ("ukidss-k", (1800, 1800), 4.2),
        ("vvv-ks", (1059, 1059), 4.2),
    ):
        best = np.inf
        for seed in range(5):
            start = time.process_time()
            tile = simulate_tile(
                survey=survey,
                shape=shape,
                density=density,
                clusters=MockCluster(),
                seed=seed,
            )
            best = min(best, time.process_time() - start)
        each = 1e6 * best / np.prod(shape)
        print(
            f"  {survey:12s} {shape[0]:5d} {shape[1]:7d} {density:7.1f} "
            f"{len(tile.stars):8d} {best:8.2f} {each:9.2f}"
        )


def main():
    pairs = [*two_mass_pairs(), *other_pairs()]
    print("stars are DAOStarFinder peaks above 5 sigma; magnitudes from their peaks")
    for tile in (tile for pair in pairs for tile in pair):
        print(f"\n{tile.name}")
        for quantity, values in measure(tile).items():
            print(f"  {quantity:16s}", *(f"{value:9.3g}" for value in values))
    print_ratios(pairs)
    time_tiles()
    if len(sys.argv) > 1:
        contact_sheet(pairs, sys.argv[1])


if __name__ == "__main__":
    main()
