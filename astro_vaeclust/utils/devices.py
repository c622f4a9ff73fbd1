# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Devices of torch by their names."""

from __future__ import annotations

__all__ = ["resolve_device"]


def resolve_device(device):
    """
    Return the `torch.device` of a name such as ``"cpu"``, ``"cuda:1"`` or ``"auto"``.

    ``"auto"`` is an accelerator where there is one. Raises ValueError if the name means
    no device, or one that this machine does not have.
    """
    import torch

    accelerator = torch.accelerator.current_accelerator(check_available=True)
    if device == "auto":
        return accelerator or torch.device("cpu")
    try:
        resolved = torch.device(device)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"device={device!r} is not a device of torch") from error
    usable = {"cpu", accelerator.type if accelerator else "cpu"}
    if resolved.type not in usable:
        raise ValueError(
            f"device={device!r} is not available; this machine has {sorted(usable)}"
        )
    return resolved
