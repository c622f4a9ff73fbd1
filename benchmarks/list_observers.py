# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
What observers of perfect star lists find that learn from mock skies.

For ``benchmarks/detection_bound.py --colours``. An observer is a small network that
sees the stars of a tile to the limits of a survey, without errors, as counts in cells
of 7.5 arcsec in classes of magnitude in K, or of magnitude and colour; nebulae it does
not see. Both observers learn the same way from the same lists. For each cell a network
gives the logarithm of a ratio of likelihoods, with a cluster there over none on the
tile: its loss is that of the posterior of "in the match radius of the true centre", or
"none", under even odds. Each second tile has one cluster, and each second tile of
either kind a starless cloud, so that a cloud says nothing.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import torch
from astropy.coordinates import SkyCoord
from astropy.stats import binom_conf_interval
from astropy.table import Table
from detection_bound import LEAST_MEMBERS, cluster_of
from scipy.ndimage import convolve, maximum_filter
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from astro_vaeclust.baselines import BASELINES
from astro_vaeclust.baselines.tuned import tuned_settings
from astro_vaeclust.images.image import Image
from astro_vaeclust.matching.pairs import match_radii
from astro_vaeclust.photometry.surveys import SURVEYS, Survey
from astro_vaeclust.simulation.design import FIRST_SEED, default_shape, mock_star_list
from astro_vaeclust.simulation.observation import make_wcs
from astro_vaeclust.sources.points import PointSources

RATES = (0.3, 1.0, 3.0, 10.0)
"""False positives per deg2."""

DEPTHS = (0.1, 0.7, 1.4, 2.0)
"""Ends of ranges of the mean extinction in Ks of a cluster by its cloud."""

TRAINING_SEED = 60_000
"""Seed of the first training tile, of an even number."""

PIXEL = 2.0
"""Pixels of fine tiles in arcsec; nobody looks at their images."""

CELL = 7.5
"""Side of a cell in arcsec."""

K_EDGES = (-3.6, -1.6)
"""Edges of the classes of magnitude in K, from the limit."""

JK_EDGES = (-0.8, -0.4, -0.15, 0.15, 0.4, 0.8, 1.5)
"""Edges of the classes of J - K, from the median of the tile."""

HK_EDGES = (-0.1, 0.25, 0.6)
"""Edges of the classes of H - K of stars that are not seen in J, from the median."""

SLOPE, EXCESS = 1.75, -0.3
"""Q = (J - H) - SLOPE (H - K), and Q from the median below which there is an excess."""

N_COLORS = (len(JK_EDGES) + 1) + 1 + (len(HK_EDGES) + 1) + 1
"""Classes of colour: by J - K, with an excess, by H - K, and seen in K alone."""

N_MAGNITUDES = len(K_EDGES) + 1

CHANNELS = {"K": N_MAGNITUDES, "J, H, K": N_COLORS * N_MAGNITUDES}
"""Observers, and the classes of stars that they tell apart."""

BATCH, RATE, DECAY = 16, 3e-3, 1e-2
"""Tiles of a step, and the rate and the weight decay of AdamW."""

RIVALS = ("star-counts", "mixture-with-noise")
"""Catalogue methods that use colours."""

SUMMED, APART = 18.0, 30.0
"""Radii in arcsec within which ratios are summed to a score, and within which a
detection has the highest."""


@dataclass(frozen=True, eq=False)
class StarList:
    """
    Stars of a tile above the limit in K, and its cluster, if there is one.

    Positions and the match radius are in pixels of the survey; magnitudes below the
    limit of their band are NaN.
    """

    points: PointSources
    survey: Survey
    shape: tuple[int, int]
    center: tuple = (np.nan, np.nan)
    radius: float = np.nan
    n_members: int = 0
    depth: float = np.nan

    @property
    def cells(self):
        """Cells along a column and a row (tuple of int)."""
        return tuple(
            round(side * self.survey.pixel_scale / CELL) for side in self.shape
        )

    @property
    def area(self):
        """Area in deg2 (float)."""
        return np.prod(self.shape) * (self.survey.pixel_scale / 3600) ** 2

    @cached_property
    def codes(self):
        """Classes and cells of the stars: ``class * n_cells + cell``, (n,) int."""
        ny, nx = self.cells
        rows, columns = (
            np.clip((axis + 0.5) * self.survey.pixel_scale // CELL, 0, side - 1)
            for axis, side in ((self.points.y, ny), (self.points.x, nx))
        )
        k = self.points.magnitudes[-1]
        magnitude = np.digitize(k - self.survey.limit, K_EDGES)
        classes = color_classes(*self.points.magnitudes) * N_MAGNITUDES + magnitude
        return (classes * ny * nx + rows * nx + columns).astype(np.int32)

    def counts(self, name):
        """Return the counts in cells that an observer sees, (channels, ny, nx)."""
        n_cells = np.prod(self.cells)
        codes = self.codes % (N_MAGNITUDES * n_cells) if name == "K" else self.codes
        counts = np.bincount(codes, minlength=CHANNELS[name] * n_cells)
        return counts.reshape(-1, *self.cells).astype(np.float32)

    def near(self):
        """Return the cells in the match radius of the cluster, (ny, nx) bool."""
        y, x = (
            (np.arange(side) + 0.5) * CELL / self.survey.pixel_scale - 0.5
            for side in self.cells
        )
        return self.is_near(x, y[:, np.newaxis])

    def is_near(self, x, y):
        """Whether positions are in the match radius of the cluster (bool array)."""
        return np.hypot(x - self.center[0], y - self.center[1]) < self.radius


def bands_of(survey):
    """Return the surveys of J, H and K of a tag, without fine pixels."""
    camera = survey.split("-")[0]
    return [
        replace(one, pixel_scale=PIXEL) if one.pixel_scale < 0.5 else one
        for name, one in SURVEYS.items()
        if name.split("-")[0] == camera
    ]


def draw_list(seed, survey):
    """Return the `StarList` of a mock tile."""
    bands = bands_of(survey)
    nulls = ("starless-cloud",) * (seed // 2 % 2)
    stars, clusters = mock_star_list(seed, survey=bands, nulls=nulls)
    limits = np.array([one.limit for one in bands])
    stars = stars[~stars["is_galaxy"] & (stars["mag"].value < limits[-1])]
    magnitudes = np.array([stars[f"mag_{one.band}"].value for one in bands])
    magnitudes[magnitudes >= limits[:, np.newaxis]] = np.nan
    points = PointSources(np.asarray(stars["x"]), np.asarray(stars["y"]), magnitudes)
    known, shape = {}, default_shape(bands[-1])
    if len(clusters):
        (truth,) = clusters
        known = {
            "center": (float(truth["x_center"]), float(truth["y_center"])),
            "radius": float(match_radii(clusters)[0]) / bands[-1].pixel_scale,
            "n_members": int(truth["n_members"]),
            "depth": cluster_of(seed, clusters, bands[-1], shape).extinction.value,
        }
    return StarList(points, bands[-1], shape, **known)


def color_classes(j, h, k):
    """Return the class of colour of each star, (n,) int below ``N_COLORS``."""
    q = (j - h) - SLOPE * (h - k)
    first = len(JK_EDGES) + 2
    classes = np.full(k.size, N_COLORS - 1)
    for color, edges, start in ((h - k, HK_EDGES, first), (j - k, JK_EDGES, 0)):
        known = np.isfinite(color)
        if known.any():
            offset = color[known] - np.median(color[known])
            classes[known] = start + np.digitize(offset, edges)
    if np.isfinite(q).any():
        classes[q - np.nanmedian(q) < EXCESS] = first - 1
    return classes


class Observer(nn.Module):
    """Log ratios of likelihoods of cells, from standardised counts in cells."""

    def __init__(self, channels):
        super().__init__()
        self.filters, self.field = nn.Conv2d(channels, 24, 1), nn.Linear(channels, 24)
        self.fine, self.middle = _layers(24, 16), _layers(16, 32, 32)
        self.coarse = _layers(32, 64, 64)
        self.middle_again, self.fine_again = _layers(96, 32, 32), _layers(48, 16)
        self.last = nn.Conv2d(16, 1, 1)
        nn.init.constant_(self.last.bias, -8.0)

    def forward(self, counts):
        """Return the log ratios, (n, ny, nx), of counts (n, channels, ny, nx)."""
        ny, nx = counts.shape[-2:]
        mean = counts.mean((2, 3), keepdim=True)
        scaled = (counts - mean) / (mean + 0.02).sqrt()
        scaled = functional.pad(scaled, (0, -nx % 4, 0, -ny % 4))
        field = self.field((mean + 0.003).log()[..., 0, 0])
        fine = self.fine(self.filters(scaled) + field[..., None, None])
        middle = self.middle(functional.max_pool2d(fine, 2))
        coarse = self.coarse(functional.max_pool2d(middle, 2))
        middle = self.middle_again(torch.cat([middle, _larger(coarse)], 1))
        fine = self.fine_again(torch.cat([fine, _larger(middle)], 1))
        return self.last(fine)[:, 0, :ny, :nx]


def _layers(*numbers):
    """Return convolutions with their nonlinearities between numbers of channels."""
    layers = []
    for before, after in pairwise(numbers):
        layers += [
            nn.Conv2d(before, after, 3, padding=1),
            nn.GroupNorm(4, after),
            nn.ReLU(),
        ]
    return nn.Sequential(*layers)


def _larger(maps):
    return functional.interpolate(maps, scale_factor=2, mode="bilinear")


def loss_of(ratios, near):
    """Return the mean of minus the log of the posterior of what is true."""
    flat, near = ratios.flatten(1), near.flatten(1)
    zero = torch.zeros(len(flat), 1)
    everything = torch.logsumexp(torch.cat([zero, flat], 1), 1)
    there = torch.logsumexp(flat.masked_fill(~near, -torch.inf), 1)
    return (everything - torch.where(near.any(1), there, zero[:, 0])).mean()


def train(lists, name, *, epochs, seed=0):
    """Return an `Observer` that has learned from lists."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    observer = Observer(CHANNELS[name])
    optimizer = torch.optim.AdamW(observer.parameters(), RATE, weight_decay=DECAY)
    steps = epochs * (len(lists) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, steps)
    for epoch in range(epochs):
        total = 0.0
        order = rng.permutation(len(lists))[: len(lists) // BATCH * BATCH]
        for rows in order.reshape(-1, BATCH):
            views = [_turned(rng, lists[row], name) for row in rows]
            counts, near = (
                torch.from_numpy(np.stack(maps)) for maps in zip(*views, strict=True)
            )
            loss = loss_of(observer(counts), near)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(observer.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            total += loss.item()
        mean = total * BATCH / len(order)
        print(f"{name}: epoch {epoch + 1}, loss {mean:.3f}", flush=True)
    return observer.eval()


def _turned(rng, one, name):
    """Return counts and truth of a list, turned and mirrored at random."""
    maps = np.concatenate([one.counts(name), one.near()[np.newaxis]])
    turns = rng.integers(4)
    if maps.shape[1] != maps.shape[2]:
        turns = 2 * (turns // 2)
    maps = np.rot90(maps, turns, axes=(1, 2))
    if rng.random() < 0.5:
        maps = maps[:, :, ::-1]
    return np.ascontiguousarray(maps[:-1]), maps[-1] > 0


@torch.no_grad()
def judge(observer, one, name):
    """Return the scores in the match radius, on a tile without a cluster all, (n,)."""
    ratios = observer(torch.from_numpy(one.counts(name)[np.newaxis]))[0].numpy()
    ratios = np.exp(ratios.astype(float))
    score = np.log(convolve(ratios, _disc(SUMMED), mode="constant") + 1e-12)
    peaks = score == maximum_filter(score, footprint=_disc(APART))
    return score[peaks & one.near()] if one.n_members else score[peaks]


def _disc(radius):
    axis = np.arange(-5, 6) * CELL
    return np.hypot(axis, axis[:, np.newaxis]) <= radius


def judge_rival(finder, one):
    """Return what `judge` returns, of a catalogue method."""
    mask = np.zeros(one.shape, dtype=bool)
    wcs = make_wcs(one.survey, mask.shape, SkyCoord("18h +1d"))
    image = Image(data=np.zeros(mask.shape, np.float32), mask=mask, wcs=wcs)
    found = finder.candidates(finder.make_field(image, one.points))
    rows = [(candidate.score, candidate.x, candidate.y) for candidate in found]
    score, x, y = np.array(rows).reshape(-1, 3).T
    return score[one.is_near(x, y)] if one.n_members else score


def fractions(judged, lists):
    """
    Return what was found at each rate, and by depth at one per deg2 (dict).

    False positives count on the tiles without a cluster, as `froc` counts them.
    """
    pairs = list(zip(judged, lists, strict=True))
    rich = [(scores, one) for scores, one in pairs if one.n_members >= LEAST_MEMBERS]
    empty = [(scores, one) for scores, one in pairs if not one.n_members]
    best = np.array([scores.max(initial=-np.inf) for scores, _ in rich])
    depth = np.array([one.depth for _, one in rich])
    area = sum(one.area for _, one in empty)
    false = np.sort(np.concatenate([scores for scores, _ in empty]))[::-1]
    row = {"clusters": len(rich), "deg2 without": round(area, 2)}
    for rate in RATES:
        allowed = int(rate * area + 1e-9)
        is_found = best > (false[allowed] if allowed < false.size else -np.inf)
        row[f"at {rate:g} / deg2"] = fraction(is_found)
        if rate == 1:
            at_one = is_found
    for low, high in pairwise(DEPTHS):
        inside = (depth >= low) & (depth < high)
        row[f"1 / deg2, {low:g}-{high:g} mag"] = fraction(at_one[inside])
    return row


def compare(survey, *, n_tiles, n_training, epochs, n_rivals):
    """Train both observers, and print what they and the catalogue methods find."""
    torch.set_num_threads(1)
    training, lists = (
        [draw_list(seed, survey) for seed in tqdm(range(first, first + number))]
        for first, number in ((TRAINING_SEED, n_training), (FIRST_SEED, n_tiles))
    )
    judged = {}
    for name in CHANNELS:
        observer = train(training, name, epochs=epochs)
        judged[f"network, {name}"] = [judge(observer, one, name) for one in lists]
    for tag in RIVALS:
        for colors in (False, True):
            settings = {"threshold": 0.5, "colors": colors}
            finder = BASELINES.get(tag)(**settings, **tuned_settings(tag, survey))
            name = f"{tag}, {'J, H, K' if colors else 'K'}"
            judged[name] = [judge_rival(finder, one) for one in tqdm(lists[:n_rivals])]
    print(f"{survey}, {n_training} tiles to learn from")
    rows = [
        {"observer": name} | fractions(outcome, lists[: len(outcome)])
        for name, outcome in judged.items()
    ]
    Table(rows).pprint_all()


def fraction(is_found):
    """Return a fraction with its 95 % interval of Wilson (str)."""
    low, high = binom_conf_interval(
        is_found.sum(), is_found.size, confidence_level=0.95, interval="wilson"
    )
    return f"{is_found.mean():.2f} ({low:.2f}-{high:.2f})"
