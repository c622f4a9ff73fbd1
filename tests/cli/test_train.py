# Licensed under a 3-clause BSD style license - see LICENSE.rst

import numpy as np
import pytest

from astro_vaeclust.cli import main
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.training.stages import Recipe

SMALL = [
    *("--tiles", "3", "--nulls", "1", "--steps", "4", "--side", "64", "--seed", "5"),
    *("--surveys", "2mass-ks", "--quiet"),
]


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "work"


def train(model, folder, *options):
    return main(["train", str(model), "--folder", str(folder), *SMALL, *options])


def test_a_model_is_made_and_the_same_command_goes_on(tmp_path, folder):
    first, second = tmp_path / "first.pt", tmp_path / "second.pt"
    assert train(first, folder) == 0
    made = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npz")}
    counts = {}
    for path in made:
        counts[path.parent.name] = counts.get(path.parent.name, 0) + 1
    stages = {"train": 3, "hard": 1, "fine": 1, "long": 1, "mined": 1, "mined-again": 1}
    assert counts == stages | {"coarse": 1, "2mass-ks": 2}
    found = {path: np.load(path) for path in folder.rglob("*-sources.npy")}
    assert {path.name for path in found} == {"60000-sources.npy", "60001-sources.npy"}
    for points in found.values():
        assert len(points) > 200
        assert points.max(axis=0) == pytest.approx([511, 1023], abs=15)
        assert points.min(axis=0) == pytest.approx([0, 0], abs=15)
    again = folder / "2mass-ks" / "60001-sources.npy"
    again.unlink()
    (folder / "2mass-ks" / "60001.npz").unlink()
    assert train(second, folder) == 0
    assert load_model(first).identity == load_model(second).identity
    assert load_model(first).calibration == load_model(second).calibration
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.npz")}
    assert {path for path in made if made[path] != kept[path]} == {
        folder / "2mass-ks" / "60001.npz"
    }
    np.testing.assert_array_equal(np.load(again), found[again])
    assert load_model(first).source_calibration is None  # of one cluster
    assert load_model(first).fine_network is None  # no survey is sharp
    training = load_model(first).training
    plans = [stage["plan"] for stage in training["stages"]]
    assert [plan["n_steps"] for plan in plans] == [4, 1, 1, 2, 1, 1, 2, 1, 2, 1]
    assert [plan["seed"] for plan in plans] == list(range(5, 15))
    network = load_model(first).network
    assert network.settings.fine_scale == plans[-1]["network"]["fine_scale"] == 0.6
    assert training["calibration_surveys"] == ["2mass-ks"]


def test_sharp_surveys_have_a_network_of_their_own(tmp_path, folder):
    path = tmp_path / "model.pt"
    assert train(path, folder, "--surveys", "2mass-ks", "vvv-ks") == 0
    model = load_model(path)
    stages = {stage["name"]: stage for stage in model.training["stages"]}
    assert stages["sharp"]["fine_only"]
    assert stages["sharp"]["surveys"] == ["vvv-ks"]
    assert stages["coarse"]["surveys"] == ["2mass-ks"]
    assert stages["mined"]["surveys"] == ["2mass-ks", "vvv-ks"]
    for intensity in model.calibration.intensities:
        assert np.isfinite(intensity.coefficients).all()
    parameters = zip(
        model.network.parameters(), model.fine_network.parameters(), strict=True
    )
    assert not all((one == two).all() for one, two in parameters)
    assert all((folder / name / "checkpoint.pt").exists() for name in stages)


@pytest.mark.parametrize(
    ("surveys", "left_out"),
    [
        (["2mass-ks"], {"sharp", "sharp-again", "bare"}),
        (["ukidss-k", "vvv-ks"], {"coarse"}),
        (["2mass-ks", "vvv-ks"], set()),
    ],
)
def test_stages_take_the_surveys_as_sharp_as_theirs(
    monkeypatch, tmp_path, surveys, left_out
):
    recipes = []

    def keep(recipe, *args, **options):
        recipes.append(recipe)
        return load_model()

    monkeypatch.setattr("astro_vaeclust.training.make.make_model", keep)
    options = ["--surveys", *surveys, "--quiet"]
    assert main(["train", str(tmp_path / "model.pt"), *options]) == 0
    stages = {stage.name: stage for stage in recipes[0].stages if stage.n_tiles}
    everything = {stage.name for stage in Recipe().stages if stage.n_tiles}
    assert everything - set(stages) == left_out
    for stage in stages.values():
        sharp = {tag for tag in stage.surveys if tag != "2mass-ks"}
        coarse = set(stage.surveys) - sharp
        assert set(stage.surveys) <= set(surveys)
        assert not sharp or stage.name != "coarse"
        assert not coarse or not stage.fine_only


def test_an_existing_model_is_refused_before_the_work(tmp_path, folder, capsys):
    path = tmp_path / "model.pt"
    path.write_bytes(b"")
    assert train(path, folder) == 2
    assert "exists" in capsys.readouterr().err
    assert not folder.exists()


def test_a_folder_of_another_plan_is_refused(tmp_path, folder, capsys):
    assert train(tmp_path / "first.pt", folder) == 0
    assert train(tmp_path / "second.pt", folder, "--steps", "5") == 2
    assert "plan.n_steps is 4 there and 5 here" in capsys.readouterr().err
