# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Settings in, catalogue out."""

from __future__ import annotations

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
from astropy.nddata import NDData

from .catalog import ClusterCatalog
from .columns import cluster_table
from .embeddings import EMBEDDINGS, Embedding
from .exceptions import NoDetectionsWarning
from .heatmap import Ensemble, Member
from .inputs import check_image_holds, read_image
from .measurement import RegionMeasurements
from .metadata import run_metadata
from .mixtures import LABEL_RULES, MIXTURES, Mixture, cluster_probability
from .prepare import PREPARATIONS, prepare
from .segmentation import segment
from .thresholds import PeakFraction, Threshold, resolve_threshold
from .validation import (
    check_choice,
    check_count,
    check_fraction,
    check_number,
    check_seed,
)

__all__ = ["ClusterFinderBase", "VAEClusterFinder"]

logger = logging.getLogger(__name__)


class ClusterFinderBase(ABC):
    """
    Base class of all finders of clusters.

    A finder holds validated settings only and is not changed by a search, so that one
    instance can be kept, pickled, and used by many threads. Subclasses implement
    `detect`.
    """

    @abstractmethod
    def detect(self, data, *, wcs=None, mask=None, error=None, hdu=None):
        """
        Find the clusters of an image.

        Parameters
        ----------
        data, wcs, mask, error, hdu
            The image, as `~astro_vaeclust.inputs.read_image` takes it.

        Returns
        -------
        catalog : `~astro_vaeclust.ClusterCatalog`
            The clusters; without any, a catalogue with no rows.

        Warns
        -----
        NoDetectionsWarning
            If nothing was found.
        """

    def __call__(self, data, *, wcs=None, mask=None, error=None, hdu=None):
        """Return the table of `detect`, as the finders of photutils do (QTable)."""
        return self.detect(data, wcs=wcs, mask=mask, error=error, hdu=hdu).table


@dataclass(frozen=True, kw_only=True)
class VAEClusterFinder(ClusterFinderBase):
    """
    Find star clusters by autoencoders of image windows and a mixture of their latents.

    Windows of several sizes are embedded, a mixture of Gaussians splits the
    embeddings, the probabilities of the component "cluster" are traced back to the
    pixels, and regions of their mean over all sizes above an adaptive threshold are
    the clusters (Karmakar, Mishra & Tej 2018). The defaults are the
    settings that did best in trials on mock tiles; `paper` gives those of the paper.

    Parameters
    ----------
    patch_sizes : tuple of int
        Sides of the windows in pixels.
    overlap : float
        Fraction by which neighbouring windows overlap, in [0, 1).
    preparation : {'noise-normalised', 'intensity'}
        What the network sees: pixels over sky and noise, or raw intensity.
    box_size : int
        Side in pixels of the meshes in which the sky is measured; structure in it that
        is larger, such as a nebula, is subtracted with it.
    embedding : str or `~astro_vaeclust.embeddings.Embedding`
        A registered tag or an instance.
    mixture : str or `~astro_vaeclust.mixtures.Mixture`
        A registered tag or an instance.
    cluster_rule : {'brightest', 'rarest', 'brighter-than-sky'}
        Which components are "cluster"; see
        `~astro_vaeclust.mixtures.cluster_probability`.
    threshold : str, float or `~astro_vaeclust.thresholds.Threshold`
        A registered tag, a fixed value of the heat map, or an instance.
    smoothing : float
        Standard deviation in pixels of the Gaussian that smooths the heat map; zero
        for none, as in the paper.
    n_pixels : int or None
        Pixels that a region must have; None for the area of the largest window.
    n_largest : int or None
        Keep only so many regions, those with the largest sum of the heat map.
    n_seeds : int
        Number of seeds per patch size in the ensemble.
    fwhm : float
        Full width at half maximum of a star in pixels, for ``n_sources`` only.
    seed : int
        Seed of everything random; the same seed gives the same result.
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
    >>> from astro_vaeclust import VAEClusterFinder
    >>> finder = VAEClusterFinder(patch_sizes=(16, 32), embedding="pca")
    >>> finder.patch_sizes
    (16, 32)
    """

    patch_sizes: tuple[int, ...] = (12, 16, 24, 32)
    overlap: float = 0.5
    preparation: str = "noise-normalised"
    box_size: int = 32
    embedding: str | Embedding = "dense-vae"
    mixture: str | Mixture = "gmm"
    cluster_rule: str = "brightest"
    threshold: str | float | Threshold = "sigma-clipped"
    smoothing: float = 24.0
    n_pixels: int | None = None
    n_largest: int | None = None
    n_seeds: int = 1
    fwhm: float = 3.0
    seed: int = 0
    device: str = "cpu"
    progress_bar: Callable | None = None

    def __post_init__(self):
        object.__setattr__(self, "patch_sizes", _checked_sizes(self.patch_sizes))
        check_fraction("overlap", self.overlap)
        check_choice("preparation", self.preparation, PREPARATIONS)
        check_count("box_size", self.box_size)
        EMBEDDINGS.check(self.embedding)
        MIXTURES.check(self.mixture)
        check_choice("cluster_rule", self.cluster_rule, LABEL_RULES)
        resolve_threshold(self.threshold)
        for name in ("n_pixels", "n_largest"):
            if getattr(self, name) is not None:
                check_count(name, getattr(self, name))
        check_count("n_seeds", self.n_seeds)
        check_number("smoothing", self.smoothing)
        check_number("fwhm", self.fwhm, low_counts=False)
        check_seed(self.seed)
        if not isinstance(self.device, str):
            raise TypeError(f"device takes a word, got {self.device!r}")
        if not (self.progress_bar is None or callable(self.progress_bar)):
            raise TypeError(f"progress_bar takes a callable, got {self.progress_bar!r}")

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
        from .embeddings.dense import DenseVAE
        from .mixtures.em import EMGaussianMixture

        settings = {
            "patch_sizes": (16, 32, 48, 64),
            "overlap": 0.5,
            "preparation": "intensity",
            "embedding": DenseVAE(
                hidden=(128, 64, 32),
                latent=8,
                likelihood="bernoulli",
                prior="mixture-of-gaussians",
                n_components=2,
                batch_size=64,
                n_steps=600,
            ),
            "mixture": EMGaussianMixture(n_components=2),
            "cluster_rule": "brightest",
            "threshold": PeakFraction(),
            "smoothing": 0.0,
            "n_pixels": 64,
            "n_largest": 1,
        }
        return cls(**(settings | overrides))

    @property
    def settings(self):
        """Names and values of all settings (dict), as they go into the metadata."""
        return {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name != "progress_bar"
        }

    def detect(self, data, *, wcs=None, mask=None, error=None, hdu=None):
        """
        Find the clusters of an image.

        Parameters
        ----------
        data : NDData, array, HDU, HDUList, str or path-like
            The image, as `~astro_vaeclust.inputs.read_image` takes it.
        wcs : `~astropy.wcs.WCS`, optional
            Celestial WCS, where ``data`` has none.
        mask : bool array, optional
            Unusable pixels, in addition to those that ``data`` marks.
        error : array or `~astropy.units.Quantity`, optional
            Standard deviations of the pixels; measured from the image without it.
        hdu : int, str or (str, int), optional
            HDU of a file or HDUList with several images.

        Returns
        -------
        catalog : `~astro_vaeclust.ClusterCatalog`
            Table, regions, heat map and segmentation.

        Raises
        ------
        TypeError, ValueError, FileNotFoundError
            If the input cannot be used; the message names the argument.

        Warns
        -----
        NoDetectionsWarning
            If nothing was found.
        PosteriorCollapseWarning
            If an autoencoder learned nothing.
        """
        image = read_image(data, wcs=wcs, mask=mask, error=error, hdu=hdu)
        check_image_holds(image, self.patch_sizes)
        prepared = prepare(image, preparation=self.preparation, box_size=self.box_size)
        maps = self._embed(prepared)
        ensemble = Ensemble(
            [self._classify(map_, prepared, seed) for map_, seed in maps],
            image.mask,
            self.smoothing,
        )
        return self._catalog(image, prepared, ensemble, [map_ for map_, _ in maps])

    def _embed(self, prepared):
        """Return latent maps, each with the seed that made it."""
        embedding = EMBEDDINGS.resolve(self.embedding)
        return [
            (latent_map, seed)
            for seed in np.random.SeedSequence(self.seed)
            .generate_state(self.n_seeds)
            .tolist()
            for latent_map in embedding.embed(
                prepared,
                patch_sizes=self.patch_sizes,
                overlap=self.overlap,
                seed=seed,
                device=self.device,
                progress_bar=self.progress_bar,
            )
        ]

    def _classify(self, latent_map, prepared, seed):
        """Split the cells of a latent map, and trace P(cluster) back to the pixels."""
        features = latent_map.features
        fitted = MIXTURES.resolve(self.mixture).fit(
            features, seed=seed, device=self.device
        )
        brightness = latent_map.cell_means(prepared.pixels, prepared.mask)
        probability = cluster_probability(
            fitted.probabilities(features),
            brightness[latent_map.valid],
            rule=self.cluster_rule,
        )
        logger.info(
            "%d px: mixture %s after %d iterations, %.1f %% of the windows in clusters",
            latent_map.patch_size,
            "converged" if fitted.converged else "did not converge",
            fitted.n_iter,
            100 * probability.mean(),
        )
        on_grid = np.zeros(latent_map.valid.shape)
        on_grid[latent_map.valid] = probability
        return Member(latent_map.to_image(on_grid), latent_map.patch_size)

    def _segment(self, heatmap, mask):
        n_pixels = self.n_pixels or max(self.patch_sizes) ** 2
        return segment(
            heatmap,
            mask,
            resolve_threshold(self.threshold),
            n_pixels=n_pixels,
            n_largest=self.n_largest,
        )

    def _catalog(self, image, prepared, ensemble, latent_maps):
        heatmap = ensemble.heatmap
        segmentation = self._segment(heatmap, image.mask)
        columns = None
        if segmentation is None:
            warnings.warn("no cluster was found", NoDetectionsWarning, stacklevel=3)
        else:
            columns = RegionMeasurements(
                image,
                prepared,
                ensemble,
                segmentation,
                heatmap,
                resegment=lambda other: self._segment(other, image.mask),
                fwhm=self.fwhm,
            ).columns()
        return ClusterCatalog(
            cluster_table(
                columns, meta=run_metadata(self.settings, image, latent_maps)
            ),
            heatmap=NDData(heatmap.astype(np.float32), wcs=image.wcs, mask=image.mask),
            segmentation=segmentation,
            image=image,
        )


def _checked_sizes(patch_sizes):
    try:
        sizes = tuple(patch_sizes)
    except TypeError:
        raise TypeError(
            f"patch_sizes takes a sequence of integers, got {patch_sizes!r}"
        ) from None
    if not sizes or len(set(sizes)) != len(sizes):
        raise ValueError(f"patch_sizes takes different integers, got {patch_sizes!r}")
    for size in sizes:
        check_count("patch_sizes", size)
    if min(sizes) < 2:
        raise ValueError(f"patch_sizes takes integers from 2, got {patch_sizes!r}")
    return tuple(int(size) for size in sizes)
