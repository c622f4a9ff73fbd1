# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust train``: make a model for the default detector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .messages import LOGGER, add_message_options, progress_bar

__all__ = ["add_command", "run"]


def add_command(commands):
    """Add the command to those of the main parser."""
    parser = commands.add_parser(
        "train",
        help="train a model on mock tiles and calibrate it",
        description="Simulate tiles, train the convolutional autoencoder on them, "
        "calibrate its false-alarm rates and errors, and write the model. Tiles, "
        "checkpoints and curves are kept in a folder: after an interrupt the same "
        "command goes on.",
    )
    parser.add_argument("output", metavar="MODEL", help="file of the model, .pt")
    parser.add_argument(
        "--folder",
        default="vaeclust_training",
        metavar="DIR",
        help="where tiles, checkpoint and curves are kept (default: %(default)s)",
    )
    parser.add_argument(
        "--tiles",
        type=int,
        metavar="N",
        help="mock tiles to train with; a third as many with hard negatives follow",
    )
    parser.add_argument(
        "--nulls",
        type=int,
        metavar="N",
        help="tiles without a cluster per survey for the calibration",
    )
    parser.add_argument(
        "--steps",
        type=int,
        metavar="N",
        help="updates of the network; a quarter as many with hard negatives follow",
    )
    parser.add_argument(
        "--side", type=int, metavar="PIXELS", help="side of squares, a multiple of 64"
    )
    parser.add_argument(
        "--surveys", nargs="+", metavar="TAG", help="what the tiles imitate"
    )
    parser.add_argument(
        "--real",
        nargs="+",
        default=(),
        metavar="FITS",
        help="2MASS Ks tiles without known clusters, on which clusters are painted",
    )
    parser.add_argument("--seed", type=int, help="seed of the training")
    parser.add_argument(
        "--workers", type=int, default=1, help="processes that simulate tiles"
    )
    parser.add_argument(
        "--device", default="cpu", help="where torch computes (default: %(default)s)"
    )
    parser.add_argument(
        "--overwrite", action="store_true", help="replace a file that exists"
    )
    add_message_options(parser)
    parser.set_defaults(run=run)


def run(arguments):
    """
    Make the model and write it.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        Parsed options.

    Raises
    ------
    ValueError, TypeError, OSError
        If an option is bad, or a file cannot be written.
    """
    from ..amortised.recipe import make_model
    from ..io import check_output

    check_output(arguments.output, arguments.overwrite)
    model = make_model(
        _recipe(arguments),
        Path(arguments.folder),
        real_images=arguments.real,
        workers=arguments.workers,
        device=arguments.device,
        progress_bar=progress_bar(arguments.quiet),
    )
    model.save(arguments.output, overwrite=arguments.overwrite)
    LOGGER.info("wrote %s (%s)", arguments.output, model.identity)


def _recipe(arguments):
    """Return the default recipe with the options, the second training in proportion."""
    from ..amortised.recipe import Recipe

    recipe = Recipe()
    n_steps, n_tiles, seed = arguments.steps, arguments.tiles, arguments.seed
    surveys = arguments.surveys and tuple(arguments.surveys)
    return replace(
        recipe,
        plan=replace(
            recipe.plan, **_given(n_steps=n_steps, side=arguments.side, seed=seed)
        ),
        hard_plan=replace(
            recipe.hard_plan,
            **_given(
                n_steps=n_steps and max(n_steps // 4, 1),
                side=arguments.side,
                seed=None if seed is None else seed + 1,
            ),
        ),
        **_given(
            n_tiles=n_tiles,
            n_hard_tiles=n_tiles and n_tiles // 3,
            n_nulls=arguments.nulls,
            surveys=surveys,
            calibration_surveys=surveys and tuple(dict.fromkeys(surveys)),
        ),
    )


def _given(**options):
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}
