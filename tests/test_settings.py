# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Settings of the finder: all combinations, accepted or refused by the constructor."""

import copy
import pickle
import warnings
from dataclasses import dataclass, replace
from functools import cache
from itertools import product

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import CCDData
from astropy.wcs import WCS

from astro_vaeclust import (
    HeatmapRegions,
    NoDetectionsWarning,
    PosteriorCollapseWarning,
    VAEClusterFinder,
)
from astro_vaeclust.base import ClusterFinderBase, ClusterSearchBase
from astro_vaeclust.detector.embedding import ConvVAE
from astro_vaeclust.detector.search import DetectorSearch
from astro_vaeclust.embeddings.dense import DenseVAE
from astro_vaeclust.embeddings.pca import PCAEmbedding
from astro_vaeclust.latent_search import LatentSearch
from astro_vaeclust.mixtures import MIXTURES, PriorMixture

EMBEDDINGS = {
    "conv-vae": "conv-vae",
    "ConvVAE": ConvVAE(),
    "dense-vae": "dense-vae",
    "DenseVAE": DenseVAE(prior="vamp", n_seeds=2),
    "one Gaussian": DenseVAE(prior="standard-normal"),
    "pca": "pca",
    "PCAEmbedding": PCAEmbedding(patch_sizes=(8,)),
}
TRAINED = {"conv-vae", "ConvVAE"}
WITH_PRIOR = {"dense-vae", "DenseVAE"}
MIXTURES_GIVEN = [None, *MIXTURES.tags, PriorMixture()]
SETTINGS = {
    "nothing": {},
    "regions": {"regions": HeatmapRegions(threshold=0.5)},
    "default regions": {"regions": HeatmapRegions()},
    "rate": {"max_false_alarm_rate": 0.1 / u.deg**2},
    "the rate of the default": {"max_false_alarm_rate": 1 / u.deg**2},
    "no rate": {"max_false_alarm_rate": None},
    "n_largest": {"n_largest": 2},
    "fwhm": {"fwhm": 2.5},
    "seed": {"seed": 7},
    "device": {"device": "auto"},
    "accelerator": {"device": "cuda"},
    "progress_bar": {"progress_bar": print},
}


def refusal(embedding, mixture, settings):
    """Return the name of the setting that must be refused, or None."""
    needs_prior = mixture == "prior" or isinstance(mixture, PriorMixture)
    if needs_prior and embedding not in WITH_PRIOR:
        return "mixture"
    if settings.get("device") == "cuda" and "pca" in embedding.lower():
        return "device"
    if embedding in TRAINED and mixture is None:
        return "regions" if "regions" in settings else None
    states = settings.get("max_false_alarm_rate") is not None
    return "max_false_alarm_rate" if states else None


@pytest.mark.parametrize(
    ("embedding", "mixture", "given"),
    product(EMBEDDINGS, MIXTURES_GIVEN, SETTINGS),
    ids=str,
)
def test_every_combination_is_accepted_or_refused(embedding, mixture, given):
    settings = SETTINGS[given]
    refused = refusal(embedding, mixture, settings)
    wanted = {"embedding": EMBEDDINGS[embedding], "mixture": mixture} | settings
    if refused is not None:
        with pytest.raises(ValueError, match=f"^{refused}.* is for "):
            VAEClusterFinder(**wanted)
        return
    finder = VAEClusterFinder(**wanted)
    for name, value in wanted.items():
        assert getattr(finder, name) == value
    trained_alone = embedding in TRAINED and mixture is None
    assert finder.learns_on_image == (not trained_alone)
    if given != "rate" and not (trained_alone and "rate" in given):
        expected = 1 / u.deg**2 if trained_alone else None
        assert finder.settings["max_false_alarm_rate"] == expected
    assert replace(finder, seed=3) == VAEClusterFinder(**(wanted | {"seed": 3}))


@pytest.mark.parametrize("name", ["model", "patch_sizes", "overlap", "n_seeds"])
def test_settings_of_a_backend_are_not_those_of_the_finder(name):
    with pytest.raises(TypeError, match=name):
        VAEClusterFinder(**{name: None})


@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda finder: pickle.loads(pickle.dumps(finder))],
    ids=["copy", "deepcopy", "pickle"],
)
@pytest.mark.parametrize(
    "finder",
    [
        VAEClusterFinder(),
        VAEClusterFinder(max_false_alarm_rate=0.1 / u.deg**2),
        VAEClusterFinder(max_false_alarm_rate=None),
        VAEClusterFinder(embedding="pca"),
        VAEClusterFinder.paper(),
    ],
    ids=["default", "strict", "everything", "pca", "paper"],
)
class TestCopies:
    def test_they_are_equal(self, copied, finder):
        again = copied(finder)
        assert again == finder
        assert again.settings == finder.settings

    def test_they_can_be_changed(self, copied, finder):
        again = copied(finder)
        assert replace(again, n_largest=3) == replace(finder, n_largest=3)

    def test_the_search_can_be_changed(self, copied, finder):
        again = copied(finder)
        if finder.max_false_alarm_rate == 0.1 / u.deg**2:
            with pytest.raises(ValueError, match=r"^max_false_alarm_rate is for"):
                replace(again, embedding="pca")
            return
        learning = replace(again, embedding="pca")
        assert learning.settings["max_false_alarm_rate"] is None
        back = replace(learning, embedding=again.embedding)
        assert back.max_false_alarm_rate == again.max_false_alarm_rate


def test_settings_describe_the_backends():
    settings = VAEClusterFinder(embedding="pca").settings
    assert list(settings) == [
        *("embedding", "mixture", "regions", "max_false_alarm_rate", "n_largest"),
        *("fwhm", "seed", "device"),
    ]
    assert settings["embedding"] == PCAEmbedding()
    assert settings["mixture"] == MIXTURES.resolve("gmm")
    assert settings["regions"] == HeatmapRegions()
    default = VAEClusterFinder().settings
    assert default["embedding"] == ConvVAE()
    assert default["mixture"] is default["regions"] is None


@cache
def an_image():
    """Return an image of a few stars in a heap."""
    rng = np.random.default_rng(2)
    data = rng.normal(100, 1, (64, 64))
    rows, columns = np.indices(data.shape)
    for x, y in rng.normal(32, 8, (30, 2)):
        data += 30 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 4)
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt = [-1 / 3600, 1 / 3600]
    return CCDData(data, unit="adu", wcs=wcs)


BASE = VAEClusterFinder(
    embedding=PCAEmbedding(patch_sizes=(8, 16)),
    mixture="gmm",
    regions=HeatmapRegions(threshold=0.4, smoothing=4.0, n_pixels=16),
)
QUICK = DenseVAE(patch_sizes=(16,), hidden=(8,), latent=2, n_steps=5)


def of_embedding(**settings):
    return replace(BASE, embedding=replace(BASE.embedding, **settings))


def of_regions(**settings):
    return replace(BASE, regions=replace(BASE.regions, **settings))


@cache
def outcome(finder):
    """Return the bytes of all that a search of the image gives (tuple)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NoDetectionsWarning)
        warnings.simplefilter("ignore", PosteriorCollapseWarning)
        catalog = finder.detect(an_image())
    columns = ("radius", "radius_err", "n_sources", "score")
    return (
        catalog.heatmap.data.tobytes(),
        *(np.asarray(catalog.table[name]).tobytes() for name in columns),
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (BASE, of_embedding(patch_sizes=(8,))),
        (BASE, of_embedding(overlap=0.75)),
        (BASE, of_embedding(preparation="intensity")),
        (BASE, of_embedding(box_size=16)),
        (BASE, of_embedding(latent=2)),
        (BASE, of_regions(threshold=0.6)),
        (BASE, of_regions(smoothing=2.0)),
        (BASE, of_regions(n_pixels=2000)),
        (BASE, of_regions(n_pixels=None)),
        (BASE, of_regions(cluster_rule="rarest")),
        (BASE, replace(BASE, mixture="em")),
        (BASE, replace(BASE, fwhm=5.0)),
        (
            replace(BASE, embedding=QUICK),
            replace(BASE, embedding=replace(QUICK, n_seeds=2)),
        ),
        (replace(BASE, embedding=QUICK), replace(BASE, embedding=QUICK, seed=1)),
    ],
)
def test_accepted_settings_matter(before, after):
    assert outcome(before) != outcome(after)


def test_both_searches_keep_the_protocol():
    for search in (LatentSearch, DetectorSearch):
        assert issubclass(search, ClusterSearchBase)
        assert not search.__abstractmethods__
        assert isinstance(search.sources_used_as, str)


def test_a_finder_needs_no_more_than_detect():
    @dataclass(frozen=True)
    class Minimal(ClusterFinderBase):
        depth: int = 3

        def detect(self, data, **options):
            return data, options

    finder = Minimal()
    assert finder.settings == {"depth": 3}
    assert finder.trained_model is finder.source_settings is None
    with pytest.raises(NotImplementedError, match="Minimal"):
        finder.find_sources(None)
