# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training: resumed, gone on with, in part, and averaged."""

import copy
import shutil
from dataclasses import replace
from pathlib import Path

import astropy.units as u
import pytest
import torch

from astro_vaeclust.simulation import MockCluster, simulate_tile
from astro_vaeclust.training import loop
from astro_vaeclust.training.loop import (
    N_STATISTICS,
    TrainingPlan,
    draw_batch,
    train_network,
)
from astro_vaeclust.training.losses import Weights
from astro_vaeclust.training.recipe import Recipe
from astro_vaeclust.training.stages import default_stages
from astro_vaeclust.training.tiles import TrainingTile

from ..detector.examples import TINY


def _plan(**changes):
    settings = {"batch_size": 2, "side": 128, "network": TINY, "checkpoint_every": 2}
    return TrainingPlan(**(settings | changes))


@pytest.fixture(scope="module")
def tile_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles")
    cluster = MockCluster(n_members=60, half_number_radius=20 * u.arcsec)
    for seed in range(2):
        tile = simulate_tile(shape=(200, 180), clusters=cluster, seed=seed)
        TrainingTile.from_mock(tile, 1.0).save(folder / f"{seed}.npz")
    return sorted(folder.glob("*.npz"))


def _parameters(network):
    return torch.cat([value.ravel().float() for value in network.state_dict().values()])


def test_an_interrupted_training_goes_on_to_the_same_bits(tile_files, tmp_path):
    state = torch.get_rng_state()
    whole = train_network(_plan(n_steps=6), tile_files, tmp_path / "whole")

    def interrupt(steps):
        for step in steps:
            if step == 4:
                raise KeyboardInterrupt
            yield step

    with pytest.raises(KeyboardInterrupt):
        train_network(
            _plan(n_steps=6), tile_files, tmp_path / "cut", progress=interrupt
        )
    resumed = train_network(_plan(n_steps=6), tile_files, tmp_path / "cut")
    assert torch.equal(_parameters(whole), _parameters(resumed))
    assert torch.equal(torch.get_rng_state(), state)
    with pytest.raises(ValueError, match=r"plan.n_steps is 6 there and 7 here"):
        train_network(_plan(n_steps=7), tile_files, tmp_path / "whole")
    wider = replace(TINY, fused=2 * TINY.fused)
    with pytest.raises(ValueError, match="start must be a network of"):
        train_network(
            _plan(n_steps=1, network=wider), tile_files, tmp_path / "w", start=whole
        )


def test_a_training_goes_on_with_sharper_pixels(tile_files, tmp_path):
    first = train_network(_plan(n_steps=2), tile_files, tmp_path / "first")
    before = _parameters(first).clone()
    plan = _plan(n_steps=2, network=replace(TINY, fine_scale=0.6))
    plan = replace(plan, precision="bfloat16")
    second = train_network(plan, tile_files, tmp_path / "second", start=first)
    assert second.settings.fine_scale == 0.6
    assert first.settings.fine_scale == 1.0
    assert torch.equal(_parameters(first), before)
    assert not torch.equal(_parameters(second), before)
    assert all(value.dtype == torch.float32 for value in second.parameters())


def test_a_part_is_trained_and_all_else_stays(tile_files, tmp_path):
    first = train_network(_plan(n_steps=2), tile_files, tmp_path / "first")
    plan = _plan(n_steps=2, part="measures")
    second = train_network(plan, tile_files, tmp_path / "second", start=first)
    before, after = first.state_dict(), second.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("measures.") for name in changed)
    again = train_network(plan, tile_files, tmp_path / "second", start=first)
    assert torch.equal(_parameters(second), _parameters(again))


def test_weights_are_averaged_and_normalisations_measured_anew(tile_files, tmp_path):
    first = train_network(_plan(n_steps=2), tile_files, tmp_path / "first")
    before = copy.deepcopy(first.state_dict())
    after, mean = (
        train_network(
            _plan(n_steps=4, averaged=averaged),
            tile_files,
            tmp_path / str(averaged),
            start=first,
        )
        for averaged in (False, True)
    )
    for name, value in mean.named_parameters():
        expected = 0.5 * (before[name] + after.state_dict()[name])
        torch.testing.assert_close(value, expected)
    middle = copy.deepcopy(mean).train()
    for module in middle.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0  # statistics of the last batch alone
    steps = range(4, 4 + N_STATISTICS)
    channels = [draw_batch(_plan(), tile_files, [], n)["channels"] for n in steps]
    means = []
    with torch.no_grad():
        for batch in channels:
            middle(batch)
            means.append(middle.stages[0][1].running_mean.clone())
    torch.testing.assert_close(
        mean.stages[0][1].running_mean, torch.stack(means).mean(dim=0)
    )
    assert not mean.training
    assert torch.equal(
        _parameters(first),
        torch.cat([value.ravel().float() for value in before.values()]),
    )


def test_plans_that_go_on_need_a_network(tile_files, tmp_path):
    for changes in ({"part": "measures"}, {"averaged": True}):
        with pytest.raises(ValueError, match="start must be a network with this plan"):
            train_network(_plan(n_steps=1, **changes), tile_files, tmp_path / "none")
    with pytest.raises(ValueError, match="part must be one of"):
        _plan(part="head")


def test_a_folder_of_other_tiles_or_another_start_is_refused(tile_files, tmp_path):
    first = train_network(_plan(n_steps=1), tile_files, tmp_path / "first")
    train_network(_plan(n_steps=1), tile_files, tmp_path / "run", start=first)
    other = train_network(_plan(n_steps=1, seed=9), tile_files, tmp_path / "other")
    for tiles, start, message in (
        (tile_files, other, "start is '[0-9a-f]+' there"),
        (tile_files, None, "start is '[0-9a-f]+' there and None here"),
        (tile_files[:1], first, r"tiles is '2 \("),
    ):
        with pytest.raises(ValueError, match=message):
            train_network(_plan(n_steps=1), tiles, tmp_path / "run", start=start)


def test_a_checkpoint_of_other_tiles_is_refused(tile_files, tmp_path):
    (tmp_path / "others").mkdir()
    other = Path(shutil.copy(tile_files[0], tmp_path / "others"))
    train_network(_plan(n_steps=1), tile_files[:1], tmp_path / "run")
    with pytest.raises(ValueError, match=r"tiles is '1 \(.*there and '1 \(.*here"):
        train_network(_plan(n_steps=1), [other], tmp_path / "run")


def test_curves_go_on_from_the_checkpoint(tile_files, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "AVERAGED", 1)
    plan = _plan(n_steps=3, checkpoint_every=2)
    train_network(plan, tile_files, tmp_path / "whole")
    train_network(plan, tile_files, tmp_path / "run", progress=lambda steps: steps[:2])
    curves = tmp_path / "run" / "curves.jsonl"
    lines = curves.read_text()
    curves.write_text(lines + lines[:40])  # a kill while the next was written
    train_network(plan, tile_files, tmp_path / "run")
    assert curves.read_text() == (tmp_path / "whole" / "curves.jsonl").read_text()


def test_the_mean_of_the_weights_is_kept(tile_files, tmp_path):
    first = train_network(_plan(n_steps=1), tile_files, tmp_path / "first")
    mean, again = (
        train_network(
            _plan(n_steps=2, averaged=True), tile_files, tmp_path / "run", start=first
        )
        for _ in range(2)
    )
    assert torch.equal(_parameters(mean), _parameters(again))
    assert (tmp_path / "run" / "mean.pt").exists()


def test_a_stage_trains_what_is_measured_in_the_end():
    stage = default_stages()[1]
    (name, plan), (measures, after) = stage.plans.items()
    assert (name, measures, plan) == ("fine", "fine-measures", stage.plan)
    assert (after.n_steps, after.part, after.mined) == (800, "measures", 0)
    assert not after.averaged
    assert after.weights == Weights(center=0, density=0, autoencoder=0, labels=0)
    assert list(replace(stage, n_measure_steps=0).plans) == ["fine"]


@pytest.mark.parametrize(
    ("number", "changes"),
    [(1, {"n_tiles": 10_001}), (2, {"n_tiles": 20_001}), (3, {"n_tiles": 10_001})],
)
def test_seeds_of_tiles_are_their_own(number, changes):
    stages = list(default_stages())
    stages[number] = replace(stages[number], **changes)
    first, count = stages[number].first_seed, stages[number].n_tiles
    message = f"n_tiles must be at most {count - 1} from seed {first} on, got {count}"
    with pytest.raises(ValueError, match=message):
        Recipe(stages=tuple(stages))


def test_seeds_of_the_calibration_are_their_own():
    stages = default_stages()
    with pytest.raises(ValueError, match=r"n_nulls must be at most 69.. with.* 7000"):
        Recipe(n_nulls=7000)
    assert Recipe(n_nulls=6900).n_nulls == 6900
    assert Recipe(n_nulls=9000, stages=stages[:-1]).n_nulls == 9000
    twice = replace(stages[1], first_seed=stages[2].first_seed)
    with pytest.raises(ValueError, match="n_tiles must be at most 0 from seed 40000"):
        Recipe(stages=(stages[0], twice, *stages[2:]))


def test_a_stage_uses_tiles_that_there_are():
    stages = default_stages()
    for name in ("lost", "all"):  # the latter has no tiles of its own
        lost = replace(stages[-1], tiles_of=(name,))
        with pytest.raises(ValueError, match=f"stage 'color' takes, {name}; got fine"):
            Recipe(stages=(*stages[:-1], lost))
    with pytest.raises(ValueError, match="'all' takes, fine, others; got None"):
        Recipe(stages=stages[:1])
    empty = replace(stages[-1], n_tiles=0)
    with pytest.raises(ValueError, match="n_tiles must be"):
        Recipe(stages=(*stages[:-1], empty))
