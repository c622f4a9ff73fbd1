# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
How well clusters of every size are found and measured, on mock mosaics.

Usage: ``python benchmarks/sizes.py [--part clusters nulls tiles] [--number N]
[--folder DIR] [--survey TAG] [--workers 2] [--model FILE]``. Mosaics of 34' with
clusters of all sizes give completeness and measures; mosaics of 1.25 deg and tiles
without clusters give the rates of the whole search. Seeds begin at 1 000 000: nothing
is tuned there. Tables are kept in the folder, and the same command goes on after an
interrupt.

A detection is a cluster's where its centre is within the larger of r50 and 30" of the
true one, one to one, by falling score. A cluster's signal-to-noise is the number of its
members within r50 to the limit, over the root of the field stars there. Of a survey in
several bands, as 2mass-j+2mass-h+2mass-ks, mosaics with clusters have as many starless
clouds, and the extinctions are compared by level. Star counts see every fourth mosaic;
of each bandwidth the score counts that has the same number of false positives per area
on the mosaics without clusters.
"""

import argparse
import itertools
import warnings
from functools import partial
from pathlib import Path

import astropy.units as u
import numpy as np
from astropy.table import QTable, vstack

from astro_vaeclust import VAEClusterFinder
from astro_vaeclust.baselines import StarCounts
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.evaluation.assignment import judge_tile
from astro_vaeclust.images.read import read_image
from astro_vaeclust.matching.pairs import match_clusters
from astro_vaeclust.simulation.design import FIRST_SEED, mock_tile
from astro_vaeclust.simulation.mosaics import draw_mosaic
from astro_vaeclust.utils.files import atomic_path
from astro_vaeclust.utils.jobs import run_jobs

LIMIT = 10 / u.deg**2
RATES = (0.1, 1.0, 10.0)
N_CLUSTERS = 4
RIVALS_EVERY = 4
BANDWIDTHS = (16, 40, 100, 250, 600)
NUMBERS = {"clusters": 100, "nulls": 64, "tiles": 2500}
COLUMNS = (
    *("score", "false_alarm_rate", "r50", "r50_err", "n_members", "n_members_err"),
    *("part_of", "level", "flags", "a_k", "a_k_err"),
)
SIZES = (6, 30, 60, 120, 240, 600, 900)


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--part", nargs="+", choices=NUMBERS, default=list(NUMBERS))
    parser.add_argument("--number", type=int, help="of mosaics or tiles of a part")
    parser.add_argument("--survey", default="2mass-ks")
    parser.add_argument("--folder", type=Path, default=Path("sizes_results"))
    parser.add_argument("--model")
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args(argv)
    arguments.folder.mkdir(exist_ok=True)
    results = {}
    for part in arguments.part:
        number = arguments.number or NUMBERS[part]
        run = partial(
            search,
            part=part,
            folder=arguments.folder,
            survey=arguments.survey,
            model=arguments.model,
        )
        seeds = range(FIRST_SEED + 1, FIRST_SEED + 1 + 2 * number, 2)
        images = sorted(
            run_jobs(run, seeds, workers=arguments.workers),
            key=lambda one: one[0].meta["seed"],
        )
        results[part] = images
        area = sum(found.meta["area"] for found, _ in images)
        print(f"\n{part}: {number} images, {area:.1f} deg2", flush=True)
        if part == "clusters":
            report_clusters(images)
        else:
            report_rates(images, area)
    if {"clusters", "nulls"} <= set(results):
        report_rivals(results["clusters"], results["nulls"])


def search(seed, *, part, folder, survey, model):
    """Search one image, or take what is there; return detections and clusters."""
    paths = [
        folder / f"{part}-{survey}-{seed}-{name}.ecsv" for name in ("true", "found")
    ]
    if not paths[1].exists():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tile = _image(seed, part, survey)
            found = _detections(tile, seed, part, model)
            for path, table in zip(paths, (_truth(tile), found), strict=True):
                with atomic_path(path, overwrite=True) as temporary:
                    table.write(temporary, format="ascii.ecsv")
    return QTable.read(paths[1]), QTable.read(paths[0])


def _image(seed, part, survey):
    if part == "tiles":
        return mock_tile(seed, survey=survey)
    if part == "nulls":
        return draw_mosaic(seed, survey=survey, side=1.25 * u.deg)
    clouds = ("starless-cloud",) * (N_CLUSTERS if "+" in survey else 0)
    return draw_mosaic(
        seed, survey=survey, side=34 * u.arcmin, clusters=N_CLUSTERS, nulls=clouds
    )


def _detections(tile, seed, part, model):
    """Return the detections of all finders, each with its cluster."""
    image = read_image(tile.image)
    options = {"default": {}}
    finders = {
        "default": VAEClusterFinder(
            embedding=ConvVAE(model=model), max_false_alarm_rate=LIMIT
        )
    }
    if part != "tiles" and (seed // 2) % RIVALS_EVERY == 0:
        for width in BANDWIDTHS:
            finders[f"star counts {width}"] = StarCounts(
                threshold=2.0,
                bandwidth=width * u.arcsec,
                background_scale=max(150, 4 * width) * u.arcsec,
                cell_size=max(4, width / 4) * u.arcsec,
            )
        sources = finders[f"star counts {BANDWIDTHS[0]}"].find_sources(image)
        options |= {key: {"sources": sources} for key in finders} | options
    tables = []
    for name, finder in finders.items():
        in_color = name == "default" and len(tile.images) > 1
        searched = tile.images if in_color else tile.image
        table = finder.detect(searched, **options[name]).table
        matches = match_clusters(table, tile.clusters)
        kinds = judge_tile(0, table, tile.clusters, tile.nulls)[0]["kind"]
        table = table[[name for name in COLUMNS if name in table.colnames]]
        table["kind"] = kinds
        table["cluster"] = -1
        table["cluster"][matches.detection] = matches.cluster
        table["offset"] = np.nan * u.arcsec
        table["offset"][matches.detection] = matches.separation
        table["nearest"] = matches.nearest_cluster
        table["finder"] = np.full(len(table), name, dtype="U20")
        table.meta.clear()
        tables.append(table)
    joint = vstack(tables)
    joint.meta = {"seed": seed, "area": float(image.usable_area.to_value(u.deg**2))}
    return joint


def _truth(tile):
    """Return the clusters with their signal-to-noise."""
    clusters, stars = tile.clusters, tile.stars
    field = ~stars["is_member"] & (stars["mag"].value < tile.survey.limit)
    scale = tile.survey.pixel_scale
    noise = [
        np.sum(
            np.hypot(
                stars["x"][field] - one["x_center"], stars["y"][field] - one["y_center"]
            )
            < one["r50"].to_value(u.arcsec) / scale
        )
        for one in clusters
    ]
    truth = clusters["r50", "n_members", "n_inside", "profile", "a_k"]
    within = 0.5 * truth["n_inside"]
    truth["signal_to_noise"] = within / np.sqrt(np.maximum(noise, 1))
    truth.meta.clear()
    return truth


def of_finder(images, name="default"):
    """Return the detections of a finder on all images, with all that is of its row."""
    chosen, offset = [], 0
    for number, (found, truth) in enumerate(images):
        rows = found[found["finder"] == name]
        rows["image"] = number
        for column in ("cluster", "nearest"):
            rows[column] = np.where(rows[column] < 0, -1, rows[column] + offset)
        offset += len(truth)
        chosen.append(rows)
    return vstack(chosen, metadata_conflicts="silent")


def report_rates(images, area):
    """Print stated and measured rates of the whole search."""
    found = of_finder(images)
    for rate in RATES:
        number = np.sum(found["false_alarm_rate"].value <= rate)
        error = np.sqrt(max(number, 1)) / area
        print(f"stated {rate:g} per deg2: measured {number / area:.3f} +- {error:.3f}")
    for level in sorted(set(np.round(found["level"].value, 1))):
        chosen = np.abs(found["level"].value / level - 1) < 0.1
        numbers = [np.sum(found["false_alarm_rate"][chosen].value <= r) for r in RATES]
        print(f"  of level {level:g} arcsec: {numbers}")
    kinds = np.asarray(found["kind"][found["false_alarm_rate"].value <= 1])
    for kind, number in zip(*np.unique(kinds, return_counts=True), strict=True):
        print(f"  {kind}: {number / area:.3f} per deg2 at a stated 1")


def report_clusters(images):
    """Print completeness by size, measures, and clusters with more than one row."""
    found = of_finder(images)
    truth = vstack([clusters for _, clusters in images], metadata_conflicts="silent")
    r50, number = truth["r50"].to_value(u.arcsec), np.asarray(truth["n_inside"])
    sure = np.asarray(truth["signal_to_noise"]) > 5
    groups = {
        "r50 60 to 600 arcsec, S/N > 5": sure & (r50 >= 60) & (r50 <= 600),
        "1000 members and more, r50 20 to 200": (number >= 1000)
        & (r50 >= 20)
        & (r50 <= 200),
        "sub-clustered, S/N > 5": sure & (truth["profile"] == "sub-clustered"),
    }
    for low, high in itertools.pairwise(SIZES):
        groups[f"r50 {low} to {high}, S/N > 5"] = sure & (r50 >= low) & (r50 < high)
    for name, chosen in groups.items():
        texts = []
        for rate in RATES:
            rows = found[found["false_alarm_rate"].value <= rate]
            is_found = np.isin(np.flatnonzero(chosen), rows["cluster"])
            texts.append(f"{is_found.mean() if len(is_found) else np.nan:.3f}")
        print(f"{name}: {' / '.join(texts)} of {chosen.sum()}")
    report_rows(found[found["false_alarm_rate"].value <= 1], len(truth))
    matched = found[(found["cluster"] >= 0) & (found["false_alarm_rate"].value <= 1)]
    report_measures(matched, truth[matched["cluster"]])
    if "a_k" in matched.colnames:
        report_extinctions(matched, truth[matched["cluster"]])


def report_rows(found, n_clusters):
    """Print how many of the clusters that were found have more than one row."""
    own = found[(found["part_of"] == 0) & (found["nearest"] >= 0)]
    rows = np.bincount(own["nearest"], minlength=n_clusters)
    seen = np.unique(found["cluster"][found["cluster"] >= 0])
    several = np.sum(rows[seen] > 1)
    print(f"more than one row that is no part: {several} of {len(seen)}")


def report_measures(found, truth):
    """Print offsets, bias and scatter of the measures, and what the errors hold."""
    r50 = truth["r50"].to_value(u.arcsec)
    edges = (0, *np.percentile(r50, [33, 67]), np.inf)
    for low, high in ((0, np.inf), *itertools.pairwise(edges)):
        chosen = (r50 >= low) & (r50 < high)
        offset = np.median(found["offset"].value[chosen] / r50[chosen])
        texts = [f"offset {offset:.2f} r50"]
        for name, true in (("r50", r50), ("n_members", np.asarray(truth["n_inside"]))):
            value, error = (
                np.asarray(u.Quantity(found[column]).value)[chosen]
                for column in (name, f"{name}_err")
            )
            ratio = np.log10(value / true[chosen])
            scatter = 1.4826 * np.median(np.abs(ratio - np.median(ratio)))
            held = np.mean(np.abs(value - true[chosen]) <= error)
            texts.append(
                f"{name} {np.median(ratio):+.3f} +- {scatter:.3f} dex, "
                f"{100 * held:.0f} % within errors"
            )
        print(f"r50 {low:.0f} to {high:.0f} ({chosen.sum()}): {'; '.join(texts)}")


def report_extinctions(found, truth):
    """Print bias and scatter of the extinctions by level, and what the errors hold."""
    levels = np.round(np.log2(found["level"].value / found["level"].value.min()))
    offset = (found["a_k"] - truth["a_k"]).to_value(u.mag)
    held = np.abs(offset) <= found["a_k_err"].to_value(u.mag)
    for level in sorted(set(levels)):
        chosen = (levels == level) & np.isfinite(offset)
        if not chosen.any():
            continue
        print(
            f"a_k on level {1 << int(level)} ({chosen.sum()} of "
            f"{np.sum(levels == level)}): {np.median(offset[chosen]):+.2f}, scatter "
            f"{np.std(offset[chosen]):.2f} mag, {100 * held[chosen].mean():.0f} % "
            f"within errors, true ones {np.std(truth['a_k'][chosen].value):.2f}"
        )


def report_rivals(clusters, nulls):
    """Print what the default and star counts find at measured rates."""
    clusters, nulls = (
        [one for one in images if np.any(one[0]["finder"] != "default")]
        for images in (clusters, nulls)
    )
    area = sum(found.meta["area"] for found, _ in nulls)
    truth = vstack([true for _, true in clusters], metadata_conflicts="silent")
    r50 = truth["r50"].to_value(u.arcsec)
    chosen = (r50 >= 60) & (r50 <= 600) & (truth["signal_to_noise"] > 5)
    print(f"\nagainst star counts: {chosen.sum()} clusters, {area:.1f} deg2 without")
    for name in ("default", *(f"star counts {width}" for width in BANDWIDTHS)):
        scores = np.sort(np.asarray(of_finder(nulls, name)["score"]))[::-1]
        found = of_finder(clusters, name)
        texts = []
        for rate in (0.1, 1.0):
            rank = int(rate * area)
            lowest = scores[rank] if rank < len(scores) else -np.inf
            rows = found["cluster"][np.asarray(found["score"]) > lowest]
            texts.append(f"{np.isin(np.flatnonzero(chosen), rows).mean():.3f}")
        print(f"{name}: {' / '.join(texts)} at a measured 0.1 / 1 per deg2")


if __name__ == "__main__":
    main()
