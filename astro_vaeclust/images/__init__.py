# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Images: every kind of input becomes one kind of image, with its sky and noise."""

from .image import Image
from .read import open_image, read_image

__all__ = ["Image", "open_image", "read_image"]
