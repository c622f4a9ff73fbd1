# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Finders by name, as they are compared."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import astropy.units as u

from ..base import ClusterFinderBase
from ..baselines import BASELINES
from ..baselines.tuned import tuned_settings
from ..exceptions import NoDetectionsWarning, PosteriorCollapseWarning
from ..images.read import read_image
from ..photometry.palette import checked_surveys
from ..utils.bands import BAND_SETS, band_of
from ..utils.provenance import describe_finder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from ..catalog import ClusterCatalog
    from ..photometry.surveys import Survey
    from ..simulation.tables import MockTile
    from ..utils.typing import ImageLike

__all__ = [
    "TRUE_STARS",
    "ColorFinder",
    "SourceAidedFinder",
    "TileFinder",
    "TrueStarFinder",
    "expected_warnings_ignored",
    "finder_names",
    "make_finders",
]

PRESETS = ("default", "per-image", "paper")

BOUND = "matched-filter"
"""The catalogue method that is also given the true stars."""

TRUE_STARS = "matched-filter-true-stars"
"""Name of the bound for catalogue methods."""

WITH_SOURCES = "default-with-sources"
"""Name of the default that also gets the sources that the catalogue methods find."""

IN_COLOR = {f"default-{'-'.join(bands)}": bands for bands in BAND_SETS}
"""The default in several bands, by its name (dict of str to tuple)."""

MAX_FALSE_ALARM_RATE = 100 / u.deg**2
"""Stated rate up to which the trained model reports, above its own default."""

LOW_THRESHOLD = 1.5
"""Threshold of the catalogue methods, below their own: a curve needs the lower end."""

DEEPER = 1.0
"""Magnitudes below the 10-sigma limit to which true stars are given: 4 sigma."""


class TileFinder(ClusterFinderBase):
    """A finder that knows the truth of mock tiles: a bound for those that do not."""

    @abstractmethod
    def detect_tile(self, tile: MockTile) -> ClusterCatalog:
        """Return the `~astro_vaeclust.ClusterCatalog` of a mock tile."""

    def detect(self, data: ImageLike, **options: Any) -> NoReturn:
        """Raise TypeError: an image does not come with its truth."""
        raise TypeError(f"{type(self).__name__} searches mock tiles: use detect_tile")


@dataclass(frozen=True)
class TrueStarFinder(TileFinder):
    """
    A catalogue method that knows where all stars are: a bound for real catalogues.

    Parameters
    ----------
    finder : `~astro_vaeclust.baselines.BaselineFinder`
        The method.
    """

    finder: ClusterFinderBase

    @property
    def settings(self):
        """The description of the method (dict)."""
        return {"finder": describe_finder(self.finder)}

    def detect_tile(self, tile):
        """Return the clusters of true stars to 1 mag below the survey's limit."""
        stars = tile.stars[~tile.stars["is_galaxy"]]
        limit = (tile.survey.limit + DEEPER) * u.mag
        return self.finder.detect(tile.image, sources=stars[stars["mag"] < limit])


@dataclass(frozen=True)
class ColorFinder(TileFinder):
    """
    A finder that gets several bands of a tile in colour.

    Parameters
    ----------
    finder : `~astro_vaeclust.VAEClusterFinder`
        The finder.
    bands : tuple of str
        The bands.
    """

    finder: ClusterFinderBase
    bands: tuple[str, ...]

    @property
    def settings(self):
        """The description of the finder, and the bands (dict)."""
        return {"finder": describe_finder(self.finder), "bands": self.bands}

    def detect_tile(self, tile):
        """Return the clusters of these bands of a mock tile."""
        images = {band_of(name): image for name, image in tile.images.items()}
        return self.finder.detect({band: images[band] for band in self.bands})


@dataclass(frozen=True)
class SourceAidedFinder(ClusterFinderBase):
    """
    A finder that also gets the sources that a catalogue method finds in the image.

    Parameters
    ----------
    finder : `~astro_vaeclust.VAEClusterFinder`
        Its ``detect`` takes ``sources``.
    catalogue_method : `~astro_vaeclust.baselines.BaselineFinder`
        Finds them.
    """

    finder: ClusterFinderBase
    catalogue_method: ClusterFinderBase

    @property
    def settings(self):
        """The descriptions of both (dict)."""
        both = {"finder": self.finder, "catalogue_method": self.catalogue_method}
        return {name: describe_finder(finder) for name, finder in both.items()}

    @property
    def source_settings(self):
        """What the sources depend on (tuple)."""
        return self.catalogue_method.source_settings

    def find_sources(self, image):
        """Find the sources of an image (PointSources)."""
        return self.catalogue_method.find_sources(image)

    def detect(self, data, *, sources=None):
        """Return the clusters of an image with ``sources``, by default those in it."""
        if sources is None:
            sources = self.find_sources(read_image(data))
        return self.finder.detect(data, sources=sources)


def finder_names(*, in_color=True):
    """Return the names that `make_finders` takes, in colour or not (list of str)."""
    colors = IN_COLOR if in_color else ()
    return [*PRESETS, *colors, *BASELINES.tags, TRUE_STARS, WITH_SOURCES]


def make_finders(
    names: Sequence[str],
    *,
    survey: Survey | str | Sequence[Survey | str] = "2mass-ks",
    seed: int = 0,
    device: str = "cpu",
    model: str | PathLike | None = None,
) -> dict[str, ClusterFinderBase]:
    """
    Make finders from their names.

    Parameters
    ----------
    names : sequence of str
        ``"default"``, ``"per-image"`` (dense autoencoders that learn on each image),
        ``"paper"``, names of catalogue methods, ``"matched-filter-true-stars"``, or
        ``"default-with-sources"``, the default with what these find beside it, or, on
        tiles in colour, ``"default-J-H-Ks"`` and other bands. The default and the
        catalogue methods get a lower threshold than their own, to see the lower end of
        the curve.
    survey : str or `~astro_vaeclust.simulation.Survey` or sequence of these
        What the catalogue methods are set for, see
        `~astro_vaeclust.baselines.tuned.tuned_settings`. For several bands those that
        can use colours do.
    seed : int
        Seed of the finders that have one.
    device : str
        Where torch computes.
    model : path, optional
        Model of the finders whose names begin with default, instead of the package's.

    Returns
    -------
    finders : dict of str to `~astro_vaeclust.ClusterFinderBase`
        The finders by name.

    Raises
    ------
    ValueError
        If there is no such finder, or none is asked for; the message lists them.
    """
    known = finder_names()
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise ValueError(
            f"finders must be some of {', '.join(known)}; got {', '.join(names)!r}"
        )
    if model is not None and not any(name.startswith("default") for name in names):
        raise ValueError(f"model is for the finder default, got {', '.join(names)}")
    make = partial(
        _make, surveys=checked_surveys(survey), seed=seed, device=device, model=model
    )
    return {name: make(name) for name in dict.fromkeys(names)}


def _make(name, **choice):
    if name in PRESETS:
        from .. import VAEClusterFinder
        from ..detector import ConvVAE

        settings = {key: choice[key] for key in ("seed", "device")}
        if name == "paper":
            return VAEClusterFinder.paper(**settings)
        if name == "per-image":
            return VAEClusterFinder(embedding="dense-vae", **settings)
        if choice["model"] is not None:
            settings["embedding"] = ConvVAE(model=choice["model"])
        return VAEClusterFinder(max_false_alarm_rate=MAX_FALSE_ALARM_RATE, **settings)
    if name in IN_COLOR:
        return ColorFinder(_make("default", **choice), IN_COLOR[name])
    if name == TRUE_STARS:
        return TrueStarFinder(_make(BOUND, **choice))
    if name == WITH_SOURCES:
        return SourceAidedFinder(_make("default", **choice), _make(BOUND, **choice))
    finder, surveys = BASELINES.get(name), choice["surveys"]
    settings = choice | {"threshold": LOW_THRESHOLD, "colors": len(surveys) > 1}
    taken = {field.name for field in fields(finder)}
    settings = {key: settings[key] for key in settings.keys() & taken}
    return finder(**settings, **tuned_settings(name, surveys[-1].name))


@contextmanager
def expected_warnings_ignored():
    """Ignore the warnings of a search that finds nothing."""
    with warnings.catch_warnings():  # noqa: TID251 (of finders of any kind)
        for expected in (NoDetectionsWarning, PosteriorCollapseWarning):
            warnings.simplefilter("ignore", expected)
        yield
