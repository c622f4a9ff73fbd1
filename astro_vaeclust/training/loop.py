# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Training of the network: it can be resumed, and has the same result each time."""

from __future__ import annotations

import copy
import hashlib
import json
import logging
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ..detector.network import ConvolutionalVAE, NetworkSettings
from ..embeddings.latent_map import digest
from ..utils.devices import resolve_device
from ..utils.files import ResultFolder
from ..utils.validation import check_choice, check_count
from .losses import LABELLED, Weights, objective
from .mining import find_false_candidates
from .targets import crop_tile
from .tiles import TrainingTile

__all__ = ["TrainingPlan", "train_network"]

logger = logging.getLogger(__name__)

CONVOLUTIONAL_DIVERGENCES = (LABELLED, "kl", "mmd", "renyi", "vade")
"""Those that a mixture of Gaussians has."""

PRECISIONS = ("float32", "bfloat16")

PARTS = (None, "measures")

CHECKPOINT, CURVES, MEAN = "checkpoint.pt", "curves.jsonl", "mean.pt"

AVERAGED = 50
"""Steps over which a line of the log averages."""

N_STATISTICS = 40
"""Batches from which the normalisations of averaged weights are measured."""


SQUARE = 64
"""What the side of a square is a multiple of: a cell of the coarsest scale."""


@dataclass(frozen=True, kw_only=True)
class TrainingPlan:
    """
    How the network is trained.

    Parameters
    ----------
    n_steps : int
        Updates of the parameters.
    batch_size : int
        Squares per update.
    side : int
        Side of a square in network pixels, a multiple of 64.
    learning_rate : float
        Of AdamW at its highest; it rises over the first twentieth of the steps and
        falls to nothing by a half cosine.
    weight_decay : float
        Of AdamW.
    injected : float
        Fraction of squares from real tiles, where there are any.
    mined : float
        Fraction of the others that hold a false candidate of ``start``, drawn in
        proportion to the probability of a cluster that it gave them.
    seed : int
        Of everything random.
    checkpoint_every : int
        Steps between checkpoints.
    weights : `~astro_vaeclust.training.losses.Weights`
        Of the terms of the objective.
    network : `~astro_vaeclust.detector.network.NetworkSettings`
        Sizes of the network.
    divergence : {'labelled', 'kl', 'mmd', 'renyi', 'vade'}
        Of the posteriors of the latents from their priors, see
        `~astro_vaeclust.training.losses.objective`.
    precision : {'float32', 'bfloat16'}
        Of the convolutions; parameters and updates are always in single precision.
    part : {'measures', None}
        The part of the network that is trained while all else stays as it is; None for
        all of it.
    averaged : bool
        Whether the result is the mean of the weights before and after (Wortsman et al.
        2022), which scores the rarest false positives lower.
    """

    n_steps: int = 7000
    batch_size: int = 8
    side: int = 384
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    injected: float = 0.12
    mined: float = 0.0
    seed: int = 0
    checkpoint_every: int = 200
    weights: Weights = field(default_factory=Weights)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    divergence: str = LABELLED
    precision: str = "float32"
    part: str | None = None
    averaged: bool = False

    def __post_init__(self):
        """Check numbers and words."""
        check_count("n_steps", self.n_steps)
        check_count("batch_size", self.batch_size)
        check_count("side", self.side, minimum=SQUARE)
        if self.side % SQUARE:
            raise ValueError(f"side takes a multiple of {SQUARE}, got {self.side}")
        check_choice("part", self.part, PARTS)
        check_choice("divergence", self.divergence, CONVOLUTIONAL_DIVERGENCES)
        check_choice("precision", self.precision, PRECISIONS)

    def check_start(self, start):
        """Raise ValueError if a network to start from has other sizes."""
        scale = self.network.fine_scale
        if replace(start.settings, fine_scale=scale) != self.network:
            raise ValueError(
                f"start must be a network of {self.network}, got {start.settings}"
            )

    def learning_rate_at(self, step):
        """Return the learning rate of a step (float)."""
        rise = max(self.n_steps // 20, 1)
        if step < rise:
            return self.learning_rate * (step + 1) / rise
        part = (step - rise) / max(self.n_steps - rise, 1)
        return self.learning_rate * 0.5 * (1 + math.cos(math.pi * part))


def train_network(
    plan, tiles, folder, *, real_tiles=(), start=None, device="cpu", progress=None
):
    """
    Train a network, or resume a training that was interrupted.

    Parameters
    ----------
    plan : `TrainingPlan`
        How.
    tiles, real_tiles : sequence of path
        Files of `~astro_vaeclust.training.tiles.TrainingTile`: mock ones, and real
        ones with painted clusters.
    folder : path
        Where ``checkpoint.pt``, the mean of the weights, ``mean.pt``, the curves,
        ``curves.jsonl``, and what was mined, ``false_candidates.npy``, go.
    start : `~astro_vaeclust.detector.network.ConvolutionalVAE`, optional
        Network to start from, of the sizes in the plan; it is not changed. By default
        a new one.
    device : str
        Where to compute.
    progress : callable, optional
        Wraps the steps, as `tqdm.tqdm` does.

    Returns
    -------
    network : `~astro_vaeclust.detector.network.ConvolutionalVAE`
        The trained network, ready for use.

    Raises
    ------
    ValueError
        If there are no tiles, the folder is that of another plan, start or other tiles,
        ``start`` has other sizes, or the plan needs it and there is none.
    """
    tiles, real_tiles = list(tiles), list(real_tiles)
    if not tiles:
        raise ValueError("tiles takes at least one file, got none")
    device = resolve_device(device)
    if start is None and (plan.part or plan.averaged or plan.mined):
        raise ValueError("start must be a network with this plan, got None")
    network = _new_network(plan) if start is None else _continued(plan, start)
    network = network.to(device).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(
        _to_train(network, plan.part), weight_decay=plan.weight_decay, fused=True
    )
    settings = {
        "plan": plan,
        "start": start and digest(v.cpu().numpy() for v in start.state_dict().values()),
        "tiles": _names_of(tiles, folder),
        "real_tiles": _names_of(real_tiles, folder),
    }
    folder = ResultFolder(folder, settings)
    first = _resume(folder, network, optimizer)
    steps = range(first, plan.n_steps)
    candidates = ()
    if plan.mined:
        file = folder.path / "false_candidates.npy"
        candidates = find_false_candidates(start, tiles, file, progress=progress)
    draw = partial(draw_batch, plan, tiles, real_tiles, candidates=candidates)
    recent = []
    with ThreadPoolExecutor(1) as pool:
        upcoming = pool.submit(draw, first)
        for step in progress(steps) if progress else steps:
            batch = _on_device(upcoming.result(), device)
            if step + 1 < plan.n_steps:
                upcoming = pool.submit(draw, step + 1)
            recent.append(_update(plan, network, optimizer, batch, step))
            if (step + 1) % AVERAGED == 0:
                _log_curves(folder.path / CURVES, step + 1, recent)
                recent = []
            if (step + 1) % plan.checkpoint_every == 0 or step + 1 == plan.n_steps:
                _save_checkpoint(folder, network, optimizer, step)
    if plan.averaged:
        if MEAN not in folder:
            steps = range(plan.n_steps, plan.n_steps + N_STATISTICS)
            mean = _averaged(start, network, map(draw, steps), device)
            with folder.new(MEAN) as path:
                torch.save(mean.state_dict(), path)
        network.load_state_dict(torch.load(folder.path / MEAN, weights_only=True))
    return network.eval()


def _names_of(tiles, folder):
    """Return how many tiles there are, and a digest of their names (str)."""
    own, names = Path(folder).resolve(), []
    for path in (Path(tile).resolve() for tile in tiles):
        names.append(path.name if path.parent == own else "/".join(path.parts[-2:]))
    digest_of_names = hashlib.sha256("\n".join(names).encode()).hexdigest()
    return f"{len(tiles)} ({digest_of_names[:8]})"


def _to_train(network, part):
    """Put a part of the network into its mode for training; return its parameters."""
    trained = network if part is None else network.get_submodule(part)
    network.requires_grad_(False).eval()
    return trained.requires_grad_(True).train().parameters()


def _averaged(start, network, batches, device):
    """Return the mean of two networks, with its own normalisations measured."""
    mean = copy.deepcopy(network)
    before = copy.deepcopy(start).to(device).parameters()
    with torch.no_grad():
        for here, there in zip(mean.parameters(), before, strict=True):
            here.lerp_(there, 0.5)
        channels = (_on_device(batch, device)["channels"] for batch in batches)
        torch.optim.swa_utils.update_bn(channels, mean)
    return mean


def _new_network(plan):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(plan.seed)
        return ConvolutionalVAE(plan.network)


def _continued(plan, start):
    """Copy the network to start from; the scale of its pixels is that of the plan."""
    plan.check_start(start)
    network = copy.deepcopy(start)
    network.settings = plan.network
    return network


def draw_batch(plan, tiles, real_tiles, step, candidates=()):
    """
    Draw the squares of a step; they depend on the plan and the step only.

    ``candidates`` are those of `find_false_candidates`. Returns stacked fields of
    `Crop` (dict).
    """
    rng = np.random.default_rng([plan.seed, step])
    crops, weights = [], None
    if len(candidates):
        weights = candidates[:, 3] / candidates[:, 3].sum()
    for _ in range(plan.batch_size):
        real = len(real_tiles) > 0 and rng.uniform() < plan.injected
        mined = not real and len(candidates) > 0 and rng.uniform() < plan.mined
        if mined:
            number, *position, _ = candidates[rng.choice(len(candidates), p=weights)]
            path = tiles[int(number)]
        else:
            pool, position = real_tiles if real else tiles, None
            path = pool[rng.integers(len(pool))]
        tile = TrainingTile.load(path)
        n_scales = plan.network.n_scales
        crops.append(
            crop_tile(tile, plan.side, rng, n_scales=n_scales, position=position)
        )
    stacked = {
        name: torch.from_numpy(np.stack([getattr(crop, name) for crop in crops]))
        for name in ("channels", "center", "density", "measures", "weights", "usable")
    }
    stacked["labels"] = [
        torch.from_numpy(np.stack(maps))
        for maps in zip(*(crop.labels for crop in crops), strict=True)
    ]
    return stacked


def _on_device(batch, device):
    moved = {
        name: values.to(device) for name, values in batch.items() if name != "labels"
    }
    moved["channels"] = moved["channels"].contiguous(memory_format=torch.channels_last)
    moved["labels"] = [labels.to(device) for labels in batch["labels"]]
    return moved


def _update(plan, network, optimizer, batch, step):
    for group in optimizer.param_groups:
        group["lr"] = plan.learning_rate_at(step)
    generator = torch.Generator(batch["channels"].device)
    generator.manual_seed(plan.seed * 1_000_003 + step)
    reduced = plan.precision == "bfloat16"
    device = batch["channels"].device.type
    with torch.autocast(device, dtype=torch.bfloat16, enabled=reduced):
        total, terms = objective(
            network, batch, plan.weights, generator, plan.divergence
        )
    optimizer.zero_grad(set_to_none=True)
    total.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
    optimizer.step()
    return terms


def _log_curves(path, step, recent):
    means = {name: float(np.mean([t[name] for t in recent])) for name in recent[0]}
    with open(path, "a", encoding="utf-8") as stream:
        stream.write(json.dumps({"step": step} | means) + "\n")
    logger.info("step %d: %s", step, {name: round(v, 4) for name, v in means.items()})


def _cut_curves(folder, step):
    """Leave out lines of the curves after a step, which is repeated."""
    if CURVES in folder:
        text = (folder.path / CURVES).read_text(encoding="utf-8")
        known = text.splitlines(keepends=True)[: step // AVERAGED]
        with folder.new(CURVES) as path:
            path.write_text("".join(known), encoding="utf-8")


def _save_checkpoint(folder, network, optimizer, step):
    state = {
        "step": step + 1,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with folder.new(CHECKPOINT) as path:
        torch.save(state, path)


def _resume(folder, network, optimizer):
    """Load a checkpoint if there is one; return the number of steps done."""
    if CHECKPOINT not in folder:
        return 0
    state = torch.load(folder.path / CHECKPOINT, weights_only=True)
    _cut_curves(folder, state["step"])
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    return state["step"]
