# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Settings in, catalogue out."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass, fields

import astropy.units as u
import numpy as np
from astropy.nddata import NDData

from .base import ClusterFinderBase
from .catalog import ClusterCatalog
from .embeddings import EMBEDDINGS, Embedding
from .embeddings.windows import checked_sizes
from .exceptions import NoDetectionsWarning
from .images.prepare import PREPARATIONS
from .images.read import read_image
from .latent_search import PatchSearch
from .measure.columns import cluster_table
from .mixtures import LABEL_RULES, MIXTURES, Mixture
from .segmentation import PeakFraction, Threshold, resolve_threshold
from .sources.table import read_point_sources
from .utils.provenance import run_metadata
from .utils.validation import (
    check_choice,
    check_count,
    check_fraction,
    check_number,
    check_seed,
)

__all__ = ["VAEClusterFinder"]


PATCH_SETTINGS = (
    "patch_sizes",
    "overlap",
    "preparation",
    "box_size",
    "cluster_rule",
    "threshold",
    "smoothing",
    "n_pixels",
    "n_seeds",
)
"""Settings that a trained model does not have."""


@dataclass(frozen=True, kw_only=True)
class VAEClusterFinder(ClusterFinderBase):
    """
    Find star clusters by variational autoencoders and mixtures of their latents.

    By default a convolutional autoencoder that was trained beforehand looks at the
    image once, and its candidates with at most ``max_false_alarm_rate`` are reported,
    perhaps none. With another embedding the search learns on the image itself: windows
    of several sizes are embedded, a mixture of Gaussians splits the embeddings, the
    probabilities of the component "cluster" are traced back to the pixels, and regions
    of their mean over all sizes above an adaptive threshold are the clusters (Karmakar,
    Mishra & Tej 2018); `paper` gives their settings.

    Parameters
    ----------
    embedding : str or `~astro_vaeclust.embeddings.Embedding`
        A registered tag or an instance: ``"conv-vae"`` was trained beforehand,
        ``"dense-vae"`` and ``"pca"`` learn on the image.
    mixture : str, `~astro_vaeclust.mixtures.Mixture` or None
        A registered tag or an instance; None for the mixture that was trained with
        the embedding, or ``"gmm"`` where there is none.
    model : str, path-like or None
        File of a trained model that takes the place of the package's own.
    max_false_alarm_rate : `~astropy.units.Quantity` or None
        False detections per area of sky that are accepted, for trained models; None
        reports all candidates.
    patch_sizes : tuple of int
        Sides of the windows in pixels. This and what follows, but for ``n_largest``,
        ``fwhm``, ``seed``, ``device`` and ``progress_bar``, is for searches that learn
        on the image, and refused by others.
    overlap : float
        Fraction by which neighbouring windows overlap, in [0, 1).
    preparation : {'noise-normalised', 'intensity'}
        What the network sees: pixels over sky and noise, or raw intensity.
    box_size : int
        Side in pixels of the meshes in which the sky is measured; structure in it that
        is larger, such as a nebula, is subtracted with it.
    cluster_rule : {'brightest', 'rarest', 'brighter-than-sky'}
        Which components are "cluster"; see
        `~astro_vaeclust.mixtures.cluster_probability`.
    threshold : str, float or `~astro_vaeclust.segmentation.Threshold`
        A registered tag, a fixed value of the heat map, or an instance.
    smoothing : float
        Standard deviation in pixels of the Gaussian that smooths the heat map; zero
        for none, as in the paper.
    n_pixels : int or None
        Pixels that a region must have; None for the area of the largest window.
    n_largest : int or None
        Keep only so many clusters: the regions with the largest sum of the heat map,
        or the highest scores of a trained model.
    n_seeds : int
        Number of seeds per patch size in the ensemble.
    fwhm : float or None
        Full width at half maximum of a star in pixels, for ``n_sources`` only; None
        for what is measured on the image.
    seed : int
        Seed of everything random; the same seed gives the same result. A trained
        model has nothing random.
    device : str
        Where torch computes: ``"cpu"``, ``"cuda"``, ``"auto"`` and so on.
    progress_bar : callable or None
        Called as ``progress_bar(iterable, desc=..., total=...)`` and iterated over;
        `tqdm.tqdm` is one. None for no progress bar.

    Raises
    ------
    TypeError, ValueError
        If a setting is of a wrong type or out of its range.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astro_vaeclust import VAEClusterFinder
    >>> VAEClusterFinder().max_false_alarm_rate
    <Quantity 1. 1 / deg2>
    >>> strict = VAEClusterFinder(max_false_alarm_rate=0.1 / u.deg**2)
    >>> finder = VAEClusterFinder(embedding="pca", patch_sizes=(16, 32))
    >>> finder.patch_sizes
    (16, 32)
    """

    embedding: str | Embedding = "conv-vae"
    mixture: str | Mixture | None = None
    model: str | os.PathLike | None = None
    max_false_alarm_rate: u.Quantity | None = 1 / u.deg**2
    patch_sizes: tuple[int, ...] = (12, 16, 24, 32)
    overlap: float = 0.5
    preparation: str = "noise-normalised"
    box_size: int = 32
    cluster_rule: str = "brightest"
    threshold: str | float | Threshold = "sigma-clipped"
    smoothing: float = 24.0
    n_pixels: int | None = None
    n_largest: int | None = None
    n_seeds: int = 1
    fwhm: float | None = None
    seed: int = 0
    device: str = "cpu"
    progress_bar: Callable | None = None

    def __post_init__(self):
        object.__setattr__(self, "patch_sizes", checked_sizes(self.patch_sizes))
        check_settings(self)

    @classmethod
    def paper(cls, **overrides):
        """
        Make a finder with the settings of Karmakar, Mishra & Tej (2018).

        Raw intensities in [0, 1], four patch sizes with 50 % overlap, dense
        autoencoders with a Bernoulli likelihood and a mixture-of-Gaussians prior, two
        Gaussians fitted by EM with re-initialisation, and one cluster per image. What
        the paper does not state is stated in the documentation of the method.

        Parameters
        ----------
        **overrides
            Settings that differ from those of the paper.

        Returns
        -------
        finder : `VAEClusterFinder`
            The finder.
        """
        return cls(**(paper_settings() | overrides))

    @property
    def settings(self):
        """Names and values of all settings (dict), as they go into the metadata."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "progress_bar"
        }

    def detect(self, data, *, wcs=None, mask=None, error=None, hdu=None, sources=None):
        """
        Find the clusters of an image.

        Parameters
        ----------
        data : NDData, array, HDU, HDUList, str or path-like
            The image, as `~astro_vaeclust.images.read.read_image` takes it.
        wcs : `~astropy.wcs.WCS`, optional
            Celestial WCS, where ``data`` has none.
        mask : bool array, optional
            Unusable pixels, in addition to those that ``data`` marks.
        error : array or `~astropy.units.Quantity`, optional
            Standard deviations of the pixels; measured from the image without it.
        hdu : int, str or (str, int), optional
            HDU of a file or HDUList with several images.
        sources : `~astropy.table.Table`, optional
            Point sources, such as those of a catalogue, with positions on the sky or in
            pixels as `~astro_vaeclust.sources.table.read_sources` takes them. A trained
            model joins their excess to the score; else their number is a feature of the
            windows. Without rows it says that there are none.

        Returns
        -------
        catalog : `~astro_vaeclust.ClusterCatalog`
            Table, regions, heat map and segmentation. The heat map of a trained model
            is that of the image alone.

        Raises
        ------
        TypeError, ValueError, FileNotFoundError
            If the input cannot be used; the message names the argument. Of sources
            also if fewer than three are on usable pixels, or the model was calibrated
            without any.

        Warns
        -----
        NoDetectionsWarning
            If nothing was found.
        PosteriorCollapseWarning
            If an autoencoder learned nothing.
        """
        image = read_image(data, wcs=wcs, mask=mask, error=error, hdu=hdu)
        if sources is not None:
            sources = read_point_sources(sources, image)
        search = self._search(image, sources)
        columns = search.columns()
        meta = run_metadata(self.settings, image, search.models)
        if sources is not None:
            meta["n_sources_in_image"] = len(sources)
            meta["sources_used_as"] = search.sources_used_as
        table = cluster_table(columns or None, meta=meta)
        if not len(table):
            warnings.warn("no cluster was found", NoDetectionsWarning, stacklevel=2)
        return ClusterCatalog(
            table,
            heatmap=NDData(
                search.heatmap.astype(np.float32, copy=False),
                wcs=image.wcs,
                mask=image.mask,
            ),
            segmentation=search.segmentation,
            image=image,
        )

    def detect_blocks(self, data, *, wcs=None, hdu=None, sources=None, block_size=2048):
        """
        Find the clusters of an image that is larger than the memory.

        The image is read and searched in blocks that overlap by more than what decides
        on a cluster, so that there are no seams: the detections are those of `detect`
        but for the last digits, as sky and noise are measured block by block.

        Parameters
        ----------
        data : str, path-like, HDU or `~astropy.nddata.NDData`
            The image, of shape (ny, nx). Of an uncompressed FITS file, and of an array
            that is mapped into memory, only a block at a time is in memory.
        wcs : `~astropy.wcs.WCS`, optional
            Replaces that of a header.
        hdu : int, str or (str, int), optional
            HDU of a file, as in `detect`.
        sources : `~astropy.table.Table`, optional
            Point sources on the whole image, as in `detect`.
        block_size : int, optional
            Side of the blocks in pixels of the image, before they overlap by 512
            network pixels (about as many arcsec) on every side.

        Returns
        -------
        catalog : `~astro_vaeclust.ClusterCatalog`
            The clusters, without heat map and segmentation, which would be as large as
            the image.

        Raises
        ------
        TypeError, ValueError, FileNotFoundError
            If the input cannot be used, or the embedding learns on the image.

        Warns
        -----
        NoDetectionsWarning
            If nothing was found.
        """
        from .blocks import detect_in_blocks

        if self.trained_model is None:
            raise ValueError(
                f"embedding must be a trained one, got {self.embedding!r}, which "
                "learns on each image"
            )
        return detect_in_blocks(
            self, data, wcs=wcs, hdu=hdu, sources=sources, block_size=block_size
        )

    @property
    def trained_model(self):
        """
        The trained model that would search; None if it learns on the image.

        It is a `~astro_vaeclust.detector.model.TrainedModel`.
        """
        embedding = EMBEDDINGS.resolve(self.embedding)
        if not embedding.pretrained:
            return None
        return embedding.load(model=self.model, device=self.device)

    def _search(self, image, sources):
        """Search with the trained network, or by learning on the image itself."""
        embedding = EMBEDDINGS.resolve(self.embedding)
        if not embedding.pretrained and self.model is not None:
            raise ValueError(
                f"model is for a trained embedding, got {str(self.model)!r} with "
                f"embedding={self.embedding!r}, which learns on each image"
            )
        if self.mixture is not None or not embedding.pretrained:
            return PatchSearch(image, self, sources)
        refuse_settings_of_patches(self)
        from .detector.search import DetectorSearch

        rate = self.max_false_alarm_rate
        return DetectorSearch(
            image,
            embedding.load(model=self.model, device=self.device),
            max_false_alarm_rate=None if rate is None else rate.to_value(u.deg**-2),
            n_largest=self.n_largest,
            fwhm=self.fwhm,
            sources=sources,
        )


def check_settings(finder):
    """
    Raise if a setting is of a wrong type or out of its range.

    Parameters
    ----------
    finder : `~astro_vaeclust.VAEClusterFinder`
        The settings; for ``patch_sizes`` see `checked_sizes`.

    Raises
    ------
    TypeError, ValueError
        The message names the setting, what it got and what it takes.
    """
    check_fraction("overlap", finder.overlap)
    check_choice("preparation", finder.preparation, PREPARATIONS)
    check_count("box_size", finder.box_size)
    EMBEDDINGS.check(finder.embedding)
    if finder.mixture is not None:
        MIXTURES.check(finder.mixture)
    if not (finder.model is None or isinstance(finder.model, (str, os.PathLike))):
        raise TypeError(f"model takes a path, got {finder.model!r}")
    _check_rate(finder.max_false_alarm_rate)
    check_choice("cluster_rule", finder.cluster_rule, LABEL_RULES)
    resolve_threshold(finder.threshold)
    for name in ("n_pixels", "n_largest"):
        if getattr(finder, name) is not None:
            check_count(name, getattr(finder, name))
    check_count("n_seeds", finder.n_seeds)
    check_number("smoothing", finder.smoothing)
    if finder.fwhm is not None:
        check_number("fwhm", finder.fwhm, low_counts=False)
    check_seed(finder.seed)
    if not isinstance(finder.device, str):
        raise TypeError(f"device takes a word, got {finder.device!r}")
    if not (finder.progress_bar is None or callable(finder.progress_bar)):
        raise TypeError(f"progress_bar takes a callable, got {finder.progress_bar!r}")


def refuse_settings_of_patches(finder):
    """Raise ValueError if a trained model is given settings that it does not have."""
    for setting in fields(finder):
        value = getattr(finder, setting.name)
        if setting.name in PATCH_SETTINGS and value != setting.default:
            raise ValueError(
                f"{setting.name} is for embeddings that learn on the image, such "
                f"as 'dense-vae'; got {value!r} with embedding={finder.embedding!r}"
            )


def paper_settings():
    """Return what differs from the defaults in the finder of the paper (dict)."""
    from .embeddings.dense import DenseVAE
    from .mixtures.em import EMGaussianMixture

    return {
        "patch_sizes": (16, 32, 48, 64),
        "overlap": 0.5,
        "preparation": "intensity",
        "embedding": DenseVAE(
            hidden=(64, 32, 16),
            latent=8,
            likelihood="bernoulli",
            prior="mixture-of-gaussians",
            n_components=2,
            batch_size=256,
            n_steps=100,
            learning_rate=2.5e-3,
        ),
        "mixture": EMGaussianMixture(n_components=2),
        "cluster_rule": "brightest",
        "threshold": PeakFraction(),
        "smoothing": 0.0,
        "n_pixels": 64,
        "n_largest": 1,
    }


def _check_rate(rate):
    if rate is None:
        return
    message = (
        "max_false_alarm_rate takes a positive Quantity in 1 / deg2 or None, "
        f"got {rate!r}"
    )
    if not isinstance(rate, u.Quantity) or not rate.unit.is_equivalent(u.deg**-2):
        raise TypeError(message)
    if not (rate.isscalar and rate > 0 / u.deg**2):
        raise ValueError(message)
