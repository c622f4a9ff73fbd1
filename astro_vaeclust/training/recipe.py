# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What goes into a model: the trainings and the calibration."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from ..utils.validation import check_count, check_number
from .level_skies import LevelSky, level_skies
from .stages import COLOR_SURVEYS, Stage, default_stages

__all__ = ["Recipe"]

CALIBRATION_SURVEYS, N_NULLS = ("2mass-ks", "ukidss-k"), 600

INJECTION_SEED, CALIBRATION_SEED, END_OF_SEEDS = 30_000, 60_000, 100_000


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """
    What goes into a model.

    Parameters
    ----------
    stages : tuple of `Stage`
        The trainings, one after the other.
    calibration_surveys : tuple of str
        Tags of the surveys that the calibration tiles imitate; none if the calibration
        in one band stays as it was.
    n_nulls : int
        Tiles without a cluster per survey of the calibration; as many with one.
    color_surveys : tuple of str
        Those of the calibration in colour, the bands of each joined by plus signs.
    bare : float
        Fraction of the clusters of the calibration that have lost their clouds, in
        [0, 1); these are on further tiles.
    n_source_nulls, n_source_clusters : int
        How many of these, without and with a cluster, calibrate the detection with
        point sources, too; all where there are fewer. Zero for both leaves that out.
    """

    stages: tuple[Stage, ...] = field(default_factory=default_stages)
    calibration_surveys: tuple[str, ...] = CALIBRATION_SURVEYS
    color_surveys: tuple[str, ...] = COLOR_SURVEYS
    n_nulls: int = N_NULLS
    bare: float = 0.25
    n_source_nulls: int = 100
    n_source_clusters: int = 60

    def __post_init__(self):
        """Check the stages."""
        if not self.stages:
            raise ValueError("stages must have one at minimum, got none")
        own = [stage.name for stage in self.stages if stage.n_tiles]
        for stage in self.stages:
            check_count("n_tiles", stage.n_tiles, minimum=0 if stage.tiles_of else 1)
            if not set(stage.tiles_of) <= set(own):
                raise ValueError(
                    f"stages must have those whose tiles the stage {stage.name!r} "
                    f"takes, {', '.join(stage.tiles_of)}; got {', '.join(own) or None}"
                )
        for name in ("n_source_nulls", "n_source_clusters"):
            check_count(name, getattr(self, name), minimum=0)
        check_number("bare", self.bare, high=1)
        self._check_seeds()

    def _check_seeds(self):
        """Raise ValueError if two kinds of tiles have the same seeds."""
        skies = (*self.level_skies, *self.color_skies)
        most = max(self.n_nulls, self.n_bare, *(sky.number for sky in skies), 0)
        spans = [
            *((one.first_seed, one.n_tiles) for one in self.stages if one.n_tiles),
            (INJECTION_SEED, 0),
            (CALIBRATION_SEED, 2 * most),
            (END_OF_SEEDS, 0),
        ]
        for (first, number), (after, _) in pairwise(sorted(spans)):
            if first + number > after and first == CALIBRATION_SEED:
                most = (after - first) * self.n_nulls // number
                raise ValueError(
                    f"n_nulls must be at most {most} with these stages, got "
                    f"{self.n_nulls}"
                )
            if first + number > after:
                raise ValueError(
                    f"n_tiles must be at most {after - first} from seed {first} on, "
                    f"got {number}"
                )

    @property
    def n_bare(self) -> int:
        """Number of clusters per survey that have lost their clouds (int)."""
        return round(self.n_nulls * self.bare / (1 - self.bare))

    @property
    def level_skies(self) -> tuple[LevelSky, ...]:
        """Mock sky on which the levels are calibrated (tuple)."""
        return level_skies(self.calibration_surveys, self.n_nulls / N_NULLS)

    @property
    def color_skies(self) -> tuple[LevelSky, ...]:
        """Mock sky on which the sets of bands are calibrated (tuple)."""
        if not any(stage.in_color for stage in self.stages):
            return ()
        return level_skies(self.color_surveys, self.n_nulls / N_NULLS)

    @property
    def fine_scale(self) -> float:
        """Size in arcsec to which the model bins fine images (float)."""
        return self.stages[-1].plan.network.fine_scale
