# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Compare mock 2MASS tiles with real ones: numbers, and a contact sheet to look at.

Usage: ``python benchmarks/mock_against_real.py [contact-sheet.png]``. The real tiles
are found through the environment variable ``ASTRO_VAECLUST_DATA``.
"""

import os
import sys
import time
from pathlib import Path

import astropy.units as u
import numpy as np
import photutils
from astropy.io import fits
from astropy.stats import mad_std
from photutils.background import Background2D
from photutils.detection import DAOStarFinder
from scipy.spatial import cKDTree

from astro_vaeclust.simulation import MockCluster, simulate_tile

FOLDER = "m17_2mass_k"
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


def data_folder():
    fallback = Path(__file__).resolve().parents[2] / "shared" / "data"
    return Path(os.environ.get("ASTRO_VAECLUST_DATA", fallback)) / FOLDER


def real_tiles():
    for name in TWINS:
        (path,) = data_folder().glob(f"*{name}.fits.gz")
        with fits.open(path) as files:
            yield name, files[0].data.astype(float), files[0].header["MAGZP"]


def mock_tiles():
    nebulous = MockCluster(
        n_members=60,
        half_number_radius=60 * u.arcsec,
        nebulosity="offset",
        nebula_brightness=15.5 * u.mag / u.arcsec**2,
        nebula_radius=110 * u.arcsec,
    )
    for seed, (name, settings) in enumerate(TWINS.items()):
        tile = simulate_tile(
            density=settings["density"],
            extinction=settings["extinction"] * u.mag,
            clusters=nebulous if name == "420186" else 0,
            seed=seed,
        )
        data = tile.image.data.astype(float)
        yield f"mock of {name}", data, tile.image.meta["MAGZP"]


def measure(data, zero_point):
    """Return what a tile looks like in numbers."""
    bad = ~np.isfinite(data)
    data = np.where(bad, np.median(data[~bad]), data)[:, 8:504]
    background = Background2D(data, 64, exclude_percentile=50).background
    residual = data - background
    with photutils.use_future_column_names():
        table = DAOStarFinder(5.0, 2.8)(residual)
    x, y = np.array(table["x_centroid"]), np.array(table["y_centroid"])
    peak = np.array(table["peak"])
    # A star of magnitude m has its peak near 0.105 of its light.
    magnitude = zero_point - 2.5 * np.log10(np.maximum(peak, 1e-3) / 0.105)
    counts = [int(np.sum(magnitude < limit)) for limit in (9, 10, 11, 12, 13, 14)]
    bright = magnitude < 13
    places = np.column_stack([x, y])[bright]
    distance = cKDTree(places).query(places, 2)[0][:, 1]
    poisson = 0.5 * np.sqrt(data.size / len(places))
    cells = np.histogram2d(y[bright], x[bright], bins=(16, 8))[0]
    return {
        "percentiles": np.percentile(residual, [1, 5, 16, 50, 84, 95, 99, 99.9]),
        "noise": dark_noise(residual),
        "power": noise_power(residual),
        "counts": counts,
        "nearest/poisson": [
            np.median(distance) / poisson / 0.94,
            np.percentile(distance, 10) / poisson / 0.37,
        ],
        "clumping": [cells.var() / cells.mean()],
        "sky drift": [np.ptp(np.percentile(background, [2, 98]))],
    }


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


def dark_boxes(residual, side=16, share=0.03):
    """Return the quietest boxes of an image, each with its plane subtracted."""
    rows, columns = (length // side for length in residual.shape)
    boxes = residual[: rows * side, : columns * side]
    boxes = boxes.reshape(rows, side, columns, side).swapaxes(1, 2)
    boxes = boxes.reshape(-1, side, side)
    quiet = np.argsort(boxes.std(axis=(1, 2)))[: max(8, int(share * len(boxes)))]
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    flat = []
    for box in boxes[quiet]:
        slope_y, slope_x = (np.sum(box * t) / np.sum(t * t) for t in (y, x))
        flat.append(box - box.mean() - slope_y * y - slope_x * x)
    return flat


def contact_sheet(tiles, path):
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from astropy.visualization import AsinhStretch, ImageNormalize, ZScaleInterval

    half = (len(tiles) + 1) // 2
    figure, axes = plt.subplots(2, half, figsize=(3.4 * half, 13.5))
    for axis, (name, data, _) in zip(axes.flat, tiles, strict=False):
        low, high = ZScaleInterval().get_limits(data[np.isfinite(data)])
        norm = ImageNormalize(
            vmin=low, vmax=low + 4 * (high - low), stretch=AsinhStretch(0.1)
        )
        axis.imshow(data, origin="lower", cmap="gray", norm=norm)
        axis.set_title(name, fontsize=8)
        axis.axis("off")
    figure.tight_layout()
    figure.savefig(path, dpi=75)


def time_tiles():
    print("\nseconds for a tile (best of 3)")
    for shape, density in (
        ((1024, 512), 3.2),
        ((1024, 512), 4.2),
        ((1024, 512), 4.7),
        ((1024, 1024), 4.2),
        ((2048, 2048), 4.2),
    ):
        best = np.inf
        for seed in range(3):
            start = time.perf_counter()
            simulate_tile(shape=shape, density=density, clusters=1, seed=seed)
            best = min(best, time.perf_counter() - start)
        print(f"  {shape} at {density}: {best:.2f}")


def main():
    real = list(real_tiles())
    mock = list(mock_tiles())
    print("stars are DAOStarFinder peaks above 5 adu; magnitudes from their peaks")
    for name, data, zero_point in (
        tile for pair in zip(real, mock, strict=True) for tile in pair
    ):
        print(f"\n{name}")
        for quantity, values in measure(data, zero_point).items():
            print(f"  {quantity:16s}", *(f"{value:9.3g}" for value in values))
    time_tiles()
    if len(sys.argv) > 1:
        contact_sheet([*real, *mock], sys.argv[1])


if __name__ == "__main__":
    main()
