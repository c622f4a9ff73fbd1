# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The trainings of a model, one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from ..detector.network import NetworkSettings
from .level_tiles import draw_level
from .loop import TrainingPlan
from .losses import Weights
from .tiles import HARDEST, draw_tile

__all__ = ["COLOR_SURVEYS", "Stage", "default_stages"]

COLOR_SURVEYS = "2mass-j+2mass-h+2mass-ks", "ukidss-j+ukidss-h+ukidss-k"

SURVEYS_OF_STAGES = ("2mass-j", "2mass-h", "2mass-ks", "2mass-ks", "ukidss-k")


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
        Fraction of tiles that have more of the hardest nulls.
    hardest : tuple of str
        Kinds of these.
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
        images; else the latter, which sees only the others in the end.
    plan : `~astro_vaeclust.training.loop.TrainingPlan`
        How the network is trained; from tiles in colour,
        `~astro_vaeclust.training.colors.fit_color_score` learns.
    """

    name: str
    first_seed: int
    n_tiles: int
    surveys: tuple[str, ...]
    hard: float = 0.0
    hardest: tuple[str, ...] = HARDEST
    bare: float = 0.0
    native: float = 0.0
    most_pixels: int | None = None
    levels: tuple[int, ...] = (1,)
    tiles_of: tuple[str, ...] = ()
    fine_only: bool = False
    plan: TrainingPlan = field(default_factory=TrainingPlan)

    @property
    def in_color(self):
        """Whether its tiles have several bands, and train no network (bool)."""
        return any("+" in tag for tag in self.surveys)

    @property
    def tile_settings(self):
        """What its tiles depend on, except for their seeds (dict)."""
        names = ("surveys", "hard", "hardest", "bare", "native", "most_pixels")
        names = (*names, "levels", "first_seed")
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
            hardest=self.hardest,
            native=bool(native < self.native),
            most_pixels=self.most_pixels,
        )


def default_stages():
    """
    Return the trainings of the model of the package, one after the other.

    ============== ====== ======================================================
    stage          images what is new
    ============== ====== ======================================================
    train          all    everything; pixels of about 1 arcsec
    hard           all    more of the nulls that are still false positives
    fine           all    fine images in pixels of 0.6 arcsec
    long           all    more tiles and steps; mean of the weights
    measures       all    only what is measured is trained
    mined          all    squares with its own false candidates
    mined-again    all    the same, the worst most often; mean of the weights
    measures-again all    only what is measured is trained
    sharp          fine   a network of its own; larger squares, false candidates
    coarse         others the same; mean of the weights
    sharp-again    fine   false candidates again
    bare           fine   a third of tiles have no clouds; mean of the weights
    levels         others coarser levels, clusters of all sizes; mean of the weights
    color-fine     fine   the score in several bands, from the tiles of both
    color          others the same
    ============== ====== ======================================================

    After each of the five before, ``measures-of-...`` trains only what is measured. The
    mean of the weights is that before and after the stage.

    Returns
    -------
    stages : tuple of `Stage`
        The trainings.
    """
    sharper = NetworkSettings(fine_scale=0.6)
    broad = (*SURVEYS_OF_STAGES, "ukidss-k")
    fine = Stage(
        name="fine",
        first_seed=42_000,
        n_tiles=900,
        surveys=(*SURVEYS_OF_STAGES, *("ukidss-k",) * 4),
        hard=0.5,
        native=0.25,
        most_pixels=2000,
        plan=TrainingPlan(
            n_steps=1600,
            batch_size=6,
            side=448,
            learning_rate=1e-3,
            seed=2,
            network=sharper,
            precision="bfloat16",
            weights=Weights(measures=0.8),
        ),
    )
    measures = replace(
        fine,
        name="measures",
        n_tiles=0,
        tiles_of=("long",),
        plan=replace(
            fine.plan,
            n_steps=800,
            seed=4,
            part="measures",
            weights=Weights(center=0, density=0, autoencoder=0, labels=0),
        ),
    )
    mined = replace(
        fine,
        name="mined",
        first_seed=47_000,
        n_tiles=2000,
        surveys=(
            *("2mass-j", "2mass-h"),
            *("2mass-ks",) * 3,
            *("ukidss-k",) * 5,
        ),
        hard=0.75,
        hardest=(*HARDEST, "galaxy-group"),
        plan=replace(fine.plan, n_steps=2600, learning_rate=7e-4, seed=11, mined=0.4),
    )
    mined_again = replace(
        mined,
        name="mined-again",
        first_seed=49_000,
        tiles_of=("mined",),
        plan=replace(
            mined.plan,
            n_steps=4000,
            seed=13,
            mined=0.5,
            by_probability=True,
            averaged=True,
        ),
    )
    sharp = replace(
        mined_again,
        name="sharp",
        first_seed=53_000,
        surveys=("ukidss-k",),
        tiles_of=(),
        fine_only=True,
        plan=replace(
            mined_again.plan,
            n_steps=5000,
            batch_size=4,
            side=576,
            learning_rate=1e-3,
            seed=21,
            averaged=False,
        ),
    )
    coarse = replace(
        sharp,
        name="coarse",
        first_seed=55_000,
        n_tiles=3000,
        surveys=("2mass-j", "2mass-h", *("2mass-ks",) * 3),
        fine_only=False,
        plan=replace(sharp.plan, batch_size=5, side=512, seed=31, averaged=True),
    )
    sharp_again = replace(
        sharp,
        name="sharp-again",
        first_seed=51_000,
        plan=replace(sharp.plan, n_steps=3600, seed=33),
    )
    bare = replace(
        sharp_again,
        name="bare",
        first_seed=59_000,
        n_tiles=1000,
        bare=1.0,
        tiles_of=(sharp_again.name,),
        plan=replace(sharp_again.plan, n_steps=3000, seed=38, averaged=True),
    )

    levels = replace(
        coarse,
        name="levels",
        first_seed=70_000,
        n_tiles=1300,
        bare=0.15,
        surveys=("2mass-j", "2mass-h", *("2mass-ks",) * 4, "ukidss-k"),
        levels=(*(1,) * 16, *(2,) * 10, *(4,) * 8, *(8,) * 3, 16),
        plan=replace(
            coarse.plan,
            n_steps=2000,
            batch_size=6,
            side=384,
            learning_rate=7e-4,
            seed=41,
        ),
    )

    def measures_of(stage, seed):
        return replace(
            measures,
            name=f"measures-of-{stage.name}",
            surveys=stage.surveys,
            tiles_of=(stage.name, *stage.tiles_of),
            fine_only=stage.fine_only,
            plan=replace(measures.plan, seed=seed),
        )

    return (
        Stage(name="train", first_seed=20_000, n_tiles=4800, surveys=broad),
        Stage(
            name="hard",
            first_seed=40_000,
            n_tiles=1600,
            surveys=broad,
            hard=1.0,
            plan=TrainingPlan(n_steps=1600, learning_rate=7e-4, seed=1),
        ),
        fine,
        replace(
            fine,
            name="long",
            first_seed=44_000,
            n_tiles=1500,
            plan=replace(fine.plan, n_steps=4000, seed=3, averaged=True),
        ),
        measures,
        mined,
        mined_again,
        replace(
            measures,
            name="measures-again",
            tiles_of=("mined-again", "mined"),
            plan=replace(measures.plan, seed=14),
        ),
        sharp,
        measures_of(sharp, seed=22),
        coarse,
        measures_of(coarse, seed=32),
        sharp_again,
        measures_of(sharp_again, seed=34),
        bare,
        measures_of(bare, seed=38),
        levels,
        measures_of(levels, seed=42),
        *color_stages(sharper),
    )


def color_stages(network):
    """Return the tiles from which the score in several bands learns."""
    fine = Stage(
        name="color-fine",
        first_seed=90_000,
        n_tiles=1000,
        surveys=COLOR_SURVEYS[1:],
        hard=0.3,
        bare=0.2,
        native=0.1,
        most_pixels=2000,
        plan=TrainingPlan(network=network),
    )
    others = replace(
        fine,
        name="color",
        first_seed=92_000,
        n_tiles=350,
        surveys=(*COLOR_SURVEYS[:1] * 5, *COLOR_SURVEYS[1:]),
        native=0.0,
    )
    return fine, others
