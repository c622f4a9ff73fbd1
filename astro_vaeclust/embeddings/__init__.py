# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Embeddings of image windows; importing this does not import torch."""

from .base import EMBEDDINGS, Embedding
from .latent_map import LatentMap
from .pca import PCAEmbedding
from .windows import WindowEmbedding

__all__ = ["EMBEDDINGS", "Embedding", "LatentMap", "PCAEmbedding", "WindowEmbedding"]
