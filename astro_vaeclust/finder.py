# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Settings in, catalogue out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
from astropy.nddata import NDData

from .base import ClusterFinderBase
from .catalog import ClusterCatalog
from .embeddings import EMBEDDINGS, Embedding
from .exceptions import NoDetectionsWarning
from .images import bands
from .images.read import open_image
from .latent_search import HeatmapRegions, LatentSearch, check_regions, paper_settings
from .measure.columns import cluster_table
from .mixtures import MIXTURES, Mixture
from .mixtures.prior import PriorMixture
from .sources.table import read_point_sources
from .utils.provenance import run_metadata
from .utils.validation import (
    check_count,
    check_device,
    check_number,
    check_rate,
    check_seed,
)
from .utils.warning import warn

if TYPE_CHECKING:
    from astropy.table import Table
    from astropy.wcs import WCS

    from .detector.model import TrainedModel
    from .images.image import Image
    from .sources.points import PointSources
    from .utils.typing import ImageLike

__all__ = ["VAEClusterFinder"]

DEFAULT_RATE = 1 / u.deg**2
"""The default of ``max_false_alarm_rate``; another object is one that was given."""


@dataclass(frozen=True, kw_only=True)
class VAEClusterFinder(ClusterFinderBase):
    """
    Find star clusters by variational autoencoders and mixtures of their latents.

    By default a convolutional autoencoder that was trained beforehand looks at the
    image on several levels, and candidates with at most ``max_false_alarm_rate`` are
    reported, perhaps none. With another embedding, or a ``mixture``, it learns on
    the image itself: windows of several sizes are embedded, a mixture of Gaussians
    splits the embeddings, the probabilities of the component "cluster" are traced back
    to the pixels, and regions of their mean over all sizes above an adaptive threshold
    are the clusters (Karmakar, Mishra & Tej 2018); `paper` gives their settings.

    A setting that cannot matter in the search that the others choose is refused.
    ``seed`` and ``progress_bar`` say how to run, and are always taken.

    Parameters
    ----------
    embedding : str or `~astro_vaeclust.embeddings.Embedding`
        A registered tag or an instance with settings of its own: ``"conv-vae"``
        (`~astro_vaeclust.detector.embedding.ConvVAE`) was trained beforehand,
        ``"dense-vae"`` (`~astro_vaeclust.embeddings.dense.DenseVAE`) and ``"pca"``
        (`~astro_vaeclust.embeddings.pca.PCAEmbedding`) learn on the image.
    mixture : str, `~astro_vaeclust.mixtures.Mixture` or None
        A registered tag or an instance, fitted to the image; None for the mixture that
        was trained with the embedding, or ``"gmm"`` where there is none.
    regions : `~astro_vaeclust.HeatmapRegions` or None
        How a search that learns on the image cuts regions out of its heat map; None
        for the defaults.
    max_false_alarm_rate : `~astropy.units.Quantity` or None
        False detections per area of sky that a search with a trained model accepts;
        None reports all candidates. A search that learns on the image states no rate
        and has no limit; the default then waits for one with a trained model.
    n_largest : int or None
        Keep only so many clusters: the regions with the largest sum of the heat map,
        or the highest scores of a trained model.
    fwhm : float or None
        Full width at half maximum of a star in pixels, for ``n_sources`` only; None
        for what is measured on the image.
    seed : int
        Seed of everything random; the same seed gives the same result. The search with
        a trained model has nothing random, its fine-tuning has.
    device : str
        Where torch computes: ``"cpu"``, ``"cuda"``, ``"auto"`` and so on. An embedding
        that does without torch takes the first and the last.
    progress_bar : callable or None
        Called as ``progress_bar(iterable, desc=..., total=...)`` and iterated over;
        `tqdm.tqdm` is one. None for no progress bar.

    Raises
    ------
    TypeError, ValueError
        If a setting is of a wrong type, out of its range, or cannot matter.

    Examples
    --------
    >>> import astropy.units as u
    >>> from astro_vaeclust import VAEClusterFinder
    >>> from astro_vaeclust.embeddings.pca import PCAEmbedding
    >>> VAEClusterFinder().max_false_alarm_rate
    <Quantity 1. 1 / deg2>
    >>> strict = VAEClusterFinder(max_false_alarm_rate=0.1 / u.deg**2)
    >>> finder = VAEClusterFinder(embedding=PCAEmbedding(patch_sizes=(16, 32)))
    >>> finder.embedding.patch_sizes
    (16, 32)
    """

    embedding: str | Embedding = "conv-vae"
    mixture: str | Mixture | None = None
    regions: HeatmapRegions | None = None
    max_false_alarm_rate: u.Quantity | None = DEFAULT_RATE
    n_largest: int | None = None
    fwhm: float | None = None
    seed: int = 0
    device: str = "cpu"
    progress_bar: Callable | None = None

    def __post_init__(self):
        embedding, mixture, _ = self._backends.values()
        if isinstance(mixture, PriorMixture) and not embedding.has_prior:
            raise ValueError(
                "mixture='prior' is for an embedding whose prior is a mixture, such as "
                f"DenseVAE(divergence='vade'); got it with embedding={self.embedding!r}"
            )
        learns_on_image = mixture is not None
        check_regions(self.regions, learns_on_image)
        _check_rate(self.max_false_alarm_rate, learns_on_image)
        if self.n_largest is not None:
            check_count("n_largest", self.n_largest)
        if self.fwhm is not None:
            check_number("fwhm", self.fwhm, low_counts=False)
        check_seed(self.seed)
        check_device(self.device, used=embedding.takes_device)
        if not (self.progress_bar is None or callable(self.progress_bar)):
            raise TypeError(f"progress_bar takes a callable, got {self.progress_bar!r}")

    def __setstate__(self, state):
        """Unpickle or copy; the default rate stays the object that it is known by."""
        rate = state["max_false_alarm_rate"]
        if rate is not None and rate == DEFAULT_RATE:
            state = state | {"max_false_alarm_rate": DEFAULT_RATE}
        self.__dict__.update(state)

    @classmethod
    def paper(cls, **overrides: Any) -> VAEClusterFinder:
        """
        Make a finder with the settings of Karmakar, Mishra & Tej (2018).

        Pixels in [0, 1], four patch sizes with 50 % overlap, dense
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
    def settings(self) -> dict[str, Any]:
        """
        Names and values of all settings (dict), as they go into the metadata.

        Backends are instances, also where a tag or None was given for the defaults.
        """
        settings = super().settings | self._backends
        del settings["progress_bar"]
        if self.learns_on_image:
            settings["max_false_alarm_rate"] = None
        return settings

    @property
    def learns_on_image(self) -> bool:
        """Whether the search learns on the image itself, and states no rate (bool)."""
        return self._backends["mixture"] is not None

    @property
    def trained_model(self) -> TrainedModel | None:
        """Trained `TrainedModel` of the embedding; None if it learns on the image."""
        embedding = self._backends["embedding"]
        return embedding.load(self.device) if embedding.pretrained else None

    def detect(
        self,
        data: ImageLike | Image | Mapping[str, ImageLike] | Sequence[ImageLike],
        *,
        reference: str | None = None,
        wcs: WCS | Mapping | None = None,
        mask: np.ndarray | Mapping | None = None,
        error: np.ndarray | u.Quantity | Mapping | None = None,
        hdu: int | str | tuple[str, int] | Mapping | None = None,
        sources: Table | PointSources | None = None,
        block_size: int | None = None,
    ) -> ClusterCatalog:
        """
        Find the clusters of an image, or of the images of one field in several bands.

        Parameters
        ----------
        data : NDData, array, HDU, HDUList, str, path-like or Image
            The image, as `~astro_vaeclust.images.read.read_image` takes it. Or a dict
            of such by their bands ``"J"``, ``"H"`` and ``"Ks"``, or a list whose
            headers name them, as `~astro_vaeclust.images.bands.read_bands` takes them.
        reference : str, optional
            Of several bands, that whose grid, sources and flags are taken; by default
            that of the longest wavelength.
        wcs, mask, error, hdu
            What ``data`` does not bring, as for ``read_image``. With a dict of images
            one for all, or a dict by the same bands.
        sources : `~astropy.table.Table`, optional
            Point sources, such as those of a catalogue, with positions on the sky or in
            pixels as `~astro_vaeclust.sources.table.read_sources` takes them. A trained
            model joins their excess to the score; else their number is a feature of the
            windows. Without rows it says that there are none.
        block_size : int, optional
            For trained models: search the image in blocks of this side in pixels, 64
            or more, which overlap by 512 network pixels. Of an uncompressed FITS
            file, and of an array that is mapped into memory, only one block at a time
            is in memory then. By default, images of more than 8192 x 8192 pixels are
            searched in blocks of 2048. Blocks change nothing but the rounding. Several
            bands are searched whole.

        Returns
        -------
        catalog : `~astro_vaeclust.ClusterCatalog`
            Table, regions, heat map and segmentation. The heat map of a trained model
            is that of the image alone. Of an image that was searched in blocks there
            are neither heat map nor segmentation, which would be as large as it is;
            ``n_blocks`` is in the metadata of the table.

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
        `~astropy.utils.exceptions.AstropyUserWarning`
            If one of several bands is left out, or its header names another.
        PosteriorCollapseWarning
            If an autoencoder learned nothing.
        """
        self._check_block_size(block_size)
        given = {"wcs": wcs, "mask": mask, "error": error, "hdu": hdu}
        data, reference = bands.told_apart(data, reference, given)
        if not bands.holds_bands(data):
            catalog = self._detect_one(data, given, sources, block_size)
        elif len(data) == 1:
            data, given = bands.only_image(data, reference, given)
            catalog = self._detect_one(data, given, sources, block_size)
        else:
            self._check_bands(len(data), sources=sources, block_size=block_size)
            image = bands.read_in_bands(data, reference=reference, **given)
            catalog = self._detect_whole(image, None)
        if not len(catalog):
            warn(str(catalog), NoDetectionsWarning)
        return catalog

    def _detect_one(self, data, given, sources, block_size):
        from .blocks import block_size_of

        with open_image(data, **given) as source:
            if not self.learns_on_image:
                fine_scale = self.trained_model.fine_scale
                block_size = block_size_of(source, block_size, fine_scale)
            if block_size is None:
                return self._detect_whole(source.read(), sources)
            return self._detect_in_blocks(source, sources, block_size)

    def _detect_whole(self, image, sources):
        if sources is not None:
            sources = read_point_sources(sources, image)
        search = self._search(image, sources)
        columns = search.columns()
        meta = run_metadata(self, image, search.models)
        if image.bands:
            meta |= bands.facts_of_bands(image)
        if sources is not None:
            meta["n_sources_in_image"] = len(sources)
            meta["sources_used_as"] = search.sources_used_as
        table = cluster_table(columns or None, meta=meta)
        search.flag_conditions(table)
        heatmap = search.heatmap.astype(np.float32, copy=False)
        return ClusterCatalog(
            table,
            heatmap=NDData(heatmap, wcs=image.wcs, mask=image.unseen),
            segmentation=search.segmentation,
            image=image,
            sources=sources,
        )

    def _detect_in_blocks(self, source, sources, block_size):
        from .blocks import flag_conditions, search_in_blocks

        columns, facts = search_in_blocks(
            source,
            self.trained_model,
            block_size=block_size,
            max_false_alarm_rate=self._limit,
            n_largest=self.n_largest,
            fwhm=self.fwhm,
            sources=sources,
        )
        meta = run_metadata(self, source, []) | facts
        table = cluster_table(columns, meta=meta)
        flag_conditions(table, source, self.trained_model)
        return ClusterCatalog(table)

    @property
    def _limit(self):
        """False alarms per deg2 that are accepted (float); None without a limit."""
        rate = self.max_false_alarm_rate
        return None if rate is None else rate.to_value(u.deg**-2)

    def _check_block_size(self, block_size):
        if block_size is not None:
            check_count("block_size", block_size, minimum=64)  # a mesh of the sky
            self._check_is_trained("block_size", block_size)

    def _check_bands(self, n_images, **options):
        """Raise ValueError if several bands cannot be searched so."""
        self._check_is_trained("data in several bands", f"{n_images} images")
        for name, value in options.items():
            if value is not None:
                raise ValueError(
                    f"{name} is for one band: several are searched whole and without "
                    f"sources; got it with {n_images} images"
                )

    def _check_is_trained(self, argument, got):
        """Raise ValueError if an argument is for trained models alone."""
        if self.learns_on_image:
            raise ValueError(
                f"{argument} is for the search with a trained model, which does not "
                f"learn on the image; got {got} with embedding={self.embedding!r} and "
                f"mixture={self.mixture!r}"
            )

    @property
    def _backends(self):
        """Embedding, mixture and regions; None for those not in the search (dict)."""
        embedding = EMBEDDINGS.resolve(self.embedding)
        mixture, regions = self.mixture, self.regions or HeatmapRegions()
        if mixture is not None or not embedding.pretrained:
            mixture = MIXTURES.resolve("gmm" if mixture is None else mixture)
        else:
            regions = None
        return {"embedding": embedding, "mixture": mixture, "regions": regions}

    def _search(self, image, sources):
        """Choose the search: by learning on the image, or with the trained network."""
        common = {"n_largest": self.n_largest, "fwhm": self.fwhm, "sources": sources}
        if self.learns_on_image:
            return LatentSearch(
                image,
                **self._backends,
                **common,
                seed=self.seed,
                device=self.device,
                progress_bar=self.progress_bar,
            )
        from .detector.search import DetectorSearch

        return DetectorSearch(
            image,
            self.trained_model,
            max_false_alarm_rate=self._limit,
            **common,
        )


def _check_rate(rate, learns_on_image):
    if rate is None or rate is DEFAULT_RATE:
        return
    check_rate("max_false_alarm_rate", rate)
    if learns_on_image:
        raise ValueError(
            "max_false_alarm_rate is for the search with a trained model, got "
            f"{rate!r} with one that learns on the image and states no rate"
        )
