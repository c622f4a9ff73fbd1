# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What a survey is: its images, its grid, and which images each field sees."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, replace
from statistics import median_low

import astropy.units as u
import numpy as np
from astropy.utils.exceptions import AstropyUserWarning

from ..utils.provenance import describe_finder
from ..utils.warning import warn
from .coarse import CellSearch
from .field import FieldSearch
from .folder import SurveyFolder
from .frames import ANY_BAND, bands_of
from .grid import SurveyGrid
from .images import MAX_NAMED, describe_image, named, stamps_of, what_is_wrong

__all__ = ["Plan", "jobs_of"]

CHUNK = 32
"""Images whose headers one task reads."""

SAME_SCALE = 0.01
"""Fraction within which the pixels of all images have one size."""


@dataclass
class Plan:
    """
    A survey before its fields are searched.

    Parameters
    ----------
    paths : list of str
        The images.
    finder : `~astro_vaeclust.base.ClusterFinderBase`
        The search, with a trained model.
    survey : `~astro_vaeclust.survey.folder.SurveyFolder`
        Where the results are kept.
    hdu, band, side, skip_bad
        Those of `~astro_vaeclust.survey.run_survey`.
    grid : `~astro_vaeclust.survey.grid.SurveyGrid`, optional
        See `find_grid`.
    """

    paths: list[str]
    finder: object
    survey: SurveyFolder
    hdu: object
    band: str | None
    side: float | None
    skip_bad: bool
    grid: SurveyGrid | None = None

    @property
    def bands(self):
        """The bands that are searched together, see `bands_of` (tuple of str)."""
        return bands_of(self.band)

    @property
    def search(self):
        """The search of any field (`FieldSearch`)."""
        return FieldSearch(self.finder, self.grid, self.hdu, self.skip_bad, self.bands)

    @property
    def cell_searches(self):
        """The searches of cells, of cells of cells and so on (list of `CellSearch`)."""
        search, searches = self.search, []
        while search.adds_to_cells:
            folder = SurveyFolder(self.survey.path.absolute(), search.grid.tier)
            cells = search.grid.cells
            search = CellSearch(
                self.finder,
                cells,
                bands=self.bands,
                below=search.grid,
                folder=folder,
            )
            searches.append(search)
        return searches

    @property
    def settings(self):
        """What every row depends on, and up to which rate rows are reported (dict)."""
        rate = getattr(self.finder, "max_false_alarm_rate", None)
        return {
            "finder": describe_finder(self.finder),
            "grid": asdict(self.grid),
            "band": self.band,
            "hdu": self.hdu,
            "max_false_alarm_rate": None if rate is None else rate.to_value(u.deg**-2),
        }

    def find_grid(self):
        """Take the grid of the survey, or make one for the first image."""
        if self.survey.exists:
            self.grid = self.survey.grid
            band = self.survey.settings.get("band")
            if self.band != band:
                raise ValueError(f"band is {band!r} in this survey, got {self.band!r}")
            if self.side is not None and self.side != self.grid.side:
                raise ValueError(
                    f"side is {self.grid.side:g} deg in this survey, got {self.side:g}"
                )
            return
        wrong = []
        for path in self.paths:
            try:
                self._make_grid(describe_image(path, "", self.hdu))
                return
            except (OSError, ValueError, TypeError) as error:
                wrong.append(what_is_wrong(path, error))
                if len(wrong) == MAX_NAMED and not self.skip_bad:
                    break
        raise ValueError(f"images: {named(wrong)}")

    def _make_grid(self, image):
        fine_scale = self.finder.trained_model.fine_scale
        self.grid = SurveyGrid.from_scale(image.scale, fine_scale, side=self.side)

    def describe(self, pool):
        """Return what is known of the images; workers read headers that are new."""
        images, wrong = self._described(pool)
        images, misfits = self._fitting(images)
        wrong += misfits
        if wrong and not self.skip_bad:
            raise ValueError(f"images: {named(wrong)}")
        if not images:
            raise ValueError(f"images: none can be used: {named(wrong)}")
        if wrong:
            warn(f"left out: {named(wrong)}", AstropyUserWarning)
        if not self.survey.exists:
            if _differ(images[0].scale, self.grid.pixel_scale):
                self._make_grid(images[0])  # the first one was unlike the others
                images, _ = self._fitting(self._described(pool)[0])
            self._finish_grid(images)
        return images

    def _described(self, pool):
        """Return what is known of the images, and what is wrong with others."""
        known = self.survey.read_images()
        described, new, wrong = {}, [], []
        for path, stamp in zip(self.paths, stamps_of(self.paths), strict=True):
            if path in known and known[path].stamp == stamp:
                described[path] = known[path]
            else:
                new.append((path, stamp))
        chunks = [new[first : first + CHUNK] for first in range(0, len(new), CHUNK)]
        for found in pool.each(_describe_images, chunks, self.hdu, self.grid):
            for path, image in found.items():
                if isinstance(image, str):
                    wrong.append(image)
                else:
                    described[path] = image
        return [described[path] for path in self.paths if path in described], wrong

    def _finish_grid(self, images):
        """Note whether all images are on one grid of pixels, and their zero point."""
        kinds = {image.pixels for image in images}
        longest = [image for image in images if image.band == self.bands[-1]]
        known = (image.zero_point for image in (*longest, *images))
        self.grid = replace(
            self.grid,
            pixels=kinds.pop() if len(kinds) == 1 else None,
            zero_point=next((one for one in known if one is not None), None),
        )

    def _fitting(self, images):
        """Return the images of the bands and scale of most, and what is wrong else."""
        wrong = []
        if self.band is not None:
            bands = (self.band,) if self.bands == ANY_BAND else self.bands
            wrong = [
                f"{image.path} (no band in its header)"
                for image in images
                if not image.band
            ]
            images = [image for image in images if image.band in bands]
            missing = set(bands) - {image.band for image in images}
            if missing:
                texts = (
                    f"none has the band {band!r} in its header" for band in missing
                )
                return [], sorted(texts) + wrong
        if not images:
            return [], wrong
        band, scale = self._usual(images)
        fitting = []
        for image in images:
            if _differ(image.scale, scale):
                wrong.append(
                    f"{image.path} (pixels of {image.scale:.4g}, not of {scale:.4g})"
                )
            elif self.grid.pixels not in (None, image.pixels):
                wrong.append(f"{image.path} (not on the grid of pixels of this survey)")
            elif self.band is None and image.band != band:
                wrong.append(
                    f"{image.path} (band {image.band!r}, not {band!r}; "
                    f"band={band!r} chooses, and several are searched together as "
                    "'J,H,Ks')"
                )
            else:
                fitting.append(image)
        return fitting, wrong

    def _usual(self, images):
        """Return the band of most images, and the scale of most that are searched."""
        known = images
        if self.survey.exists and self.band is None:
            known = self.survey.read_images().values() or images
        ((band, _),) = Counter(image.band for image in known).most_common(1)
        if self.survey.exists:
            return band, self.grid.pixel_scale
        return band, median_low(
            one.scale for one in images if self.band is not None or one.band == band
        )


def _differ(scale, other):
    return abs(scale / other - 1) > SAME_SCALE


def _describe_images(images, hdu, grid):
    """Return what `describe_image` says of images, or why it cannot, by path."""
    found = {}
    for path, stamp in images:
        try:
            found[path] = describe_image(path, stamp, hdu, grid)
        except (OSError, ValueError, TypeError) as error:
            found[path] = what_is_wrong(path, error)
    return found


def jobs_of(images):
    """
    Return the fields whose boxes images show, with paths and stamps that each sees.

    ``images`` is a list of `~astro_vaeclust.survey.images.InputImage`; they are not
    needed any more by the iterator that is returned.
    """
    counts = [len(image.fields) for image in images]
    number = np.repeat(np.arange(len(images), dtype=np.int32), counts)
    field = np.fromiter((one for image in images for one in image.fields), np.int64)
    owned = np.fromiter((one for image in images for one in image.owned), bool)
    order = np.argsort(field, kind="stable")
    fields, first = np.unique(field[order], return_index=True)
    last = np.append(first[1:], len(field))
    wanted = np.isin(fields, field[owned])
    number = number[order]
    inputs = [(image.path, image.stamp) for image in images]
    places = np.stack([fields, first, last])[:, wanted].T
    return (
        (index, tuple(inputs[n] for n in number[start:stop]))
        for index, start, stop in map(np.ndarray.tolist, places)
    )
