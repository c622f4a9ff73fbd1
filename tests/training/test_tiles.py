# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The tiles from which the amortised network learns."""

import pytest

from astro_vaeclust.detector.network import CLASSES
from astro_vaeclust.simulation import simulate_tile
from astro_vaeclust.training import make, tiles
from astro_vaeclust.training.recipe import Recipe
from astro_vaeclust.training.stages import Stage


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_share_of_the_tiles_of_a_stage_has_bare_clusters(monkeypatch, share):
    drawn = []
    monkeypatch.setattr(
        tiles, "simulate_tile", lambda **kwargs: drawn.extend(kwargs["clusters"][:1])
    )
    monkeypatch.setattr(tiles.TrainingTile, "from_mock", lambda tile, fine_scale: tile)
    stage = Stage(name="a", first_seed=1, n_tiles=90, surveys=("ukidss-k",), bare=share)
    for seed in range(1, 91):
        stage.draw_tile(seed)
    bare = [cluster.extinction == 0 for cluster in drawn]
    assert len(drawn) > 60
    assert sum(bare) == pytest.approx(share * len(drawn), abs=15 if share == 0.5 else 0)


def test_some_clusters_of_the_calibration_are_bare(monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(make, "_save_tile", lambda job: job[0](job[1]))
    monkeypatch.setattr(make, "mock_tile", lambda seed, **kwargs: (seed, kwargs))
    monkeypatch.setattr(
        tiles.TrainingTile, "from_mock", lambda tile, fine_scale: drawn.append(tile)
    )
    stage = Stage(name="a", first_seed=1, n_tiles=1, surveys=("2mass-j",))
    monkeypatch.setattr(Stage, "draw_tile", lambda self, seed: None)
    short = Recipe(
        stages=(stage,), calibration_surveys=("2mass-ks",), n_nulls=6, bare=0.25
    )
    files = make._make_tiles(short, tmp_path, (), workers=1, progress_bar=None)
    bare = [seed for seed, kwargs in drawn if not kwargs["clouds"]]
    assert bare == [60_000, 60_002]  # these have clusters
    assert len(drawn) == len(files["2mass-ks"]) + len(bare) == 14
    assert [path.stem for path in files["2mass-ks-bare"]] == ["60000", "60002"]


def test_not_all_clusters_of_the_calibration_can_be_bare():
    with pytest.raises(ValueError, match=r"bare must be a number in \[0, 1\), got 1"):
        Recipe(bare=1)


@pytest.mark.parametrize("kind", ["hii-region", "large-galaxy", "nebula"])
def test_what_shines_between_the_stars_is_nebula(kind):
    mock = simulate_tile(shape=(128, 128), nulls=[kind], artefacts=(), seed=1)
    classes = tiles.TrainingTile.from_mock(mock, 1.0).regions[:, 0]
    assert CLASSES.index("nebula") in classes
