# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Compare a detected region with a reference on a list of sources."""

from __future__ import annotations

import astropy.units as u
import numpy as np

from .areas import ARCSEC2, around, shared_and_joint
from .field import measure_field
from .overlap import Overlap, member_iou, source_iou

__all__ = ["compare"]


def compare(
    detected, target, sky, *, center, labels, footprint, others, ring, confidence
):
    """
    Return the `Overlap` of a detected area, or None, with the area of a reference.

    ``sky`` has the sources that count, ``center`` is the detected centre or None, and
    ``labels`` has ``id`` and ``region`` of the detection. For `measure_field`,
    ``footprint`` is where the sources are complete, ``others`` are the other detected
    areas, and ``ring`` is in units of the radius of the circle that holds both areas.
    """
    in_target = target.contains(sky)
    if detected is None:
        in_detected = np.zeros_like(in_target)
        shared, joint = 0 * ARCSEC2, target.area
        middle = target.center, target.reach
    else:
        in_detected = detected.contains(sky)
        shared, joint = shared_and_joint(detected, target)
        middle = around(detected, target)
    _, field = measure_field(
        sky, *middle, ring=ring, footprint=footprint, excluded=others
    )
    return Overlap(
        **labels,
        **_counts(in_detected, in_target, shared, joint, field, confidence),
        **_sizes(detected, target, center, field, in_detected, in_target),
        area_iou=float(shared / joint),
    )


def _counts(in_detected, in_target, shared, joint, field, confidence):
    """Return the IoUs of sources and members."""
    n_shared = int(np.count_nonzero(in_detected & in_target))
    n_union = int(np.count_nonzero(in_detected | in_target))
    iou, low, high = source_iou(n_shared, n_union, confidence=confidence)
    areas = shared.to_value(ARCSEC2), joint.to_value(ARCSEC2)
    members, error = member_iou(n_shared, n_union, *areas, field.density, field.error)
    return {
        "iou": iou,
        "iou_low": low,
        "iou_high": high,
        "n_shared": n_shared,
        "n_union": n_union,
        "member_iou": members,
        "member_iou_err": error,
    }


def _sizes(detected, target, center, field, in_detected, in_target):
    """Return counts and members of both regions, offset and ratio of radii."""
    n_detected, n_reference = (int(part.sum()) for part in (in_detected, in_target))
    sizes = {
        "n_detected": n_detected,
        "n_reference": n_reference,
        "members_detected": 0.0,
        "members_reference": float(n_reference - field.expected(target.area)),
        "offset": np.nan * u.arcsec,
        "radius_ratio": np.nan,
    }
    if detected is not None:
        sizes |= {
            "members_detected": float(n_detected - field.expected(detected.area)),
            "offset": center.separation(target.center).to(u.arcsec),
            "radius_ratio": float(detected.radius / target.radius),
        }
    return sizes
