# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Files of trained networks.

A file holds tensors and a header in JSON; it is read with ``weights_only=True``, so
that nothing in it can be executed.
"""

from __future__ import annotations

import json
import pickle
import warnings
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import torch

from ..embeddings.latent_map import digest
from ..io import atomic_path
from .calibration import Calibration
from .network import ConvolutionalVAE, NetworkSettings
from .source_score import SourceCalibration

__all__ = ["TrainedModel", "load_model"]

FORMAT = "astro_vaeclust-model-2"

DEFAULT_MODEL = Path(__file__).parents[1] / "models" / "default.pt"
"""The model that comes with the package, made by ``vaeclust train``."""


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """
    A trained network with all that is known of it.

    Parameters
    ----------
    network : `~astro_vaeclust.amortised.network.ConvolutionalVAE`
        The network, ready for use.
    calibration : `~astro_vaeclust.amortised.calibration.Calibration` or None
        From scores to false-alarm rates and from variances to errors.
    training : dict
        Settings and data of the training, as texts, numbers, lists and dicts.
    source_calibration : SourceCalibration or None
        From scores and point sources to combined scores and their false-alarm rates;
        None if the model was not calibrated with sources.
    """

    network: ConvolutionalVAE
    calibration: Calibration | None
    training: dict
    source_calibration: SourceCalibration | None = None

    @cached_property
    def identity(self):
        """Sixteen hexadecimal digits that identify the parameters (str)."""
        return digest(
            value.detach().cpu().numpy() for value in self.network.state_dict().values()
        )

    @cached_property
    def quick_network(self):
        """The network with its normalisations folded into its convolutions."""
        from .inference import folded

        return folded(self.network)

    def save(self, path, *, overwrite=False):
        """
        Write the model to a file, whole or not at all.

        Parameters
        ----------
        path : str or path-like
            The file.
        overwrite : bool, optional
            Whether an existing file may be replaced.

        Raises
        ------
        OSError
            If the file cannot be written, or exists and may not be replaced.
        """
        header = {
            "format": FORMAT,
            "network": asdict(self.network.settings),
            "training": self.training,
            "identity": self.identity,
            "calibration": self.calibration and self.calibration.to_dict(),
            "source_calibration": self.source_calibration
            and self.source_calibration.to_dict(),
        }
        state = {
            name: value.detach().cpu().contiguous()
            for name, value in self.network.state_dict().items()
        }
        with atomic_path(path, overwrite) as place:
            torch.save({"header": json.dumps(header), "state": state}, place)


def load_model(path=None, *, device="cpu"):
    """
    Read a trained model.

    Parameters
    ----------
    path : str or path-like, optional
        File that `TrainedModel.save` wrote; by default the model of the package.
    device : str or `torch.device`, optional
        Where it will compute.

    Returns
    -------
    model : `TrainedModel`
        The model.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is no model of this package, or is damaged.
    """
    path = DEFAULT_MODEL if path is None else Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"model={str(path)!r} does not exist")
    return _load(path, path.stat().st_mtime_ns, str(device))


@lru_cache(maxsize=4)
def _load(path, modified, device):
    header, state = _contents(path)
    network = ConvolutionalVAE(NetworkSettings.from_dict(header["network"]))
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"model={str(path)!r} is damaged: {error}") from error
    network = network.eval().to(device).to(memory_format=torch.channels_last)
    calibration = header["calibration"]
    with_sources = header.get("source_calibration")
    model = TrainedModel(
        network=network.requires_grad_(False),
        calibration=calibration and Calibration.from_dict(calibration),
        training=header["training"],
        source_calibration=with_sources and SourceCalibration.from_dict(with_sources),
    )
    if model.identity != header["identity"]:
        raise ValueError(
            f"model={str(path)!r} is damaged: its parameters are not those that were "
            "written"
        )
    return model


def _contents(path):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of files of other kinds
            contents = torch.load(path, map_location="cpu", weights_only=True)
        header = json.loads(contents["header"])
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']!r}")
        return header, contents["state"]
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        raise ValueError(
            f"model={str(path)!r} is no model of astro_vaeclust: {error}"
        ) from error
