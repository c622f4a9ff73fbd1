# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""``vaeclust train``: make a model for the default detector."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .messages import LOGGER, progress_bar
from .options import (
    SURVEYS,
    add_device,
    add_folder,
    add_overwrite,
    add_seed,
    add_workers,
    several,
    survey_tag,
    whole_number,
)

__all__ = ["DESCRIPTION", "EXAMPLE", "HELP", "add_options", "run"]

HELP = "train a model on mock tiles and calibrate it"
DESCRIPTION = (
    "Simulate tiles, train the convolutional autoencoder on them, "
    "calibrate its false-alarm rates and errors, and write the model. Tiles, "
    "checkpoints and curves are kept in a folder: after an interrupt the same "
    "command resumes."
)
EXAMPLE = "vaeclust train mine.pt --surveys vvv-ks --tiles 2000 --steps 3000"


def add_options(parser):
    """Add the options of the command to its parser."""
    parser.add_argument("output", metavar="MODEL", help="file of the model, .pt")
    add_folder(parser, "vaeclust_training")
    parser.add_argument(
        "--tiles",
        type=whole_number(1),
        metavar="N",
        help="mock tiles of the stages fine and others each; all else in proportion",
    )
    parser.add_argument(
        "--nulls",
        type=whole_number(1),
        metavar="N",
        help="tiles without a cluster per survey for the calibration (default: in "
        "proportion to --tiles)",
    )
    parser.add_argument(
        "--steps",
        type=whole_number(1),
        metavar="N",
        help="updates of the network in the stage all, the others in proportion",
    )
    parser.add_argument(
        "--side",
        type=whole_number(64),
        metavar="PIXELS",
        help="side of squares, a multiple of 64",
    )
    parser.add_argument(
        "--surveys",
        type=several(survey_tag),
        metavar="TAG",
        help="what the tiles imitate, with commas between, and several bands as "
        f"vvv-j+vvv-h+vvv-ks: {', '.join(SURVEYS)}",
    )
    parser.add_argument(
        "--real",
        nargs="+",
        default=(),
        metavar="FITS",
        help="2MASS Ks tiles without known clusters, on which clusters are painted",
    )
    parser.add_argument(
        "--start",
        metavar="MODEL",
        help="model whose networks the stages go on with, .pt",
    )
    parser.add_argument(
        "--stages",
        type=several(str),
        metavar="NAME",
        help="only these stages, with commas between: all, fine, others, color; all "
        "takes the tiles of fine and others",
    )
    add_seed(parser, default=None, text="seed of the training")
    add_workers(parser)
    add_device(parser)
    add_overwrite(parser)


def run(arguments):
    """Make the model and write it."""
    from ..detector.model import load_model
    from ..training.make import make_model
    from ..utils.files import check_output

    recipe = _recipe(arguments)
    start = arguments.start and load_model(arguments.start)
    check_output(arguments.output, arguments.overwrite)
    model = make_model(
        recipe,
        Path(arguments.folder),
        start=start,
        real_images=arguments.real,
        workers=arguments.workers,
        device=arguments.device,
        progress_bar=progress_bar(arguments.quiet),
    )
    model.save(arguments.output, overwrite=arguments.overwrite)
    LOGGER.info("wrote %s (%s)", arguments.output, model.identity)


def _recipe(arguments):
    """Return the default recipe with the options; all stages are in proportion."""
    from ..training.recipe import Recipe
    from ..utils.validation import check_choice

    recipe = Recipe()
    n_steps = recipe.stages[0].plan.n_steps
    n_tiles = max(stage.n_tiles for stage in recipe.stages)
    surveys = arguments.surveys

    def chosen(stage):
        """Return the given surveys with bands and pixels as those of a stage."""
        kinds = set(map(_kind, stage.surveys))
        return surveys and tuple(tag for tag in surveys if _kind(tag) in kinds)

    def changed(stage):
        steps, measure_steps = (
            _in_proportion(arguments.steps, number_of_these, n_steps)
            for number_of_these in (stage.plan.n_steps, stage.n_measure_steps)
        )
        number = recipe.stages.index(stage)
        seed = None if arguments.seed is None else arguments.seed + number
        plan = _given(n_steps=steps, side=arguments.side, seed=seed)
        tiles = _in_proportion(arguments.tiles, stage.n_tiles, n_tiles)
        return replace(
            stage,
            plan=replace(stage.plan, **plan),
            tiles_of=tuple(name for name in stage.tiles_of if name in names),
            **_given(n_tiles=tiles, surveys=chosen(stage)),
            **_given(n_measure_steps=measure_steps),
        )

    n_nulls = (
        arguments.nulls
        or _in_proportion(arguments.tiles, recipe.n_nulls, n_tiles)
        or recipe.n_nulls
    )
    wanted = [stage for stage in recipe.stages if chosen(stage) != ()]
    possible = [stage.name for stage in wanted]
    if arguments.stages:
        for name in arguments.stages:
            check_choice("stages", name, [stage.name for stage in recipe.stages])
            if name not in possible:
                raise ValueError(
                    f"surveys must have one for the stage {name!r}, such as "
                    f"{_surveys_of(recipe, name)}; got {', '.join(surveys)}"
                )
        wanted = [stage for stage in wanted if stage.name in arguments.stages]
    names = [stage.name for stage in wanted]
    for stage in wanted:
        if stage.tiles_of and not set(names) & set(stage.tiles_of):
            raise ValueError(
                f"stages must have {' or '.join(stage.tiles_of)}, whose tiles the "
                f"stage {stage.name!r} takes; got {', '.join(names)}"
            )
    calibrated = surveys or (*recipe.calibration_surveys, *recipe.color_surveys)
    in_color = {False: [], True: []}
    for tag in dict.fromkeys(calibrated):
        in_color[_kind(tag)[0]].append(tag)
    if arguments.start and all(stage.in_color for stage in wanted):
        in_color[False] = []
    return replace(
        recipe,
        stages=tuple(map(changed, wanted)),
        calibration_surveys=tuple(in_color[False]),
        color_surveys=tuple(in_color[True]),
        n_nulls=n_nulls,
    )


def _surveys_of(recipe, name):
    """Return the surveys of a stage (str)."""
    (stage,) = (stage for stage in recipe.stages if stage.name == name)
    return ", ".join(dict.fromkeys(stage.surveys))


def _kind(tag):
    """Return whether a survey is in colour, and whether its pixels are fine."""
    from ..detector.grid import FINE
    from ..photometry.palette import checked_surveys

    *others, last = checked_surveys(tag)
    return bool(others), last.pixel_scale < FINE


def _in_proportion(given, number, first):
    """Scale a number as the first was changed; none falls to zero (int or None)."""
    return None if given is None else max(given * number // first, min(number, 1))


def _given(**options):
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}
