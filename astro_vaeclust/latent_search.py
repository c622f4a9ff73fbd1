# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The search of one image by what is learned on the image itself, as in the paper."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .base import ClusterSearchBase
from .exceptions import PosteriorCollapseWarning
from .heatmap import Ensemble, Member
from .measure.flags import ClusterFlags
from .measure.regions import RegionMeasurements
from .mixtures.labels import LABEL_RULES, cluster_probability
from .mixtures.prior import PriorMixture
from .segmentation import PeakFraction, Threshold, resolve_threshold, segment
from .utils.validation import check_choice, check_count, check_number
from .utils.warning import warn

__all__ = [
    "HeatmapRegions",
    "LatentSearch",
    "check_regions",
    "paper_settings",
    "with_root_source_count",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class HeatmapRegions:
    """
    How the probabilities of the windows become regions of a heat map.

    Parameters
    ----------
    threshold : str, float or `~astro_vaeclust.segmentation.Threshold`
        A registered tag, a fixed value of the heat map, or an instance.
    smoothing : float
        Standard deviation in pixels of the Gaussian that smooths the heat map; zero
        for none, as in the paper.
    n_pixels : int or None
        Pixels that a region must have; None for the area of the largest window,
        or 1024 where the embedding was trained beforehand.
    cluster_rule : {'brightest', 'rarest', 'brighter-than-sky'}
        Which components of the mixture are "cluster"; see
        `~astro_vaeclust.mixtures.labels.cluster_probability`.

    Raises
    ------
    TypeError, ValueError
        If a setting is of a wrong type or out of its range.

    Examples
    --------
    >>> from astro_vaeclust import HeatmapRegions, VAEClusterFinder
    >>> regions = HeatmapRegions(threshold=0.8, smoothing=12.0)
    >>> finder = VAEClusterFinder(embedding="dense-vae", regions=regions)
    """

    threshold: str | float | Threshold = "sigma-clipped"
    smoothing: float = 24.0
    n_pixels: int | None = None
    cluster_rule: str = "brightest"

    def __post_init__(self):
        resolve_threshold(self.threshold)
        check_number("smoothing", self.smoothing)
        if self.n_pixels is not None:
            check_count("n_pixels", self.n_pixels)
        check_choice("cluster_rule", self.cluster_rule, LABEL_RULES)


class LatentSearch(ClusterSearchBase):
    """
    The search of one image by a mixture that is fitted to its latents.

    Parameters
    ----------
    image : `~astro_vaeclust.images.image.Image`
        The image.
    embedding : `~astro_vaeclust.embeddings.Embedding`
        Embeds the image.
    mixture : `~astro_vaeclust.mixtures.Mixture`
        Is fitted to the latents.
    regions : `HeatmapRegions`
        How probabilities become regions.
    n_largest : int, optional
        Keep only so many regions, those with the largest sum of the heat map.
    fwhm : float, optional
        Full width at half maximum of a star in pixels, for ``n_sources`` only.
    seed : int, optional
        Seed of everything random.
    device : str, optional
        Where torch computes.
    progress_bar : callable, optional
        As that of `~astro_vaeclust.embeddings.Embedding.embed`.
    sources : `~astro_vaeclust.sources.points.PointSources`, optional
        Point sources on usable pixels, whose counts are then a feature of the windows.

    Raises
    ------
    ValueError
        If the embedding cannot take the image, or the mixture the sources.
    """

    sources_used_as = "root-source-count feature"

    def __init__(
        self,
        image,
        embedding,
        mixture,
        regions,
        *,
        n_largest=None,
        fwhm=None,
        seed=0,
        device="cpu",
        progress_bar=None,
        sources=None,
    ):
        if sources is not None and isinstance(mixture, PriorMixture):
            raise ValueError(
                "sources cannot be used with mixture='prior', which was trained "
                "without them; take one that is fitted to the windows, such as 'gmm'"
            )
        self.image = image
        self.embedding = embedding
        self.mixture = mixture
        self.regions = regions
        self.n_largest = n_largest
        self.fwhm = fwhm
        self.seed = seed
        self.device = device
        self.progress_bar = progress_bar
        self.sources = sources
        self._prepared = embedding.prepare(image)

    @cached_property
    def _latent_maps(self):
        """Latent maps, each with the seed that made it."""
        seeds = np.random.SeedSequence(self.seed)
        return [
            (latent_map, seed)
            for seed in seeds.generate_state(self.embedding.n_seeds).tolist()
            for latent_map in self.embedding.embed(
                self._prepared,
                seed=seed,
                device=self.device,
                progress_bar=self.progress_bar,
            )
        ]

    @cached_property
    def _informative_maps(self):
        """Those that are not of collapsed autoencoders; all if there are none."""
        kept = [pair for pair in self._latent_maps if not pair[0].collapsed]
        if self._has_collapsed:
            sizes = {map_.patch_size for map_, _ in self._latent_maps if map_.collapsed}
            warn(
                "posterior collapse: autoencoders learned nothing about windows of "
                f"{', '.join(map(str, sorted(sizes)))} pixels; "
                + ("they are left out" if kept else "there are no others to rely on"),
                PosteriorCollapseWarning,
            )
        return kept or self._latent_maps

    @property
    def _has_collapsed(self):
        return any(map_.collapsed for map_, _ in self._latent_maps)

    @cached_property
    def _ensemble(self):
        return Ensemble(
            [self._classify(map_, seed) for map_, seed in self._informative_maps],
            self.image.mask,
            self.regions.smoothing,
        )

    def _classify(self, latent_map, seed):
        """Split the cells of a latent map, and trace P(cluster) back to the pixels."""
        features = latent_map.features
        if self.sources is not None:
            counts = latent_map.cell_counts(self.sources)[latent_map.valid]
            features = with_root_source_count(features, counts)
        on_grid = np.zeros(latent_map.valid.shape)
        if np.ptp(features, axis=0).any():
            on_grid[latent_map.valid] = self._split(latent_map, features, seed)
        return Member(latent_map.to_image(on_grid), latent_map.patch_size)

    def _split(self, latent_map, features, seed):
        """Return P(cluster) of the valid cells."""
        try:
            fitted = self.mixture.fit(features, seed=seed)
        except ValueError as error:
            raise ValueError(
                f"data: windows of {latent_map.patch_size} pixels do not suffice for "
                f"the mixture ({error})"
            ) from error
        brightness = latent_map.cell_means(self._prepared.pixels, self._prepared.mask)
        probability = cluster_probability(
            fitted.probabilities(features),
            brightness[latent_map.valid],
            rule=self.regions.cluster_rule,
        )
        logger.info(
            "%d px: mixture %s after %d iterations, %.1f %% of the windows in clusters",
            latent_map.patch_size,
            "converged" if fitted.converged else "did not converge",
            fitted.n_iter,
            100 * probability.mean(),
        )
        return probability

    def _segment(self, heatmap):
        return segment(
            heatmap,
            self.image.mask,
            resolve_threshold(self.regions.threshold),
            n_pixels=self.regions.n_pixels or self.embedding.min_pixels,
            n_largest=self.n_largest,
        )

    @cached_property
    def heatmap(self):
        """Mean P(cluster) of the windows that hold a pixel, (ny, nx) in [0, 1]."""
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

    def flag_conditions(self, table):
        """Flag none: what is learned on the image is made for it."""

    def columns(self):
        """Return the columns of the table of clusters (dict), empty for none."""
        if self.segmentation is None:
            return {}
        columns = RegionMeasurements(
            self.image,
            self._prepared,
            self._ensemble,
            self.segmentation,
            self.heatmap,
            resegment=self._segment,
            sources=self.sources,
            fwhm=self.fwhm,
        ).columns()
        if self._has_collapsed:
            columns["flags"] |= int(ClusterFlags.POSTERIOR_COLLAPSE)
        return columns


def with_root_source_count(features, counts):
    """
    Return features of windows, (n, d), with that of their source counts, (n,).

    It is the square root of the number of point sources in a window, whose Poisson
    scatter is the same everywhere, less its mean and over its standard deviation; none
    is added if all counts are alike.
    """
    root = np.sqrt(counts)
    spread = root.std()
    if not spread > 0:
        return features
    return np.column_stack([np.asarray(features), (root - root.mean()) / spread])


def check_regions(regions, learns_on_image):
    """Raise TypeError or ValueError if these are no regions, or cannot matter."""
    if regions is None:
        return
    if not isinstance(regions, HeatmapRegions):
        raise TypeError(f"regions takes HeatmapRegions or None, got {regions!r}")
    if not learns_on_image:
        raise ValueError(
            "regions is for searches that learn on the image, by an embedding such as "
            f"'dense-vae' or a mixture; got {regions!r} with the trained model alone"
        )


def paper_settings():
    """Return the settings of a finder as in Karmakar, Mishra & Tej (2018) (dict)."""
    from .embeddings.dense import DenseVAE
    from .mixtures.em import EMGaussianMixture

    return {
        "embedding": DenseVAE(
            patch_sizes=(16, 32, 48, 64),
            overlap=0.5,
            preparation="above-sky",
            hidden=(64, 32, 16),
            latent=8,
            likelihood="bernoulli",
            prior="mixture-of-gaussians",
            n_components=2,
            batch_size=128,
            n_steps=300,
            learning_rate=1e-3,
        ),
        "mixture": EMGaussianMixture(n_components=2),
        "regions": HeatmapRegions(
            threshold=PeakFraction(fraction=0.4),
            smoothing=40.0,
            n_pixels=64,
            cluster_rule="brightest",
        ),
        "n_largest": 1,
    }
