# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The trainings of a model, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..detector.network import NetworkSettings
from .level_tiles import draw_level
from .loop import TrainingPlan
from .losses import Weights
from .tiles import draw_tile

__all__ = ["COLOR_SURVEYS", "Stage", "default_stages"]

COLOR_SURVEYS = "2mass-j+2mass-h+2mass-ks", "ukidss-j+ukidss-h+ukidss-k"


@dataclass(frozen=True, kw_only=True)
class Stage:
    """
    A training with tiles of one kind.

    Parameters
    ----------
    name : str
        Name of its folder.
    first_seed, n_tiles : int
        Seed of its first mock tile, the others follow by ones, and their number, which
        may be zero where those of others are used.
    surveys : tuple of str
        Tags of the surveys that the tiles imitate.
    hard : float
        Fraction of the tiles on the finest level that have more of the hardest nulls.
    bare : float
        Fraction of tiles whose clusters have lost their clouds.
    native : float
        Fraction of tiles of surveys with very fine pixels that keep them.
    most_pixels : int or None
        Most pixels along a side of a tile.
    levels : tuple of int
        Binnings from which that of a tile is drawn: 1 for the finest level, others for
        tiles of `~astro_vaeclust.training.level_tiles.draw_level`.
    tiles_of : tuple of str
        Names of other stages with tiles of their own whose tiles are used, too.
    fine_only : bool
        Whether the network for fine images is trained, which begins as that for all
        images where there is none yet; else the latter, which sees only the others in
        the end.
    plan : `~astro_vaeclust.training.loop.TrainingPlan`
        How the network is trained; from tiles in colour,
        `~astro_vaeclust.training.colors.fit_color_score` learns.
    n_measure_steps : int
        Further updates, of what is measured alone.
    """

    name: str
    first_seed: int
    n_tiles: int
    surveys: tuple[str, ...]
    hard: float = 0.0
    bare: float = 0.0
    native: float = 0.0
    most_pixels: int | None = None
    levels: tuple[int, ...] = (1,)
    tiles_of: tuple[str, ...] = ()
    fine_only: bool = False
    plan: TrainingPlan = field(default_factory=TrainingPlan)
    n_measure_steps: int = 0

    @property
    def plans(self):
        """How the network is trained, by the names of the folders (dict)."""
        if self.in_color:
            return {}
        plans = {self.name: self.plan}
        if self.n_measure_steps:
            plans[f"{self.name}-measures"] = replace(
                self.plan,
                n_steps=self.n_measure_steps,
                mined=0.0,
                averaged=False,
                part="measures",
                weights=Weights(center=0, density=0, autoencoder=0, labels=0),
            )
        return plans

    @property
    def in_color(self):
        """Whether its tiles have several bands, and train no network (bool)."""
        return any("+" in tag for tag in self.surveys)

    @property
    def tile_settings(self):
        """What its tiles depend on, except for their seeds (dict)."""
        names = ("surveys", "hard", "bare", "native", "most_pixels", "levels")
        names = (*names, "first_seed")
        return {name: getattr(self, name) for name in names} | {
            "fine_scale": self.plan.network.fine_scale
        }

    def draw_tile(self, seed):
        """Simulate the tile of a seed (`TrainingTile`)."""
        rng = np.random.default_rng([seed, self.first_seed])
        hard, native, bare = rng.uniform(size=3)
        settings = {
            "surveys": self.surveys,
            "fine_scale": self.plan.network.fine_scale,
            "clouds": bool(bare >= self.bare),
        }
        binning = int(rng.choice(self.levels))
        if binning > 1:
            return draw_level(seed, binning, **settings)
        return draw_tile(
            seed,
            **settings,
            hard=bool(hard < self.hard),
            native=bool(native < self.native),
            most_pixels=self.most_pixels,
        )


def default_stages():
    """
    Return the trainings of the model of the package, one after the other.

    ====== ====== ========================================================
    stage  images what is learned
    ====== ====== ========================================================
    all    all    everything, from nothing, on the tiles of the two below
    fine   fine   a network of its own, from false candidates of the first
    others others the same on all levels, in place of the first
    color  all    the score in several bands
    ====== ====== ========================================================

    Returns
    -------
    stages : tuple of `Stage`
        The trainings.
    """
    first = Stage(
        name="all",
        first_seed=0,
        n_tiles=0,
        surveys=("2mass-j", "2mass-h", "2mass-ks", "ukidss-k"),
        tiles_of=("fine", "others"),
        plan=TrainingPlan(
            n_steps=8000,
            batch_size=6,
            side=448,
            network=NetworkSettings(fine_scale=0.6),
            precision="bfloat16",
            weights=Weights(measures=0.8),
        ),
    )
    fine = Stage(
        name="fine",
        first_seed=20_000,
        n_tiles=3000,
        surveys=("ukidss-k",),
        hard=0.6,
        bare=0.3,
        native=0.25,
        most_pixels=2000,
        fine_only=True,
        plan=replace(
            first.plan,
            n_steps=5000,
            batch_size=4,
            side=576,
            learning_rate=1e-3,
            seed=1,
            mined=0.5,
            averaged=True,
        ),
        n_measure_steps=800,
    )
    others = Stage(
        name="others",
        first_seed=40_000,
        n_tiles=3000,
        surveys=("2mass-j", "2mass-h", *("2mass-ks",) * 4, "ukidss-k"),
        hard=0.6,
        bare=0.15,
        most_pixels=2000,
        levels=(*(1,) * 16, *(2,) * 10, *(4,) * 8, *(8,) * 3, 16),
        plan=replace(fine.plan, n_steps=4000, batch_size=6, side=384, seed=2),
        n_measure_steps=800,
    )
    color = Stage(
        name="color",
        first_seed=90_000,
        n_tiles=1400,
        surveys=(*COLOR_SURVEYS[:1], *COLOR_SURVEYS[1:] * 3),
        hard=0.3,
        bare=0.2,
        native=0.1,
        most_pixels=2000,
        plan=TrainingPlan(network=first.plan.network),
    )
    return first, fine, others, color
