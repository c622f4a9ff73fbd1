# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Files of trained networks.

A file holds tensors and a header in JSON; it is read with ``weights_only=True``, so
that nothing in it can be executed.
"""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path

import torch

from ..embeddings.latent_map import digest
from ..utils.files import atomic_path
from ..utils.warning import ignored_warnings
from .calibration import Calibration
from .color_score import ColorScore
from .network import COLOR_MEASURES, ConvolutionalVAE, NetworkSettings
from .source_score import SourceCalibration

__all__ = ["TrainedModel", "in_half_precision", "load_model"]

FORMAT = "astro_vaeclust-model-2"

STATES = ("state", "fine_state")
"""Names in the file of the states of the networks for all images, and fine ones."""

COLOR_STATE = "color_state"
"""The same of what takes several bands."""

DEFAULT_MODEL = Path(__file__).parents[1] / "models" / "default.pt"
"""The model that comes with the package, made by ``vaeclust train``."""


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """
    A trained network with all that is known of it.

    Parameters
    ----------
    network : `~astro_vaeclust.detector.network.ConvolutionalVAE`
        The network, ready for use.
    calibration : `~astro_vaeclust.detector.calibration.Calibration` or None
        From scores to false-alarm rates and from variances to errors.
    training : dict
        Settings and data of the training, as texts, numbers, lists and dicts.
    source_calibration : SourceCalibration or None
        From scores and point sources to combined scores and their false-alarm rates;
        None if the model was not calibrated with sources.
    fine_network : `~astro_vaeclust.detector.network.ConvolutionalVAE` or None
        A network of the same sizes for fine images, see
        `~astro_vaeclust.detector.grid.NetworkGrid`; None if one sees all.
    color : `~astro_vaeclust.detector.color_score.ColorScore` or None
        What colours of stars add to the score; None if there is none.
    color_calibrations : dict of str to Calibration
        Those of sets of bands, as ``"J,Ks"``.
    """

    network: ConvolutionalVAE
    calibration: Calibration | None
    training: dict
    source_calibration: SourceCalibration | None = None
    fine_network: ConvolutionalVAE | None = None
    color: ColorScore | None = None
    color_calibrations: dict[str, Calibration] = field(default_factory=dict)

    def __post_init__(self):
        """Check that calibrations in colour have all that is measured."""
        for bands, calibration in self.color_calibrations.items():
            levels = (one for of_kind in calibration.levels for one in of_kind)
            biases = (*calibration.biases, *(level.biases for level in levels))
            n_known = min(map(len, biases))
            if n_known < len(COLOR_MEASURES):
                raise ValueError(
                    f"color_calibrations must have {len(COLOR_MEASURES)} measures, got "
                    f"{n_known} for {bands}"
                )

    def for_bands(self, bands):
        """
        Return the model for the images of some bands (`TrainedModel`).

        Parameters
        ----------
        bands : tuple of str
            Of `~astro_vaeclust.images.bands.BANDS`, in their order.

        Raises
        ------
        ValueError
            If the model takes one band only, or is not calibrated for these.
        """
        if len(bands) < 2:
            return self
        if self.color is None:
            raise ValueError(
                f"data in several bands, {', '.join(bands)}, is for a model that "
                "'vaeclust train' made with the stage color, which this one "
                "is not; it takes one of them"
            )
        name = ",".join(bands)
        if not self.color_calibrations:
            return self._not_calibrated
        if name not in self.color_calibrations:
            raise ValueError(
                f"model is calibrated for {' and for '.join(self.color_calibrations)}, "
                f"got {name}"
            )
        return self._calibrated[name]

    @cached_property
    def _not_calibrated(self):
        return replace(self, calibration=None)

    @cached_property
    def _calibrated(self):
        return {
            name: replace(self, calibration=calibration)
            for name, calibration in self.color_calibrations.items()
        }

    @property
    def _networks(self):
        """The networks by the names of their states in the file (dict)."""
        networks = dict(zip(STATES, (self.network, self.fine_network), strict=True))
        return {name: network for name, network in networks.items() if network}

    @cached_property
    def identity(self):
        """Sixteen hexadecimal digits that identify the parameters (str)."""
        return digest(
            value.detach().cpu().numpy()
            for network in (*self._networks.values(), self.color)
            if network is not None
            for value in network.state_dict().values()
        )

    @property
    def fine_scale(self):
        """Arcseconds per network pixel that are aimed at for fine images (float)."""
        return self.network.settings.fine_scale

    def network_for(self, is_fine):
        """Return the network for fine images or for others (`ConvolutionalVAE`)."""
        return self.fine_network if is_fine and self.fine_network else self.network

    def quick_network_for(self, is_fine):
        """Return it with its normalisations folded into its convolutions."""
        return self._folded[self.network_for(is_fine)]

    @cached_property
    def _folded(self):
        from .inference import folded

        return {network: folded(network) for network in self._networks.values()}

    def save(self, path, *, overwrite=False):
        """
        Write the model to a file, whole or not at all.

        Raises OSError if the file cannot be written, or exists and may not be replaced.
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
        states = {name: _state(network) for name, network in self._networks.items()}
        if self.color is not None:
            header["color_calibrations"] = {
                name: calibration.to_dict()
                for name, calibration in self.color_calibrations.items()
            }
            states[COLOR_STATE] = _state(self.color)
        with atomic_path(path, overwrite) as temporary:
            torch.save({"header": json.dumps(header), **states}, temporary)


def _state(network):
    """Return the tensors of a network; those that half precision holds are in it."""
    state = {}
    for name, value in network.state_dict().items():
        value = value.detach().cpu().contiguous()
        if value.is_floating_point() and torch.equal(value.half().float(), value):
            value = value.half()
        state[name] = value
    return state


def in_half_precision(network):
    """Return a copy whose parameters half precision holds, which halves its file."""
    network = copy.deepcopy(network)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(parameter.half())
    return network


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
    header, states = _contents(path)
    network, fine_network = (
        _network(path, header["network"], states.get(name)) for name in STATES
    )
    calibration = header["calibration"]
    with_sources = header.get("source_calibration")
    model = TrainedModel(
        network=network.to(device),
        fine_network=fine_network and fine_network.to(device),
        color=_color(path, states.get(COLOR_STATE), device),
        color_calibrations={
            name: Calibration.from_dict(values)
            for name, values in header.get("color_calibrations", {}).items()
        },
        calibration=calibration and Calibration.from_dict(calibration),
        training=header["training"],
        source_calibration=with_sources and SourceCalibration.from_dict(with_sources),
    )
    _check_undamaged(path, model, header["identity"])
    return model


def _check_undamaged(path, model, identity):
    if model.identity != identity:
        raise ValueError(
            f"model={str(path)!r} is damaged: its parameters are not those that were "
            "written"
        )


def _network(path, settings, state):
    """Return the network of a state; None for none."""
    if state is None:
        return None
    network = ConvolutionalVAE(NetworkSettings.from_dict(settings))
    _load_state(path, network, state)
    return network.to(memory_format=torch.channels_last)


def _color(path, state, device):
    """Return what takes several bands of a state; None for none."""
    if state is None:
        return None
    color = ColorScore()
    _load_state(path, color, state)
    return color.to(device)


def _load_state(path, network, state):
    """Give a network its parameters, and put it into its mode for use."""
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise ValueError(f"model={str(path)!r} is damaged: {error}") from error
    network.eval().requires_grad_(False)


def _contents(path):
    """Return the header, and the states of the networks by their names."""
    try:
        with ignored_warnings(UserWarning):  # of files of other kinds
            contents = torch.load(path, map_location="cpu", weights_only=True)
        header = json.loads(contents["header"])
        if header["format"] != FORMAT:
            raise ValueError(f"format {header['format']!r}")
        if "state" not in contents:
            raise KeyError("state")
        return header, contents
    except (
        pickle.UnpicklingError,
        RuntimeError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
    ) as error:
        # torch would advise to execute what is in the file
        cause = f": {error}" if type(error) is ValueError else ""
        raise ValueError(
            f"model={str(path)!r} is no model of astro_vaeclust{cause}; 'vaeclust "
            "train' makes one"
        ) from error
