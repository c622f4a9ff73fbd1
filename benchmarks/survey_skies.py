# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Mock skies, and simulated images and rows, for ``benchmarks/survey.py``."""

from dataclasses import replace

import numpy as np

CENTER = (275.0, -16.25)
"""A corner of four fields of 0.5 deg is near."""

PER_FIELD = 10
"""Candidates of a field."""


def mock_sky(options, clusters=()):
    """Return the image and the truth of a mock sky."""
    from astropy.coordinates import SkyCoord

    from astro_vaeclust.simulation import simulate_tile

    return simulate_tile(
        shape=(options.side, options.side),
        center=SkyCoord(*CENTER, unit="deg"),
        clusters=list(clusters),
        seed=options.seed,
    )


def clusters_on_borders(options):
    """Return clusters on borders of fields, none near another."""
    import astropy.units as u
    from astropy.coordinates import SkyCoord

    from astro_vaeclust.simulation import MockCluster
    from astro_vaeclust.survey.grid import SkyGrid

    rng, grid, clusters = np.random.default_rng(options.seed), SkyGrid(0.5), []
    for number in range(1000 * options.clusters):
        r50 = float(np.exp(rng.uniform(np.log(8), np.log(options.r50))))
        reach = options.side / 3600 / 2 - 2 * r50 / 3600
        x, y = rng.uniform(-reach, reach, 2)
        ra, dec = CENTER[0] + x / np.cos(np.radians(CENTER[1])), CENTER[1] + y
        field = grid.field(grid.locate(ra, dec))
        if number % 2:  # onto a border of declination, or of right ascension
            dec = min(field.dec, key=lambda border: abs(border - dec))
        else:
            ra = min(field.ra, key=lambda border: abs(border - ra))
        place = SkyCoord(ra, dec, unit="deg")
        apart = [
            place.separation(one.center).arcsec / (r50 + one.radius) for one in clusters
        ]
        away = abs(ra - CENTER[0]) * np.cos(np.radians(CENTER[1])), abs(dec - CENTER[1])
        if max(away) > reach or min(apart, default=9) < 3:
            continue
        members = int(60 * (r50 / 8) ** 0.8)
        clusters.append(
            MockCluster(
                center=place, n_members=members, half_number_radius=r50 * u.arcsec
            )
        )
        if len(clusters) == options.clusters:
            break
    return clusters


def write_pieces(image, folder, n_rows, n_columns, overlap=54):
    """Write an image as so many that overlap; return a pattern of their paths."""
    from astropy.io import fits

    folder.mkdir(parents=True, exist_ok=True)
    edges = [
        np.linspace(0, side, n + 1).astype(int)
        for side, n in zip(image.data.shape, (n_rows, n_columns), strict=True)
    ]
    for row, column in np.ndindex(n_rows, n_columns):
        part = tuple(
            slice(max(edge[k] - overlap // 2, 0), edge[k + 1] + overlap // 2)
            for edge, k in zip(edges, (row, column), strict=True)
        )
        header = image.wcs.slice(part).to_header()
        pixels = np.asarray(image.data[part], dtype=np.float32)
        path = folder / f"{row:02d}_{column:02d}.fits"
        fits.PrimaryHDU(pixels, header).writeto(path, overwrite=True)
    return f"{folder}/*.fits"


def candidates_of_fields(number, side, seed):
    """Yield lists of rows of fields, or cells, with candidates at random places."""
    from astro_vaeclust.survey.field import CANDIDATE_COLUMNS, FieldRow
    from astro_vaeclust.survey.grid import SkyGrid

    rng, grid = np.random.default_rng(seed), SkyGrid(side)
    base = {column.name: 1.0 for column in CANDIDATE_COLUMNS}
    base |= {"flags": 0, "n_sources": 10, "part_of": 0, "level": side * 2}
    first, n_fields = grid.locate(0.01, -60.0), number // PER_FIELD
    for start in range(first, first + n_fields, 2000):
        rows = []
        for index in range(start, min(start + 2000, first + n_fields)):
            field = grid.field(index)
            width, height = field.ra[1] - field.ra[0], field.dec[1] - field.dec[0]
            ra = field.center[0] + rng.uniform(-0.51, 0.51, PER_FIELD) * width
            dec = field.center[1] + rng.uniform(-0.51, 0.51, PER_FIELD) * height
            radius = np.exp(rng.uniform(np.log(8), np.log(200), PER_FIELD)) * side * 2
            places = np.stack(
                [ra % 360, dec, field.depth(ra, dec), radius], axis=1
            ).tolist()
            candidates = [
                base
                | {"ra": a, "dec": d, "depth": inside, "radius": r, "r50": r / 1.6}
                | {"score": float(rng.uniform())}
                for a, d, inside, r in places
            ]
            rows.append(FieldRow(index, field.name, "done", candidates=candidates))
        yield rows


def images_of_four_fields(number):
    """Return images of which each shows four fields."""
    from astro_vaeclust.survey.images import InputImage

    base = InputImage("", "1 2", 1.0, "Ks", 20.0, "grid", (0.0,) * 8)
    return [
        replace(
            base,
            path=f"/data/tiles/tile_{n:07d}.fits.gz",
            outline=tuple((np.arange(8.0) + n).tolist()),
            fields=tuple(range(n, n + 4)),
            owned=(True,) * 4,
        )
        for n in range(number)
    ]
