# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""One pass of the network over an image of any size."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .network import CELL, CLASSES, LOG_DENSITIES, MEASURE_RANGE

__all__ = ["NetworkMaps", "folded", "run_network"]


@dataclass(frozen=True, eq=False)
class NetworkMaps:
    """
    What the network says of one image, as arrays.

    Parameters
    ----------
    center : (ny, nx) float32 array
        Logit that a cluster has its centre in the cell; cells of ``CELL`` pixels.
    density : (ny, nx) float32 array
        Expected number of cluster members in the cell.
    measures, log_variances : (n_measures, ny, nx) float32 array
        What a cluster centred in the cell would measure, see
        `~astro_vaeclust.detector.network.MEASURES`.
    posteriors : list of (mean, log_variance)
        Of the latents of each scale, each ``(ny_s, nx_s, latent)``.
    classes : list of (ny_s, nx_s, n_classes) float32 array
        P(component | latents) of each scale, in the order of
        `~astro_vaeclust.detector.network.CLASSES`.
    """

    center: np.ndarray
    density: np.ndarray
    measures: np.ndarray
    log_variances: np.ndarray
    posteriors: list
    classes: list

    @property
    def heat(self):
        """Probability that a cluster has its centre in the cell, (ny, nx)."""
        return 1 / (1 + np.exp(-self.center))

    def class_map(self, name):
        """Mean over the scales of P(component), on the finest cells, (ny, nx)."""
        index = CLASSES.index(name)
        shape = self.center.shape
        total = np.zeros(shape, dtype=np.float32)
        for scale, probabilities in enumerate(self.classes):
            fine = probabilities[..., index].repeat(1 << scale, 0)
            total += fine.repeat(1 << scale, 1)[: shape[0], : shape[1]]
        return total / len(self.classes)


def folded(network):
    """
    Return a copy of a network in its mode for use, without batch normalisations.

    They become part of its convolutions: its outputs are the same up to rounding, in
    less time and memory.
    """
    network = copy.deepcopy(network)
    for sequence in network.modules():
        if isinstance(sequence, nn.Sequential):
            for index in range(len(sequence) - 1):
                first, second = sequence[index], sequence[index + 1]
                if isinstance(second, nn.BatchNorm2d):
                    sequence[index] = fuse_conv_bn_eval(first, second)
                    sequence[index + 1] = nn.Identity()
    return network.to(memory_format=torch.channels_last)


def run_network(network, channels):
    """
    Run a network in its mode for use over the channels of a `NetworkImage`.

    Returns `NetworkMaps` of the cells that hold a pixel of the image.
    """
    shape = channels.shape[1:]
    device = next(network.parameters()).device
    with torch.inference_mode():
        outputs = network(torch.from_numpy(channels)[None].to(device))
        classes = [torch.softmax(joint, dim=-1) for joint in outputs.classes]

    def cut(tensor, cell=CELL, axes=(-2, -1)):
        array = tensor[0].cpu().numpy()
        part = [slice(None)] * array.ndim
        for axis, side in zip(axes, shape, strict=True):
            part[axis] = slice(-(-side // cell))
        return array[tuple(part)]

    return NetworkMaps(
        center=cut(outputs.center),
        density=np.exp(cut(outputs.density.clamp(*LOG_DENSITIES))),
        measures=cut(outputs.measures.clamp(*MEASURE_RANGE)),
        log_variances=cut(outputs.log_variances),
        posteriors=[
            tuple(cut(values, CELL << scale, (0, 1)) for values in posterior)
            for scale, posterior in enumerate(outputs.posteriors)
        ],
        classes=[
            cut(values, CELL << scale, (0, 1)) for scale, values in enumerate(classes)
        ],
    )
