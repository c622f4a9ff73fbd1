# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""A model is made of small tiles, real ones and tables of sources among them."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from astropy.io import fits

from astro_vaeclust.detector.model import load_model
from astro_vaeclust.detector.network import ConvolutionalVAE
from astro_vaeclust.simulation import mock_tile, simulate_tile
from astro_vaeclust.training import loop, make, source_calibration
from astro_vaeclust.training.loop import TrainingPlan
from astro_vaeclust.training.make import make_model
from astro_vaeclust.training.recipe import Recipe
from astro_vaeclust.training.stages import Stage, default_stages
from astro_vaeclust.training.tiles import TrainingTile

from ..detector.examples import TINY

PLAN = TrainingPlan(n_steps=2, batch_size=8, side=64, network=TINY, injected=0.5)
STAGE = Stage(name="a", first_seed=1, n_tiles=2, surveys=("2mass-ks",), plan=PLAN)
RECIPE = Recipe(
    stages=(STAGE,),
    calibration_surveys=("2mass-ks",),
    n_nulls=3,
    bare=0.5,
)


@pytest.fixture(scope="module", autouse=True)
def small():
    """Small tiles, few copies of real ones, and one cluster as enough to calibrate."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (make, source_calibration):
            patch.setattr(module, "mock_tile", partial(mock_tile, shape=(256, 256)))
        patch.setattr(make, "INJECTIONS", 2)
        patch.setattr(source_calibration, "MIN_CLUSTERS", 1)
        yield


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    paths = []
    for seed in range(2):
        paths.append(tmp_path_factory.mktemp("real") / f"{seed}.fits")
        tile = simulate_tile(shape=(200, 200), density=4.0, seed=seed)
        header = tile.image.wcs.to_header()
        header["MAGZP"] = tile.image.meta["MAGZP"]
        fits.PrimaryHDU(tile.image.data, header).writeto(paths[-1])
    return paths


@pytest.fixture(scope="module")
def made(tmp_path_factory, images):
    folder = tmp_path_factory.mktemp("made")
    drawn, crop_tile = [], loop.crop_tile

    def keep(tile, *choice, **options):
        drawn.append(tile)
        return crop_tile(tile, *choice, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "crop_tile", keep)
        model = make_model(RECIPE, folder, real_images=images[:1])
    return folder, model, drawn


def test_clusters_are_painted_on_real_tiles_and_learned_from(made, images):
    folder, model, drawn = made
    names = sorted(path.stem for path in (folder / "real").glob("*.npz"))
    assert names == ["30000", "30001"]
    first, second = (TrainingTile.load(folder / "real" / f"{n}.npz") for n in names)
    assert not first.labelled
    assert len(first.clusters) == len(second.clusters) == 1
    assert (first.clusters != second.clusters).any()
    assert {tile.labelled for tile in drawn} == {False, True}
    assert model.training["real_tiles"] == [images[0].name]
    assert model.calibration.real_sky != 1


def test_sources_are_found_and_calibrated_with(made):
    folder, model, _ = made
    names = {path.name for path in folder.rglob("*-sources.npy")}
    assert names == {f"{seed}-sources.npy" for seed in range(60_000, 60_006)}
    fitted = model.source_calibration
    assert sum(fitted.n_matched) >= 1
    assert np.isfinite(fitted.coefficients).all()
    assert min(min(part[1:]) for part in fitted.coefficients) >= 0
    assert fitted.rates.real_sky == model.calibration.real_sky


def test_the_model_tells_what_it_was_made_of(made):
    _, model, _ = made
    assert model.fine_network is None  # no stage is for fine images only
    (stage,) = model.training["stages"]
    assert stage["plan"]["n_steps"] == 2
    assert model.training["versions"]["torch"]


@pytest.mark.parametrize(
    ("trained", "surveys", "stale"),
    [
        ((False, True), ("2mass-ks", "ukidss-k"), []),
        ((False, True), ("vvv-ks",), [0]),
        ((True,), ("2mass-ks",), [1]),
        ((True,), ("vvv-ks",), []),
        ((), (), []),
    ],
)
def test_rates_of_what_is_only_trained_are_unknown(trained, surveys, stale):
    def unknown(calibration):
        coefficients = [one.coefficients for one in calibration.intensities]
        return [number for number in range(2) if np.isnan(coefficients[number]).all()]

    start = load_model()
    stages = tuple(
        replace(STAGE, fine_only=fine, first_seed=10 * fine) for fine in trained
    )
    stages = stages or default_stages()[-1:]
    recipe = replace(RECIPE, calibration_surveys=surveys, stages=stages)
    kept = make._kept_calibrations(recipe, start)
    assert unknown(kept["calibration"]) == stale
    assert unknown(kept["source_calibration"].rates) == sorted(trained)
    if not trained:
        assert kept["calibration"] == start.calibration
        assert kept["source_calibration"] == start.source_calibration


@pytest.mark.parametrize(
    ("network", "trained", "message"),
    [
        ({"fine_scale": 1.0}, (True, None), "start bins fine images to 1 arcsec"),
        ({"fine_scale": 1.0}, (True,), "start bins fine images to 1 arcsec"),
        ({"fine_scale": 1.0}, (False,), "all of its networks must be trained"),
        ({"latent": 4}, (False, True), "start must be a network of"),
    ],
)
def test_a_start_that_does_not_fit_is_refused_before_tiles_are_made(
    network, trained, message, tmp_path
):
    start = load_model()
    settings = replace(start.network.settings, **network)
    start = replace(start, network=ConvolutionalVAE(settings))
    if None in trained:
        start, trained = replace(start, fine_network=None), trained[:-1]
    plan = replace(PLAN, network=load_model().network.settings)
    stage = replace(STAGE, plan=plan)
    stages = tuple(
        replace(stage, fine_only=fine, first_seed=10 * fine) for fine in trained
    )
    with pytest.raises(ValueError, match=message):
        make_model(replace(RECIPE, stages=stages), tmp_path / "run", start=start)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"surveys": ("2mass-j",)}, r"a\.surveys is \['2mass-ks'\] there"),
        ({"bare": 0.1}, r"a\.bare is 0\.0 there and 0\.1 here"),
        ({"plan": replace(PLAN, seed=9)}, r"plan\.seed is 0 there and 9 here"),
    ],
)
def test_tiles_and_checkpoints_of_other_settings_are_refused(
    made, images, changes, message
):
    other = replace(RECIPE, stages=(replace(STAGE, **changes),))
    with pytest.raises(ValueError, match=message):
        make_model(other, made[0], real_images=images[:1])


def test_tiles_of_other_real_images_are_refused(made, images):
    with pytest.raises(ValueError, match=r"real 0\.image is '0.fits' there"):
        make_model(RECIPE, made[0], real_images=images[::-1])
