# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Settings of a finder: their checks, and those of the paper."""

from __future__ import annotations

import os
from dataclasses import fields

import astropy.units as u

from .embeddings import EMBEDDINGS
from .mixtures import LABEL_RULES, MIXTURES
from .prepare import PREPARATIONS
from .thresholds import PeakFraction, resolve_threshold
from .validation import (
    check_choice,
    check_count,
    check_fraction,
    check_number,
    check_seed,
)

__all__ = []

PATCH_SETTINGS = (
    "patch_sizes",
    "overlap",
    "preparation",
    "box_size",
    "cluster_rule",
    "threshold",
    "smoothing",
    "n_pixels",
    "n_seeds",
)
"""Settings that a trained model does not have."""


def check_settings(finder):
    """
    Raise if a setting is of a wrong type or out of its range.

    Parameters
    ----------
    finder : `~astro_vaeclust.VAEClusterFinder`
        The settings; for ``patch_sizes`` see `checked_sizes`.

    Raises
    ------
    TypeError, ValueError
        The message names the setting, what it got and what it takes.
    """
    check_fraction("overlap", finder.overlap)
    check_choice("preparation", finder.preparation, PREPARATIONS)
    check_count("box_size", finder.box_size)
    EMBEDDINGS.check(finder.embedding)
    if finder.mixture is not None:
        MIXTURES.check(finder.mixture)
    if not (finder.model is None or isinstance(finder.model, (str, os.PathLike))):
        raise TypeError(f"model takes a path, got {finder.model!r}")
    _check_rate(finder.max_false_alarm_rate)
    check_choice("cluster_rule", finder.cluster_rule, LABEL_RULES)
    resolve_threshold(finder.threshold)
    for name in ("n_pixels", "n_largest"):
        if getattr(finder, name) is not None:
            check_count(name, getattr(finder, name))
    check_count("n_seeds", finder.n_seeds)
    check_number("smoothing", finder.smoothing)
    if finder.fwhm is not None:
        check_number("fwhm", finder.fwhm, low_counts=False)
    check_seed(finder.seed)
    if not isinstance(finder.device, str):
        raise TypeError(f"device takes a word, got {finder.device!r}")
    if not (finder.progress_bar is None or callable(finder.progress_bar)):
        raise TypeError(f"progress_bar takes a callable, got {finder.progress_bar!r}")


def checked_sizes(patch_sizes):
    """Return sides of windows as a tuple of int, or raise."""
    try:
        sizes = tuple(patch_sizes)
    except TypeError:
        raise TypeError(
            f"patch_sizes takes a sequence of integers, got {patch_sizes!r}"
        ) from None
    if not sizes or len(set(sizes)) != len(sizes):
        raise ValueError(f"patch_sizes takes different integers, got {patch_sizes!r}")
    for size in sizes:
        check_count("patch_sizes", size)
    if min(sizes) < 2:
        raise ValueError(f"patch_sizes takes integers from 2, got {patch_sizes!r}")
    return tuple(int(size) for size in sizes)


def refuse_settings_of_patches(finder):
    """Raise ValueError if a trained model is given settings that it does not have."""
    for setting in fields(finder):
        value = getattr(finder, setting.name)
        if setting.name in PATCH_SETTINGS and value != setting.default:
            raise ValueError(
                f"{setting.name} is for embeddings that learn on the image, such "
                f"as 'dense-vae'; got {value!r} with embedding={finder.embedding!r}"
            )


def paper_settings():
    """Return what differs from the defaults in the finder of the paper (dict)."""
    from .embeddings.dense import DenseVAE
    from .mixtures.em import EMGaussianMixture

    return {
        "patch_sizes": (16, 32, 48, 64),
        "overlap": 0.5,
        "preparation": "intensity",
        "embedding": DenseVAE(
            hidden=(64, 32, 16),
            latent=8,
            likelihood="bernoulli",
            prior="mixture-of-gaussians",
            n_components=2,
            batch_size=256,
            n_steps=100,
            learning_rate=2.5e-3,
        ),
        "mixture": EMGaussianMixture(n_components=2),
        "cluster_rule": "brightest",
        "threshold": PeakFraction(),
        "smoothing": 0.0,
        "n_pixels": 64,
        "n_largest": 1,
    }


def _check_rate(rate):
    if rate is None:
        return
    message = (
        "max_false_alarm_rate takes a positive Quantity in 1 / deg2 or None, "
        f"got {rate!r}"
    )
    if not isinstance(rate, u.Quantity) or not rate.unit.is_equivalent(u.deg**-2):
        raise TypeError(message)
    if not (rate.isscalar and rate > 0 / u.deg**2):
        raise ValueError(message)
