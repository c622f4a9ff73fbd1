# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Dense encoder and decoder, and the posterior that stands between them."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import torch
from torch import nn

from .priors import LOG_TWO_PI

__all__ = ["DenseDecoder", "DenseEncoder", "DenseStack", "Posterior", "StackPass"]

OUTPUTS_AT_ONCE = 512
"""With those of a batch the outputs of so many pixels stay in the cache."""


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


class StackPass:
    """
    Forward and backward pass of a dense stack without autograd, for many steps.

    Parameters
    ----------
    stack : `DenseStack`
        The stack. Its parameter may change its values, but not its place in memory.

    Attributes
    ----------
    parameter : `torch.nn.Parameter`
        Weights and biases of the stack.
    gradient : tensor
        Where the gradient of the parameter goes, overwritten by every backward pass.
    """

    def __init__(self, stack):
        self.parameter = stack.values
        values = stack.values.detach()
        self.gradient = torch.empty_like(values)
        self._layers = _layers(values, stack.shapes)
        self._of_layers = _layers(self.gradient, stack.shapes)

    def outputs(self, inputs):
        """
        Propagate rows to the end of the stack.

        Parameters
        ----------
        inputs : (batch, n_in) tensor
            The inputs.

        Returns
        -------
        activations, outputs : list of tensor, (batch, n_out) tensor
            Inputs of all layers, and the outputs.
        """
        return _propagate(inputs, self._layers)

    def pull_back(self, activations, gradient):
        """
        Set the gradient of the parameter; that of the inputs is not computed.

        Parameters
        ----------
        activations : list of tensor
            As `outputs` returns them.
        gradient : (batch, n_out) tensor
            Gradient with respect to the outputs.
        """
        _pull_back(activations, gradient, self._layers, self._of_layers)

    def pull_back_from(self, slopes, inputs):
        """
        Propagate, and pull the gradient back, without keeping all outputs.

        Parameters
        ----------
        slopes : callable
            Takes a slice of the outputs and their values, which it may overwrite, and
            returns the gradient with respect to them.
        inputs : (batch, n_in) tensor
            The inputs.

        Returns
        -------
        gradient : (batch, n_in) tensor
            Gradient with respect to the inputs.
        """
        activations, hidden = _propagate(inputs, self._layers[:-1])
        (weight, bias), (of_weight, of_bias) = self._layers[-1], self._of_layers[-1]
        hidden.relu_()
        gradient = torch.zeros_like(hidden)
        for start in range(0, len(bias), OUTPUTS_AT_ONCE):
            part = slice(start, start + OUTPUTS_AT_ONCE)
            outputs = torch.addmm(bias[part], hidden, weight[:, part])
            of_outputs = slopes(part, outputs)
            torch.mm(hidden.T, of_outputs, out=of_weight[:, part])
            torch.sum(of_outputs, dim=0, out=of_bias[part])
            gradient.addmm_(of_outputs, weight[:, part].T)
        gradient.mul_(hidden.sign())
        return _pull_back(
            activations,
            gradient,
            self._layers[:-1],
            self._of_layers[:-1],
            to_inputs=True,
        )


class _StackFunction(torch.autograd.Function):
    """A whole stack of dense layers as one function of inputs and parameter."""

    @staticmethod
    def forward(ctx, inputs, values, shapes):
        layers = _layers(values, shapes)
        rows = inputs.reshape(-1, inputs.shape[-1])
        activations, outputs = _propagate(rows, layers)
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
        of_values = torch.empty_like(values)
        of_layers = _layers(of_values, ctx.shapes)
        to_inputs = ctx.needs_input_grad[0]
        of_inputs = _pull_back(
            activations, gradient, ctx.layers, of_layers, to_inputs=to_inputs
        )
        if to_inputs:
            of_inputs = of_inputs.view(*ctx.batch_shape, -1)
        return of_inputs, of_values, None


def _propagate(inputs, layers):
    """Return the inputs of all layers, and the outputs of the last."""
    activations, outputs = [], inputs
    for weight, bias in layers:
        activations.append(outputs.relu_() if activations else outputs)
        outputs = torch.addmm(bias, activations[-1], weight)
    return activations, outputs


def _pull_back(activations, gradient, layers, of_layers, *, to_inputs=False):
    """Fill the gradients of the layers; return that of the inputs if wanted."""
    for number in reversed(range(len(layers))):
        (weight, _), inputs = layers[number], activations[number]
        of_weight, of_bias = of_layers[number]
        torch.mm(inputs.T, gradient, out=of_weight)
        torch.sum(gradient, dim=0, out=of_bias)
        if number or to_inputs:
            gradient = gradient @ weight.T
        if number:
            # a rectified activation is zero where its slope is, else positive
            gradient.mul_(inputs.sign())
    return gradient if to_inputs else None


def _layers(values, shapes):
    """Return views of weight and bias of each layer (list of pairs)."""
    sizes = [size for n_in, n_out in shapes for size in (n_in * n_out, n_out)]
    parts = values.split(sizes)
    return [
        (weight.view(shape), bias)
        for weight, bias, shape in zip(parts[::2], parts[1::2], shapes, strict=True)
    ]
