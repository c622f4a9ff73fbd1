# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training by the command: what it makes, and that it can be resumed."""

import shutil
from collections import Counter

import numpy as np
import pytest

from astro_vaeclust.cli import main
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.training.recipe import Recipe


def test_each_stage_and_calibration_has_its_tiles(trained):
    _, folder = trained
    counts = Counter(path.parent.name for path in folder.rglob("*.npz"))
    of_levels = {"levels-calibration": 3}
    assert counts == {"fine": 3, "others": 3, "2mass-ks": 2, "vvv-ks": 2} | of_levels
    found = {
        path.name: np.load(path) for path in folder.rglob("2mass-ks/*-sources.npy")
    }
    assert set(found) == {"60000-sources.npy", "60001-sources.npy"}
    for points in found.values():
        assert len(points) > 200
        assert points.max(axis=0) == pytest.approx([511, 1023], abs=15)
        assert points.min(axis=0) == pytest.approx([0, 0], abs=15)


def test_sharp_surveys_have_a_network_of_their_own(trained):
    path, folder = trained
    model = load_model(path)
    stages = {stage["name"]: stage for stage in model.training["stages"]}
    assert stages["fine"]["fine_only"]
    assert stages["fine"]["surveys"] == ["vvv-ks"]
    assert stages["all"]["surveys"] == ["2mass-ks", "vvv-ks"]
    assert stages["others"]["surveys"] == ["2mass-ks", "vvv-ks"]
    for intensity in model.calibration.intensities:
        assert np.isfinite(intensity.coefficients).all()
    parameters = zip(
        model.network.parameters(), model.fine_network.parameters(), strict=True
    )
    assert not all((one == two).all() for one, two in parameters)
    measures = {f"{name}-measures" for name in ("fine", "others")}
    trainings = {path.parent.name for path in folder.rglob("checkpoint.pt")}
    assert trainings == stages.keys() | measures


def test_steps_and_seeds_are_in_proportion_to_the_options(trained):
    model = load_model(trained[0])
    stages = model.training["stages"]
    plans = [stage["plan"] for stage in stages]
    assert [plan["n_steps"] for plan in plans] == [8, 5, 4]
    assert [stage["n_measure_steps"] for stage in stages] == [0, 1, 1]
    assert [plan["seed"] for plan in plans] == list(range(5, 5 + len(plans)))
    network = model.network
    assert network.settings.fine_scale == plans[-1]["network"]["fine_scale"] == 0.6
    assert model.training["calibration_surveys"] == ["2mass-ks", "vvv-ks"]
    assert model.source_calibration is None  # of two clusters


def test_the_same_command_resumes(trained, train, tmp_path):
    first, folder = trained
    work, second = tmp_path / "work", tmp_path / "second.pt"
    shutil.copytree(folder, work)
    lost = work / "2mass-ks" / "60001.npz"
    sources = work / "2mass-ks" / "60001-sources.npy"
    made = {path: path.stat().st_mtime_ns for path in work.rglob("*.npz")}
    before = np.load(sources)
    lost.unlink()
    sources.unlink()
    assert train(second, work) == 0
    assert load_model(first).identity == load_model(second).identity
    assert load_model(first).calibration == load_model(second).calibration
    kept = {path: path.stat().st_mtime_ns for path in work.rglob("*.npz")}
    assert {path for path in made if made[path] != kept[path]} == {lost}
    np.testing.assert_array_equal(np.load(sources), before)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--steps", "9"), "plan.n_steps is 8 there and 9 here"),
        (("--surveys", "2mass-j,vvv-ks"), "others.surveys is ['2mass-ks', 'vvv-ks']"),
    ],
)
def test_a_folder_of_other_settings_is_refused(
    trained, train, tmp_path, capsys, options, message
):
    assert train(tmp_path / "second.pt", trained[1], *options) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "second.pt").exists()


@pytest.mark.parametrize(
    ("surveys", "left_out"),
    [
        (["2mass-ks"], {"fine", "color"}),
        (["ukidss-k", "vvv-ks"], {"color"}),
        (["2mass-ks", "vvv-ks"], {"color"}),
        (["2mass-ks", "vvv-ks", "vvv-j+vvv-h+vvv-ks"], set()),
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
    options = ["--surveys", ",".join(surveys), "--quiet"]
    assert main(["train", str(tmp_path / "model.pt"), *options]) == 0
    stages = {stage.name: stage for stage in recipes[0].stages if stage.n_tiles}
    everything = {stage.name for stage in Recipe().stages if stage.n_tiles}
    assert everything - set(stages) == left_out
    first = next(stage for stage in recipes[0].stages if stage.name == "all")
    assert set(first.tiles_of) == {"fine", "others"} - left_out
    for stage in stages.values():
        assert {"+" in tag for tag in stage.surveys} == {stage.in_color}
        assert set(stage.surveys) <= set(surveys)
        assert "2mass-ks" not in stage.surveys or not stage.fine_only


def test_a_stage_needs_surveys_of_its_kind(tmp_path, capsys):
    options = ["--stages", "color", "--surveys", "2mass-ks"]
    assert main(["train", str(tmp_path / "model.pt"), *options]) == 2
    message = "--surveys must have one for the stage 'color', such as 2mass-j+2mass-h"
    assert message in capsys.readouterr().err


def test_some_stages_go_on_with_the_networks_of_a_model(monkeypatch, tmp_path):
    calls = []

    def keep(recipe, *args, **options):
        calls.append((recipe, options["start"]))
        return load_model()

    monkeypatch.setattr("astro_vaeclust.training.make.make_model", keep)
    load_model().save(tmp_path / "old.pt")
    options = ["--start", str(tmp_path / "old.pt"), "--stages", "others", "--quiet"]
    command = ["train", str(tmp_path / "new.pt"), *options]
    assert main([*command, "--surveys", "2mass-ks"]) == 0
    ((recipe, start),) = calls
    assert [stage.name for stage in recipe.stages] == ["others"]
    assert {sky.survey for sky in recipe.level_skies} == {"2mass-ks"}
    assert start.identity == load_model().identity


@pytest.mark.parametrize("options", [(), ("--surveys", "2mass-ks")])
def test_a_stage_without_tiles_needs_those_of_others(tmp_path, capsys, options):
    command = ["train", str(tmp_path / "model.pt"), "--stages", "all", *options]
    assert main(command) == 2
    message = "--stages must have fine or others, whose tiles the stage 'all' takes"
    assert message in capsys.readouterr().err


def test_an_unknown_stage_is_refused(tmp_path, capsys):
    command = ["train", str(tmp_path / "m.pt"), "--stages", "coarser"]
    assert main(command) == 2
    assert "'coarser'" in capsys.readouterr().err


def test_an_existing_model_is_refused_before_the_work(train, tmp_path, capsys):
    path = tmp_path / "model.pt"
    path.write_bytes(b"")
    assert train(path, tmp_path / "work") == 2
    assert "exists" in capsys.readouterr().err
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--side=100", "--side takes a multiple of 64, got 100"),
        ("--steps=0", "--steps: takes a whole number from 1, got '0'"),
        ("--surveys=dss", "--surveys: takes 2mass-j"),
    ],
)
def test_a_bad_recipe_is_refused_at_once(tmp_path, capsys, option, message):
    folder = tmp_path / "work"
    command = ["train", str(tmp_path / "m.pt"), "--folder", str(folder), option]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not folder.exists()


def test_nulls_follow_tiles(monkeypatch, tmp_path):
    recipes = []

    def keep(recipe, *args, **options):
        recipes.append(recipe)
        return load_model()

    monkeypatch.setattr("astro_vaeclust.training.make.make_model", keep)
    recipe = Recipe()
    tiles = recipe.stages[1].n_tiles // 4
    command = ["train", str(tmp_path / "m.pt"), "--quiet", "--overwrite"]
    assert main([*command, "--tiles", str(tiles)]) == 0
    assert main([*command, "--tiles", str(tiles), "--nulls", "7"]) == 0
    assert [one.n_nulls for one in recipes] == [recipe.n_nulls // 4, 7]
