# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Simulated images and rows of large surveys, for ``benchmarks/survey.py``."""

from dataclasses import replace

import numpy as np

PER_FIELD = 10
"""Candidates of a field."""


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
            places = zip(ra % 360, dec, field.depth(ra, dec), radius, strict=True)
            candidates = [
                base
                | dict(zip(("ra", "dec", "depth", "radius"), map(float, place)))
                | {"r50": float(place[3] / 1.6), "score": float(rng.uniform())}
                for place in places
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
            fields=tuple(range(n, n + 4)),
            owned=(True,) * 4,
        )
        for n in range(number)
    ]
