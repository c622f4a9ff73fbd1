# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of one image by what is learned on the image itself, as in the paper."""

from __future__ import annotations

import logging
from functools import cached_property

import numpy as np

from .embeddings import EMBEDDINGS
from .embeddings.windows import check_image_holds
from .heatmap import Ensemble, Member
from .images.prepare import prepare
from .measure.circles import DEFAULT_FWHM
from .measure.regions import RegionMeasurements
from .mixtures import MIXTURES, cluster_probability
from .mixtures.prior import PriorMixture
from .segmentation import resolve_threshold, segment

__all__ = ["PatchSearch", "with_root_source_count"]

logger = logging.getLogger(__name__)


class PatchSearch:
    """
    What one search finds and measures; lives as long as one run.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    finder : `~astro_vaeclust.VAEClusterFinder`
        The settings.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        Point sources on usable pixels, whose counts are then a feature of the windows.

    Raises
    ------
    ValueError
        If the image is smaller than the largest patch, or the mixture cannot have that
        feature.
    """

    sources_used_as = "root-source-count feature"
    """What the sources are used for, for the metadata."""

    def __init__(self, image, finder, sources=None):
        check_image_holds(image, finder.patch_sizes)
        self.image = image
        self.finder = finder
        self.sources = sources
        if sources is not None and isinstance(self._mixture, PriorMixture):
            raise ValueError(
                "sources cannot be used with mixture='prior', which was trained "
                "without them; take one that is fitted to the windows, such as 'gmm'"
            )

    @property
    def _mixture(self):
        return MIXTURES.resolve(self.finder.mixture or "gmm")

    @cached_property
    def _prepared(self):
        return prepare(
            self.image,
            preparation=self.finder.preparation,
            box_size=self.finder.box_size,
        )

    @cached_property
    def _latent_maps(self):
        """Latent maps, each with the seed that made it."""
        finder = self.finder
        embedding = EMBEDDINGS.resolve(finder.embedding)
        return [
            (latent_map, seed)
            for seed in np.random.SeedSequence(finder.seed)
            .generate_state(finder.n_seeds)
            .tolist()
            for latent_map in embedding.embed(
                self._prepared,
                patch_sizes=finder.patch_sizes,
                overlap=finder.overlap,
                seed=seed,
                device=finder.device,
                progress_bar=finder.progress_bar,
            )
        ]

    @cached_property
    def _ensemble(self):
        return Ensemble(
            [self._classify(map_, seed) for map_, seed in self._latent_maps],
            self.image.mask,
            self.finder.smoothing,
        )

    def _classify(self, latent_map, seed):
        """Split the cells of a latent map, and trace P(cluster) back to the pixels."""
        features = latent_map.features
        if self.sources is not None:
            counts = latent_map.cell_counts(self.sources)[latent_map.valid]
            features = with_root_source_count(features, counts)
        fitted = self._mixture.fit(features, seed=seed)
        brightness = latent_map.cell_means(self._prepared.pixels, self._prepared.mask)
        probability = cluster_probability(
            fitted.probabilities(features),
            brightness[latent_map.valid],
            rule=self.finder.cluster_rule,
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

    def _segment(self, heatmap):
        finder = self.finder
        return segment(
            heatmap,
            self.image.mask,
            resolve_threshold(finder.threshold),
            n_pixels=finder.n_pixels or max(finder.patch_sizes) ** 2,
            n_largest=finder.n_largest,
        )

    @cached_property
    def heatmap(self):
        """How much each pixel looks like a cluster, (ny, nx) in [0, 1]."""
        return self._ensemble.heatmap

    @cached_property
    def segmentation(self):
        """The regions of the clusters; None for none."""
        return self._segment(self.heatmap)

    @property
    def models(self):
        """What the embedding reports of each of its maps (list of dict)."""
        return [
            {"patch_size": latent_map.patch_size} | latent_map.diagnostics
            for latent_map, _ in self._latent_maps
        ]

    def columns(self):
        """Return the columns of the table of clusters (dict), empty for none."""
        if self.segmentation is None:
            return {}
        return RegionMeasurements(
            self.image,
            self._prepared,
            self._ensemble,
            self.segmentation,
            self.heatmap,
            resegment=self._segment,
            fwhm=self.finder.fwhm or DEFAULT_FWHM,
        ).columns()


def with_root_source_count(features, counts):
    """
    Add the feature "root source count" to those of the embedding.

    It is the square root of the number of point sources in a window, whose Poisson
    scatter is the same everywhere, less its mean and over its standard deviation.

    Parameters
    ----------
    features : (n, d) array
        Features of the windows.
    counts : (n,) int array
        Sources in them.

    Returns
    -------
    features : (n, d + 1) array
        The same with one more column; as they were if all counts are alike, which
        tells nothing.
    """
    root = np.sqrt(counts)
    spread = root.std()
    if not spread > 0:
        return features
    return np.column_stack([np.asarray(features), (root - root.mean()) / spread])
