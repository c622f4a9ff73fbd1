# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
The convolutional autoencoder of the detector.

A feature pyramid gives, at each of four scales, the posterior of latent variables of
the cells of that scale; a decoder rebuilds the cell from them, and the prior is a
mixture of Gaussians whose components have meanings. The log-odds of the component
"cluster" at the four scales, each with a learned weight, and the output of the fused
features at the finest scale make the score; the features also give the measures.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from ..embeddings.priors import MixtureOfGaussians
from ..utils.validation import check_choice, check_count
from .channels import BAND_CHANNELS
from .vamp import FeatureVampPrior

__all__ = [
    "CLASSES",
    "COLOR_MEASURES",
    "MEASURES",
    "ConvolutionalVAE",
    "NetworkSettings",
    "Outputs",
    "class_sums",
]

CLASSES = ("field", "cluster", "nebula", "bright-star", "artefact")
"""Meanings of the components of the prior."""

MEASURES = ("dx", "dy", "log_r50", "log_r80", "log_members")
"""
What is measured of a cluster: offset of its centre from that of the cell in units of
the cell, logarithms (base 10) of radii in network pixels and of the members.
"""

COLOR_MEASURES = (*MEASURES, "a_k")
"""
The same in several bands: also the mean extinction of the members in Ks, mag.
"""

MAX_LOG_ODDS = 12.0
"""Largest absolute log-odds of a component that enter the score."""

CELL = 8
"""Network pixels per cell of the finest scale."""

PRIOR_KINDS = ("mixture", "vamp")

COARSEST = 64
"""Network pixels along an axis of a cell of the coarsest latents."""

N_FIRST = 2
"""Stages before those with latents."""

CHUNK_PIXELS = 1 << 20
"""Pixels that go through these at a time."""

ROWS_AT_ONCE = 128
"""Rows of cells of which the mixtures are computed at a time."""

MEASURE_RANGE = (-10, 10)
"""Range of measures; only a network that has hardly been trained goes beyond."""

LOG_DENSITIES = (-12, 5)
"""Range of the logarithms of the members per cell."""

LOG_VARIANCES = (-8, 4)
"""Range of the log-variances of posteriors and measures."""


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """
    Sizes of the network.

    Parameters
    ----------
    channels : tuple of int
        Features at 1/2, 1/4, 1/8, 1/16, 1/32 and 1/64 of the sampling. From 1/8 on they
        have latents; fewer numbers give fewer scales.
    blocks : tuple of int
        Residual blocks at each of these.
    fused : int
        Features after the fusion of the scales.
    latent : int
        Latent variables per cell.
    fine_scale : float
        Size in arcsec that the pixels of fine images are binned to, about.
    prior : {'mixture', 'vamp'}
        Prior of the latents of each scale: a mixture of Gaussians, or of the posteriors
        of learned features, see `~astro_vaeclust.detector.vamp.FeatureVampPrior`.
    n_pseudo_inputs : int
        Learned features for each of `CLASSES`, for ``prior="vamp"`` only.

    Raises
    ------
    TypeError, ValueError
        If the prior or the number of pseudo-inputs cannot be.
    """

    channels: tuple[int, ...] = (16, 32, 64, 96, 96, 96)
    blocks: tuple[int, ...] = (0, 1, 2, 2, 2, 2)
    fused: int = 64
    latent: int = 12
    fine_scale: float = 1.0
    prior: str = "mixture"
    n_pseudo_inputs: int = 1

    def __post_init__(self):
        """Check the prior."""
        check_choice("prior", self.prior, PRIOR_KINDS)
        check_count("n_pseudo_inputs", self.n_pseudo_inputs)
        if self.prior == "mixture" and self.n_pseudo_inputs != 1:
            raise ValueError(
                "n_pseudo_inputs is for prior='vamp', got "
                f"{self.n_pseudo_inputs} with prior={self.prior!r}"
            )

    @property
    def n_scales(self):
        """Number of scales with latents (int)."""
        return len(self.channels) - 2

    @classmethod
    def from_dict(cls, values):
        """Make settings of a dict in which tuples became lists."""
        return cls(
            **{
                name: tuple(value) if isinstance(value, list) else value
                for name, value in values.items()
            }
        )


@dataclass(frozen=True)
class Outputs:
    """
    What the network says of an image, for cells (ny, nx) of the finest scale.

    Parameters
    ----------
    center : (batch, ny, nx) tensor
        Logit of the probability that a cluster has its centre in the cell.
    density : (batch, ny, nx) tensor
        Logarithm of the expected number of cluster members in the cell.
    measures, log_variances : (batch, n_measures, ny, nx) tensor
        What a cluster centred here would measure, and the logarithms of the variances.
    posteriors : list of (mean, log_variance)
        Of the latents at each scale, each ``(batch, ny_s, nx_s, latent)``.
    classes : list of (batch, ny_s, nx_s, len(CLASSES)) tensor
        Logarithm of weight times density of each component at their means.
    """

    center: torch.Tensor
    density: torch.Tensor
    measures: torch.Tensor
    log_variances: torch.Tensor
    posteriors: list
    classes: list


class _Block(nn.Module):
    """Two 3x3 convolutions beside the identity."""

    def __init__(self, channels, dilation=1):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(
                channels, channels, 3, padding=dilation, dilation=dilation, bias=False
            ),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x):
        return functional.relu_(self.body(x).add_(x))  # large maps: none is copied


def _halving(inputs, outputs, n_blocks, kernel=3):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, 2, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]
    return nn.Sequential(*layers, *(_Block(outputs) for _ in range(n_blocks)))


def _labelled_prior(latent):
    """Return a mixture with a component per meaning, each off along its own axis."""
    prior = MixtureOfGaussians(latent, len(CLASSES))
    with torch.no_grad():
        prior.means.zero_()
        for component in range(len(CLASSES)):
            prior.means[component, component % latent] = 2.0
    return prior


def class_sums(log_joint):
    """
    Return logarithms of the sums over the components of each of `CLASSES`.

    ``log_joint``, (..., n_components), are logarithms of what is added; the components
    of a class lie side by side.
    """
    if log_joint.shape[-1] == len(CLASSES):
        return log_joint
    return log_joint.unflatten(-1, (len(CLASSES), -1)).logsumexp(dim=-1)


def _class_sums_of_rows(prior, means):
    """Return `class_sums` of a prior at means, some rows of cells after others."""
    parts = means.split(ROWS_AT_ONCE, dim=1)
    return torch.cat([class_sums(prior.log_joint(part)) for part in parts], dim=1)


class ConvolutionalVAE(nn.Module):
    """The network, of the sizes in `NetworkSettings`."""

    def __init__(self, settings=None):
        super().__init__()
        self.settings = settings = settings or NetworkSettings()
        inputs = (BAND_CHANNELS, *settings.channels[:-1])
        self.stages = nn.ModuleList(
            _halving(before, after, n_blocks, kernel=5 if number == 0 else 3)
            for number, (before, after, n_blocks) in enumerate(
                zip(inputs, settings.channels, settings.blocks, strict=True)
            )
        )
        scales = settings.channels[-settings.n_scales :]
        fused = settings.fused
        self.laterals = nn.ModuleList(nn.Conv2d(n, fused, 1) for n in scales)
        self.fusions = nn.ModuleList(_Block(fused) for _ in scales[:-1])
        self.latents = nn.ModuleList(
            nn.Conv2d(n, 2 * settings.latent, 1) for n in scales
        )
        self.priors = nn.ModuleList(self._prior(head) for head in self.latents)
        self.decoders = nn.ModuleList(
            nn.Sequential(
                nn.Linear(settings.latent, 64), nn.ReLU(), nn.Linear(64, CELL**2)
            )
            for _ in scales
        )
        self.head = nn.Sequential(
            nn.Conv2d(fused, fused, 3, padding=1, bias=False),
            nn.BatchNorm2d(fused),
            nn.ReLU(inplace=True),
        )
        self.center = nn.Conv2d(fused, 1, 1)
        self.shares = nn.Parameter(torch.full((len(scales),), 0.1))
        self.density = nn.Conv2d(fused, 1, 1)
        self.measures = nn.Sequential(
            _Block(fused, dilation=2), nn.Conv2d(fused, 2 * len(MEASURES), 1)
        )
        nn.init.constant_(self.center.bias, -4.0)
        nn.init.constant_(self.density.bias, -4.0)

    def _prior(self, head):
        settings = self.settings
        if settings.prior == "mixture":
            return _labelled_prior(settings.latent)
        n_components = len(CLASSES) * settings.n_pseudo_inputs
        return FeatureVampPrior(head, n_components, LOG_VARIANCES)

    def forward(self, x):
        """
        Return `Outputs` of (batch, 3, ny, nx).

        Sides are multiples of ``COARSEST`` in training, else zeros are added to them.
        """
        x = self._in_strips(x)
        features = []
        for stage in self.stages[N_FIRST:]:
            x = stage(x)
            features.append(x)
        fused = self.laterals[-1](features[-1])
        for level in reversed(range(self.settings.n_scales - 1)):
            fused = functional.interpolate(fused, scale_factor=2, mode="nearest")
            fused = fused.add_(self.laterals[level](features[level]))
            fused = self.fusions[level](fused)
        fused = self.head(fused)
        mean, log_variance = self.measures(fused).chunk(2, dim=1)
        posteriors = [
            _channels_last(latent(feature))
            for latent, feature in zip(self.latents, features, strict=True)
        ]
        classes = [
            _class_sums_of_rows(prior, mean)
            for prior, (mean, _) in zip(self.priors, posteriors, strict=True)
        ]
        return Outputs(
            center=self.center(fused)[:, 0] + self._evidence(classes),
            density=self.density(fused)[:, 0],
            measures=mean,
            log_variances=log_variance.clamp(*LOG_VARIANCES),
            posteriors=posteriors,
            classes=classes,
        )

    def _in_strips(self, x):
        """
        Run the stages before those with latents, in strips of rows if there are many.

        Their maps are the largest: those of a strip stay in the cache. A strip takes as
        many rows of its neighbours as its convolutions reach.
        """
        first = nn.Sequential(*self.stages[:N_FIRST])
        if self.training:
            return first(x)
        ny, nx = (-(-side // COARSEST) * COARSEST for side in x.shape[-2:])
        height = max(CHUNK_PIXELS // nx >> N_FIRST, 1) << N_FIRST
        reach = sum(
            (stage[0].kernel_size[0] // 2 + 4 * n_blocks) << number
            for number, (stage, n_blocks) in enumerate(
                zip(first, self.settings.blocks, strict=False)
            )
        )
        margin = -(-reach >> N_FIRST) << N_FIRST
        joined = None
        for top in range(0, ny, height):
            bottom = min(top + height, ny)
            start, stop = max(top - margin, 0), min(bottom + margin, ny)
            strip = x[..., start:stop, :]
            lacking = nx - strip.shape[-1], stop - start - strip.shape[-2]
            strip = functional.pad(strip, (0, lacking[0], 0, lacking[1]))
            maps = first(strip.contiguous(memory_format=torch.channels_last))
            if joined is None:
                shape = (*maps.shape[:2], ny >> N_FIRST, maps.shape[-1])
                kind = {"dtype": maps.dtype, "device": maps.device}
                layout = torch.channels_last
                joined = torch.empty(shape, memory_format=layout, **kind)
            rows = slice((top - start) >> N_FIRST, (bottom - start) >> N_FIRST)
            joined[..., top >> N_FIRST : bottom >> N_FIRST, :] = maps[..., rows, :]
        return joined

    def _evidence(self, classes):
        """Sum the log-odds of "cluster" over the scales, on the finest cells."""
        total = 0.0
        cluster = CLASSES.index("cluster")
        others = [number for number in range(len(CLASSES)) if number != cluster]
        for scale, log_joint in enumerate(classes):
            odds = log_joint[..., cluster] - log_joint[..., others].logsumexp(dim=-1)
            odds = self.shares[scale] * odds.clamp(-MAX_LOG_ODDS, MAX_LOG_ODDS)
            fine = functional.interpolate(odds[:, None], scale_factor=1 << scale)
            total = total + fine[:, 0]
        return total


def _channels_last(maps):
    mean, log_variance = maps.permute(0, 2, 3, 1).chunk(2, dim=-1)
    return mean, log_variance.clamp(*LOG_VARIANCES)
