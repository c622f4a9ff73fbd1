# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust model``: what is known of a trained model."""

from __future__ import annotations

import json

from .printing import print_table

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "describe a trained model: identity, calibration, training"
DESCRIPTION = (
    "Print the identity of a trained model, which the tables of its clusters have, "
    "the sky that it was calibrated on, and the stages of its training."
)
EXAMPLE = "vaeclust model mine.pt"


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument(
        "model",
        nargs="?",
        metavar="MODEL",
        help="file of the model (default: that of the package)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print all settings of the training"
    )


def run(arguments):
    """Print what the file of the model says."""
    from ..detector.model import load_model

    model = load_model(arguments.model)
    if arguments.json:
        print(json.dumps({"identity": model.identity} | model.training, indent=1))
        return
    settings = model.network.settings
    print(f"identity: {model.identity}")
    networks = "one network" if model.fine_network is None else "two networks"
    print(f"{networks}: channels {settings.channels}, {settings.latent} latents")
    print(f"made: {model.training.get('date', 'not stated')}")
    with_sources = "yes" if model.source_calibration else "no"
    print(f"takes point sources: {with_sources}")
    if model.calibration is not None:
        print("\nFalse alarms were calibrated on:")
        print_table(_calibration_table(model.calibration))
    if stages := model.training.get("stages"):
        print("\nStages of the training:")
        print_table(_stage_table(stages))


def _calibration_table(calibration):
    """Return the sky of the calibration, a row for coarse and for fine images."""
    from astropy.table import QTable

    rows = [
        {
            "images": kind,
            "area_deg2": one.area,
            "lowest_crowding": one.crowding[0],
            "highest_crowding": one.crowding[-1],
            "highest_false_score": one.highest_score,
        }
        for kind, one in zip(("coarse", "fine"), calibration.intensities, strict=True)
    ]
    return QTable(rows=rows)


def _steps(stage):
    """Return the updates of networks in a stage; those in colour train none."""
    if any("+" in tag for tag in stage["surveys"]):
        return 0
    return stage["plan"]["n_steps"] + stage.get("n_measure_steps", 0)


def _stage_table(stages):
    """Return a row per stage of the training."""
    from astropy.table import QTable

    rows = [
        {
            "stage": stage["name"],
            "tiles": stage["n_tiles"],
            "steps": _steps(stage),
            "learning_rate": stage["plan"]["learning_rate"],
            "seed": stage["plan"]["seed"],
            "surveys": ",".join(dict.fromkeys(stage["surveys"])),
        }
        for stage in stages
    ]
    return QTable(rows=rows)
