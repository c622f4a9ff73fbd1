# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Dense encoder and decoder, and the posterior that stands between them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

from .priors import LOG_TWO_PI

__all__ = ["DenseDecoder", "DenseEncoder", "DenseStack", "Posterior"]


class Posterior(NamedTuple):
    """
    Diagonal Gaussian posteriors q(z|x), equation 3 of Karmakar et al. (2018).

    Parameters
    ----------
    mean, log_variance : (..., latent) tensor
        Means and logarithms of the variances; the other axes are the batch, and the
        places of a convolutional network.
    """

    mean: torch.Tensor
    log_variance: torch.Tensor

    def reparameterise(self, noise):
        """
        Turn standard normal noise into samples, equation 8 of the paper.

        Further axes may stand before those of the posterior: several samples.
        """
        return torch.addcmul(self.mean, torch.exp(0.5 * self.log_variance), noise)

    def log_prob(self, z):
        """Log-density at ``z`` ``(..., latent)``, ``(...)``."""
        squares = (z - self.mean).square() * torch.exp(-self.log_variance)
        return -0.5 * (squares + self.log_variance + LOG_TWO_PI).sum(dim=-1)


class DenseStack(nn.Module):
    """
    Dense layers with rectifiers between them, none after the last.

    All weights and biases are one parameter, and forward and backward pass are one
    step each for autograd, so that little but the matrix products takes time.

    Parameters
    ----------
    widths : sequence of int
        Inputs, outputs of the hidden layers, outputs.
    generator : `torch.Generator`
        Draws the first weights (He et al. 2015); biases start at zero.
    """

    def __init__(self, widths, generator):
        super().__init__()
        self.shapes = tuple(pairwise(widths))
        size = sum((n_in + 1) * n_out for n_in, n_out in self.shapes)
        self.values = nn.Parameter(torch.zeros(size))
        with torch.no_grad():
            for weight, _ in _layers(self.values, self.shapes):
                nn.init.kaiming_uniform_(
                    weight.T, nonlinearity="relu", generator=generator
                )

    @property
    def layers(self):
        """Weights ``(n_in, n_out)`` and biases of each layer, views (list)."""
        return _layers(self.values, self.shapes)

    def forward(self, inputs):
        """Return the outputs ``(..., n_out)`` for ``inputs`` ``(..., n_in)``."""
        return _StackFunction.apply(inputs, self.values, self.shapes)


class DenseEncoder(nn.Module):
    """
    Pixels to posterior through dense layers with rectifiers.

    Parameters
    ----------
    n_pixels : int
        Pixels of a window.
    hidden : tuple of int
        Widths of the hidden layers.
    latent : int
        Dimension of the latent space.
    generator : `torch.Generator`
        Draws the first weights.
    """

    def __init__(self, n_pixels, hidden, latent, generator):
        super().__init__()
        self.stack = DenseStack((n_pixels, *hidden, 2 * latent), generator)

    def forward(self, pixels):
        """Return the `Posterior` of windows ``(..., n_pixels)``."""
        return Posterior(*self.stack(pixels).chunk(2, dim=-1))


class DenseDecoder(nn.Module):
    """
    The mirrored encoder: latent variables to the parameters of the likelihood.

    Parameters
    ----------
    n_pixels, hidden, latent, generator
        As those of `DenseEncoder`.
    """

    def __init__(self, n_pixels, hidden, latent, generator):
        super().__init__()
        self.stack = DenseStack((latent, *hidden[::-1], n_pixels), generator)

    def forward(self, z):
        """Return the outputs ``(..., n_pixels)`` for ``z`` ``(..., latent)``."""
        return self.stack(z)


class _StackFunction(torch.autograd.Function):
    """A whole stack of dense layers as one function of inputs and parameter."""

    @staticmethod
    def forward(ctx, inputs, values, shapes):
        layers = _layers(values, shapes)
        activations = [inputs.reshape(-1, inputs.shape[-1])]
        for number, (weight, bias) in enumerate(layers, start=1):
            outputs = torch.addmm(bias, activations[-1], weight)
            if number < len(layers):
                activations.append(outputs.relu_())
        ctx.save_for_backward(values, *activations)
        ctx.layers, ctx.shapes = layers, shapes
        ctx.batch_shape = inputs.shape[:-1]
        # the outputs of a batch can be overwritten, but not through a view
        return outputs if inputs.ndim == 2 else outputs.view(*ctx.batch_shape, -1)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, gradient):
        values, *activations = ctx.saved_tensors
        gradient = gradient.reshape(-1, gradient.shape[-1])
        gradients = torch.empty_like(values)
        layers = ctx.layers
        of_layers = _layers(gradients, ctx.shapes)
        for number in reversed(range(len(layers))):
            (weight, _), inputs = layers[number], activations[number]
            of_weight, of_bias = of_layers[number]
            torch.mm(inputs.T, gradient, out=of_weight)
            torch.sum(gradient, dim=0, out=of_bias)
            if number:
                # a rectified activation is zero where its slope is, else positive
                gradient = (gradient @ weight.T).mul_(inputs.sign())
        of_inputs = None
        if ctx.needs_input_grad[0]:
            of_inputs = (gradient @ weight.T).reshape(*ctx.batch_shape, -1)
        return of_inputs, gradients, None


def _layers(values, shapes):
    """Return views of weight and bias of each layer (list of pairs)."""
    sizes = [size for n_in, n_out in shapes for size in (n_in * n_out, n_out)]
    parts = values.split(sizes)
    return [
        (weight.view(shape), bias)
        for weight, bias, shape in zip(parts[::2], parts[1::2], shapes, strict=True)
    ]
