# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Cells of several fields, on which the coarser levels are searched.

A field returns its pixels binned by four; the frame of a cell is put together from
those of its fields as the frame of a field is from images, and searched like it. Cells
of cells follow in the same way, until every level is searched somewhere.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from astropy.nddata import NDData
from scipy.ndimage import find_objects, label
from scipy.spatial import cKDTree

from ..detector.grid import MIN_SIDE
from ..images.celestial import wcs_of_part
from ..images.read import open_image
from .field import FieldSearch, name_of_pixels
from .frames import ANY_BAND
from .geometry import vectors

__all__ = ["CellSearch", "cell_jobs", "check_folder_is_seen", "fields_of_cells"]


@dataclass(frozen=True)
class CellSearch(FieldSearch):
    """
    The search of any cell; called in a worker, as that of a field.

    Parameters
    ----------
    finder, grid, hdu, skip_bad, bands
        Those of `~astro_vaeclust.survey.field.FieldSearch`. The inputs of a cell are
        fields: segment and index of each, in colour also the band, and the digest of
        its own inputs.
    below : `~astro_vaeclust.survey.grid.SurveyGrid`
        The grid of these fields.
    folder : `~astro_vaeclust.survey.folder.SurveyFolder`
        The folder with their rows, which workers see.
    """

    below: object = None
    folder: object = None

    @contextmanager
    def opened(self, path):
        """Open the binned pixels of a field as an image."""
        segment, name = path.split("/", 1)
        index, _, band = name.partition("/")
        place = self.below.sky.field(int(index))
        frame = self.below.frame(place)
        wcs = wcs_of_part(frame.wcs, self.below.inner_part(frame, place))
        with self.folder.open_pixels(segment) as arrays:
            pixels = arrays[name]
        with open_image(NDData(pixels, wcs=wcs, meta={"BAND": band})) as source:
            yield source

    def _searchable(self, pixels):
        """Return the pixels without islands that are too small for the level."""
        smallest = MIN_SIDE * round(self.grid.network_scale / self.grid.pixel_scale)
        islands, _ = label(np.isfinite(pixels))
        small = [
            number
            for number, place in enumerate(find_objects(islands), 1)
            if min(side.stop - side.start for side in place) < smallest
        ]
        return np.where(np.isin(islands, small), np.nan, pixels)

    def _conditions(self, image):
        """Return nothing: the fields have noise, seeing and density."""
        return {}


def cell_jobs(rows, below, bands=ANY_BAND):
    """
    Return the cells of the fields that are done, with their inputs (list of tuple).

    Parameters
    ----------
    rows : `pyarrow.Table`
        Fields with ``segment``, ``status`` and ``inputs_digest``.
    below : `~astro_vaeclust.survey.grid.SurveyGrid`
        Their grid.
    bands : tuple of str
        Those of the survey.
    """
    names = ["field", "segment", "status", "inputs_digest"]
    rows = [row for row in rows.select(names).to_pylist() if row["status"] == "done"]
    seen = fields_of_cells([row["field"] for row in rows], below)
    inputs = [
        [
            (
                f"{row['segment']}/{name_of_pixels(row['field'], band)}",
                row["inputs_digest"],
            )
            for band in bands
        ]
        for row in rows
    ]
    return [
        (cell, tuple(one for n in numbers for one in inputs[n]))
        for cell, numbers in seen.items()
    ]


def check_folder_is_seen(client, folder):
    """Raise ValueError if workers do not see the folder, where cells find fields."""
    seen = client.run(os.path.exists, str(folder.path.absolute()), on_error="return")
    for address, there in seen.items():
        if there is False:
            raise ValueError(
                f"folder={str(folder.path)!r} must be seen by all workers, under the "
                f"same path; {address} does not see it"
            )


def fields_of_cells(indices, below):
    """
    Find the cells that fields lie in, and the fields that each of these sees.

    Parameters
    ----------
    indices : (n,) int array
        Fields.
    below : `~astro_vaeclust.survey.grid.SurveyGrid`
        Their grid.

    Returns
    -------
    cells : dict
        Positions in ``indices`` of the fields that may be on the frame of a cell,
        rising, by the index of the cell.
    """
    cells = below.cells
    if not len(indices):
        return {}
    fields = [below.sky.field(index) for index in indices]
    west, east = np.array([field.ra for field in fields]).T
    dec = np.array([field.center[1] for field in fields])
    inset = 1e-9 * (east - west)
    owners = np.unique(
        [cells.sky.locate(ra, dec) for ra in (west + inset, east - inset)]
    )
    centers, radii = _circles(fields)
    tree = cKDTree(centers)
    own_centers, own_radii = _circles([cells.sky.field(index) for index in owners])
    reach = own_radii + radii.max() + np.radians(2 * cells.margin / 3600)
    chords = 2 * np.sin(np.minimum(reach, np.pi) / 2)
    seen = tree.query_ball_point(own_centers, chords, return_sorted=True)
    return dict(zip(owners.tolist(), seen, strict=True))


def _circles(fields):
    """Return middles, unit vectors (n, 3), and radii in rad of circles around boxes."""
    centers = vectors(np.array([field.center for field in fields]))
    cosines = [
        (vectors(field.outline()) @ center).min()
        for field, center in zip(fields, centers, strict=True)
    ]
    return centers, np.arccos(np.clip(cosines, -1, 1))
