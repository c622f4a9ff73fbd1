# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The detector that is trained beforehand, as it is used: network, rates, search."""

from .embedding import ConvVAE

__all__ = ["ConvVAE"]
