# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What may be wrong with a cluster, as bits of one integer."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ClusterFlags"]


class ClusterFlags(enum.IntFlag):
    """
    Bits of the ``flags`` column.

    Each bit is declared once, here, with its meaning; the description of the column
    and the documentation take them from this class. A cluster without remarks has
    ``flags == 0``. All refer to the circle around its centre with its ``radius``,
    whichever finder found it; ``ONE_SCALE`` is of finders that learn on the image.

    Examples
    --------
    >>> from astro_vaeclust.measure.flags import ClusterFlags
    >>> flags = ClusterFlags.TOUCHES_EDGE | ClusterFlags.ONE_SCALE
    >>> int(flags)
    9
    >>> ClusterFlags.TOUCHES_EDGE.meaning
    'its circle crosses the edge of the image'
    >>> ClusterFlags.describe(9)
    'its circle crosses the edge of the image; only one patch size supports it'
    """

    meaning: str

    def __new__(cls, value, meaning=None):
        """Make a member from its bit and what the bit means."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        return member

    TOUCHES_EDGE = 1, "its circle crosses the edge of the image"
    MASKED = 2, "more than 10 % of the pixels within the radius are masked"
    NEAR_BRIGHT_STAR = 4, "a bright or saturated star is within 1.5 times the radius"
    ONE_SCALE = 8, "only one patch size supports it"
    LARGE = 16, "covers more than a quarter of the usable image"
    LOSSY_INPUT = 32, "the image went through a lossy compression"
    DISTORTED = 64, "its pixels are no squares on the sky, and its circle is no circle"
    POSTERIOR_COLLAPSE = 128, "an autoencoder learned nothing about a patch size"
    OUT_OF_CALIBRATION = 256, "its image is unlike those that calibrated the rates"

    @classmethod
    def of(cls, remarks: Mapping[ClusterFlags, bool]) -> ClusterFlags:
        """
        Join the flags that apply.

        Parameters
        ----------
        remarks : mapping of `ClusterFlags` to bool
            Which of them apply.

        Returns
        -------
        flags : `ClusterFlags`
            The bits of those.
        """
        flags = cls(0)
        for flag, applies in remarks.items():
            if applies:
                flags |= flag
        return flags

    @classmethod
    def describe(cls, value: int) -> str:
        """
        Say in words which bits are set.

        Parameters
        ----------
        value : int
            A value of the ``flags`` column.

        Returns
        -------
        text : str
            The meanings of the set bits, separated by semicolons; empty for zero.

        Raises
        ------
        ValueError
            If ``value`` is negative or has a bit that is not declared.
        """
        value = int(value)
        known = sum(member.value for member in cls)
        if value < 0 or value & ~known:
            raise ValueError(
                f"flags={value} has bits that are not declared; bits take "
                f"{', '.join(str(member.value) for member in cls)}"
            )
        return "; ".join(member.meaning for member in cls if value & member.value)

    @classmethod
    def legend(cls) -> str:
        """Return all bits with their meanings in one line (str)."""
        return "; ".join(f"{member.value}: {member.meaning}" for member in cls)
