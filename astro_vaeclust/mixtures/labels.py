# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Which component is "cluster": rules that do not depend on the order of components.

A mixture numbers its components at random. A rule looks at the *total* of a component
(the sum of its probabilities over all cells, the number of cells that it holds) and at
its *brightness* (the mean brightness of the cells, weighted with these probabilities).
"""

from __future__ import annotations

import numpy as np

__all__ = ["LABEL_RULES", "cluster_probability"]

# Two values are tied when they differ by less than this part of the larger one.
TIE = 1e-9


def cluster_probability(probabilities, brightness, *, rule="brightest"):
    """
    Probability that a cell belongs to a cluster.

    Components that hold less than one cell are empty, and are never chosen. With
    fewer than two others nothing stands out: the probability is zero everywhere.

    ========================  =====================================================
    rule                      cluster
    ========================  =====================================================
    ``"brightest"``           the brightest component; of tied ones that with
                              the lower total
    ``"rarest"``              the component with the lowest total; of tied ones the
                              brighter
    ``"brighter-than-sky"``   sky is the component with the highest total (of tied ones
                              the fainter); cluster is every component that is brighter
                              than sky by more than the standard error of the
                              difference; their probabilities add up
    ========================  =====================================================

    Components that are tied in both are distinguished by the first cell in which their
    probabilities differ: the more probable one there is chosen. If there is no such
    cell, it makes no difference which is chosen.

    Parameters
    ----------
    probabilities : (n, k) array_like
        P(component | cell), in any order of the components.
    brightness : (n,) array_like
        Mean prepared pixel value of the window of each cell.
    rule : str, optional
        A key of `LABEL_RULES`.

    Returns
    -------
    probability : (n,) float64 array
        P(cluster) in [0, 1].

    Raises
    ------
    ValueError
        If there is no such rule, shapes do not agree, ``brightness`` is not finite, or
        the rows of ``probabilities`` are not distributions.

    Notes
    -----
    The standard error is that of a weighted mean, with cells taken as independent. For
    windows that overlap it is too small: ``"brighter-than-sky"`` is generous.

    Examples
    --------
    >>> from astro_vaeclust.mixtures.labels import cluster_probability
    >>> probabilities = [[1.0, 0.0], [0.75, 0.25], [0.0, 1.0]]
    >>> cluster_probability(probabilities, [0.1, 0.2, 0.9], rule="brightest")
    array([0.  , 0.25, 1.  ])
    """
    if rule not in LABEL_RULES:
        raise ValueError(
            f"rule must be one of {', '.join(map(repr, LABEL_RULES))}; got {rule!r}"
        )
    probabilities, brightness = _checked(probabilities, brightness)
    occupied = probabilities[:, probabilities.sum(axis=0) >= 1]
    if occupied.shape[1] < 2:
        return np.zeros(len(probabilities))
    chosen = LABEL_RULES[rule](occupied, brightness)
    # Sorted, so that the sum does not depend on the order of the components.
    summed = np.sort(occupied[:, chosen], axis=1).sum(axis=1)
    return np.clip(summed, 0.0, 1.0)


def brightest(probabilities, brightness):
    """Return a mask of the brightest component; of tied ones the lower total."""
    totals, means = _totals_and_means(probabilities, brightness)
    return _highest(probabilities, means, -totals)


def rarest(probabilities, brightness):
    """Return a mask of the component of the lowest total; of tied ones the brighter."""
    totals, means = _totals_and_means(probabilities, brightness)
    return _highest(probabilities, -totals, means)


def brighter_than_sky(probabilities, brightness):
    """Return a mask of those significantly brighter than the highest total."""
    totals, means = _totals_and_means(probabilities, brightness)
    sky = np.flatnonzero(_highest(probabilities, totals, -means))[0]
    variances = _variances_of_means(probabilities, brightness, totals, means)
    return means - means[sky] > np.sqrt(variances + variances[sky])


LABEL_RULES = {
    "brightest": brightest,
    "rarest": rarest,
    "brighter-than-sky": brighter_than_sky,
}
"""Rules by name: functions of probabilities and brightness that mark components."""


def _checked(probabilities, brightness):
    """Return both as float64 arrays, or say what is wrong with them."""
    probabilities = np.array(probabilities, dtype=np.float64, order="C")
    brightness = np.asarray(brightness, dtype=np.float64)
    if probabilities.ndim != 2 or probabilities.shape[1] == 0:
        raise ValueError(
            f"probabilities must have shape (n, k), got {probabilities.shape}"
        )
    if brightness.shape != probabilities.shape[:1]:
        raise ValueError(
            f"brightness must have shape ({len(probabilities)},), one value per row "
            f"of probabilities, got {brightness.shape}"
        )
    n_bad = np.count_nonzero(~np.isfinite(brightness))
    if n_bad:
        raise ValueError(
            f"brightness must be finite in all valid cells; {n_bad} of "
            f"{len(brightness)} are not"
        )
    in_range = (probabilities >= 0) & (probabilities <= 1 + 1e-6)
    sums_to_one = np.abs(probabilities.sum(axis=1) - 1) < 1e-6
    if not (in_range.all() and sums_to_one.all()):
        raise ValueError(
            "probabilities must lie in [0, 1] and add up to one in every row"
        )
    return probabilities, brightness


def _totals_and_means(probabilities, brightness):
    """Total and weighted mean brightness of each component, two ``(k,)`` arrays."""
    totals = _column_sums(probabilities)
    return totals, _column_sums(probabilities * brightness[:, np.newaxis]) / totals


def _variances_of_means(probabilities, brightness, totals, means):
    """
    Squared standard errors of weighted means (Cochran 1977), ``(k,)``.

    Corrected for an effective number of cells, (sum p)^2 / sum p^2, that is small;
    infinite where it is one, as one cell does not show its scatter.
    """
    residuals = brightness[:, np.newaxis] - means
    scatter = _column_sums((probabilities * residuals) ** 2) / totals**2
    effective = totals**2 / _column_sums(probabilities**2)
    few = effective <= 1 + TIE
    return np.where(few, np.inf, scatter * effective / np.where(few, 1, effective - 1))


def _column_sums(array):
    """Sum each column by itself, so that its neighbours do not change the rounding."""
    return np.array([np.sum(np.ascontiguousarray(column)) for column in array.T])


def _highest(probabilities, first, second):
    """Return a mask of the component highest in the first value, then the second."""
    candidates = np.flatnonzero(_tied_with_highest(first))
    candidates = candidates[_tied_with_highest(second[candidates])]
    chosen = max(candidates, key=lambda column: tuple(probabilities[:, column]))
    return np.arange(probabilities.shape[1]) == chosen


def _tied_with_highest(values):
    """Return a mask of the values that equal the highest except for rounding."""
    return values >= values.max() - TIE * np.abs(values).max()
