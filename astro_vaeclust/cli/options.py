# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Options of the finder on the command line."""

from __future__ import annotations

import argparse
from dataclasses import fields, is_dataclass, replace

from .messages import progress_bar

__all__ = [
    "CUTS",
    "FINDERS",
    "KNOWN_LISTS",
    "SURVEYS",
    "TABLES",
    "add_device",
    "add_finder_options",
    "add_folder",
    "add_hdu",
    "add_import",
    "add_overwrite",
    "add_seed",
    "add_workers",
    "angle",
    "fraction",
    "make_finder",
    "number",
    "positive",
    "several",
    "survey_tag",
    "whole_number",
]

SURVEYS = (
    "2mass-j",
    "2mass-h",
    "2mass-ks",
    "ukidss-j",
    "ukidss-h",
    "ukidss-k",
    "vvv-j",
    "vvv-h",
    "vvv-ks",
)
CUTS = (
    *("paper", "everything", "read_flag", "stars", "include_extended"),
    *("reliable_photometry", "primary"),
)
FINDERS = (
    *("default", "per-image", "paper", "default-J-H-Ks", "default-J-H"),
    *("default-J-Ks", "default-H-Ks", "hdbscan", "matched-filter"),
    *("minimum-spanning-tree", "mixture-with-noise", "nearest-neighbour"),
    *("star-counts", "voronoi", "matched-filter-true-stars", "default-with-sources"),
)
KNOWN_LISTS = (
    *("bica2003", "bica2003-literature", "dutra2003", "mercer2005", "froebrich2007"),
    *("borissova2011", "solin2012", "kharchenko2013", "morales2013", "solin2014"),
    *("barba2015", "bica2019", "hunt2023"),
)
"""What --help lists at once, without an import of what has them."""

TABLES = ".ecsv, .fits, .vot, .parquet, .csv"
"""Endings of tables."""

_OF_FINDER = ("mixture", "seed", "device")
_OF_EMBEDDING = ("model", "patch_sizes", "overlap", "n_seeds")
"""Options that are settings of the finder, and of some embeddings."""


def add_finder_options(parser):
    """Add the settings of the finder to a parser; none has a default here."""
    group = parser.add_argument_group(
        "settings", "The preset decides what is not given."
    )

    def add(option, **keywords):
        group.add_argument(option, default=argparse.SUPPRESS, **keywords)

    group.add_argument(
        "--preset",
        choices=("default", "paper"),
        default="default",
        help="where the other settings come from (default: %(default)s)",
    )
    add(
        "--embedding",
        metavar="TAG",
        help="conv-vae (trained beforehand), dense-vae or pca; 'vaeclust backends' "
        "describes them",
    )
    add("--model", metavar="FILE", help="trained model, by default the package's own")
    add(
        "--mixture",
        metavar="TAG",
        help="gmm, em, bayesian or prior; 'vaeclust backends' describes them",
    )
    add(
        "--patch-sizes",
        type=several(whole_number(1)),
        metavar="PIXELS",
        help="sides of the windows, such as 16,32,48,64",
    )
    add(
        "--overlap",
        type=fraction,
        metavar="FRACTION",
        help="overlap of neighbouring windows, in [0, 1)",
    )
    add(
        "--n-seeds",
        type=whole_number(1),
        metavar="N",
        help="networks per patch size, of which the mean is taken",
    )
    add(
        "--threshold",
        type=_number_or_tag,
        metavar="SPEC",
        help="height of the heat map that counts: a number or a tag (see backends)",
    )
    add(
        "--max-false-alarm-rate",
        type=_rate,
        metavar="PER_DEG2",
        help="false detections per square degree that are accepted, or none for all "
        "candidates (default: 1)",
    )
    add_seed(group)
    add_device(group, default=argparse.SUPPRESS)
    add_import(group)


def make_finder(arguments):
    """
    Return the finder that the options ask for; settings not given are not among them.

    Raises ValueError, TypeError or FileNotFoundError if a setting is out of range or
    has no effect, or no backend has a tag.
    """
    import astropy.units as u

    from .. import HeatmapRegions, VAEClusterFinder

    given = vars(arguments)
    paper = given.get("preset") == "paper"
    preset = VAEClusterFinder.paper() if paper else VAEClusterFinder()
    finder = replace(
        preset,
        embedding=_make_embedding(given, preset.embedding),
        progress_bar=progress_bar(arguments.quiet),
        **{name: given[name] for name in _OF_FINDER if name in given},
    )
    if "threshold" in given:
        if not finder.learns_on_image:
            raise _cannot_matter("threshold", _searches_that_learn(), given)
        regions = finder.regions or HeatmapRegions()
        regions = replace(regions, threshold=given["threshold"])
        finder = replace(finder, regions=regions)
    if "max_false_alarm_rate" in given:
        if finder.learns_on_image:
            takes = "the search with a trained model"
            raise _cannot_matter("max_false_alarm_rate", takes, given)
        rate = given["max_false_alarm_rate"]
        rate = None if rate is None else rate / u.deg**2
        finder = replace(finder, max_false_alarm_rate=rate)
    return finder


def _make_embedding(given, embedding):
    """Return the embedding of a preset, or the one asked for, with given settings."""
    from ..embeddings import EMBEDDINGS

    embedding = given.get("embedding", embedding)
    resolved = EMBEDDINGS.resolve(embedding)
    settings = {name: given[name] for name in _OF_EMBEDDING if name in given}
    for name in settings:
        takers = [n for n in EMBEDDINGS.tags if name in _settings_of(EMBEDDINGS.get(n))]
        if name not in _settings_of(resolved):
            raise _cannot_matter(name, f"--embedding {' or '.join(takers)}", given)
    return replace(resolved, **settings) if settings else embedding


def _searches_that_learn():
    """Say which searches learn on the image (str)."""
    from ..embeddings import EMBEDDINGS

    tags = [tag for tag in EMBEDDINGS.tags if not EMBEDDINGS.get(tag).pretrained]
    return (
        "searches that learn on the image, by --preset paper, --mixture, or "
        f"--embedding {' or '.join(tags)}"
    )


def _settings_of(backend):
    return {field.name for field in fields(backend)} if is_dataclass(backend) else set()


def _cannot_matter(name, takes, given):
    """Return the error of an option that has no effect with the other options."""
    chosen = ("preset", "embedding", "mixture")
    got = " ".join(f"--{one} {given[one]}" for one in chosen if one in given)
    return ValueError(f"--{name.replace('_', '-')} is for {takes}; got {got}")


def _rate(text):
    """Read a rate, or None."""
    return None if text == "none" else positive(text)


def _number_or_tag(text):
    try:
        return float(text)
    except ValueError:
        return text


def add_folder(parser, default):
    """Add the folder of a run that can be resumed to a parser."""
    parser.add_argument(
        "--folder",
        default=default,
        metavar="DIR",
        help="where results are kept; made if missing (default: %(default)s)",
    )


def add_overwrite(parser):
    """Add the option that lets files be replaced to a parser."""
    parser.add_argument(
        "--overwrite", action="store_true", help="replace files that exist"
    )


def add_workers(parser):
    """Add the number of processes to a parser."""
    parser.add_argument(
        "--workers",
        type=whole_number(1),
        default=1,
        metavar="N",
        help="processes (default: %(default)s)",
    )


def add_seed(parser, default=argparse.SUPPRESS, text="same seed, same result"):
    """Add the seed of everything random to a parser."""
    seed = whole_number(0, 2**32 - 1)
    parser.add_argument("--seed", type=seed, default=default, metavar="N", help=text)


def add_device(parser, default="cpu"):
    """Add where torch computes to a parser."""
    parser.add_argument(
        "--device",
        type=_device,
        default=default,
        help="where torch computes: cpu, cuda, mps, auto, ... (default: cpu)",
    )


def add_import(parser):
    """Add the modules with backends of others to a parser."""
    parser.add_argument(
        "--import",
        dest="modules",
        action="append",
        default=[],
        metavar="MODULE",
        help="import a module that registers backends; may be repeated",
    )


def whole_number(low, high=None):
    """Return a type of options: whole numbers from ``low``, to ``high`` if given."""
    limits = f"from {low}" + ("" if high is None else f" to {high}")

    def read(text):
        value = _read(int, text, f"a whole number {limits}")
        if value < low or (high is not None and value > high):
            raise _takes(f"a whole number {limits}", text)
        return value

    return read


def fraction(text):
    """Read a number from 0 to below 1."""
    value = number(text, takes="a number from 0 to below 1")
    if not 0 <= value < 1:
        raise _takes("a number from 0 to below 1", text)
    return value


def number(text, takes="a number"):
    """Read a finite number."""
    value = _read(float, text, takes)
    if not abs(value) < float("inf"):
        raise _takes(takes, text)
    return value


def positive(text):
    """Read a positive number."""
    value = number(text, takes="a positive number")
    if value <= 0:
        raise _takes("a positive number", text)
    return value


def several(kind):
    """Return a type of options: values with commas between them (tuple)."""
    return lambda text: tuple(kind(part) for part in text.split(","))


def _read(kind, text, takes):
    try:
        return kind(text)
    except ValueError:
        raise _takes(takes, text) from None


def _takes(takes, text):
    return argparse.ArgumentTypeError(f"takes {takes}, got {text!r}")


def _device(text):
    from ..utils.validation import check_device

    try:
        check_device(text)
    except ValueError as error:
        takes, _, _ = str(error).removeprefix("device takes ").partition(";")
        raise _takes(takes, text) from None
    return text


def add_hdu(parser, option="--hdu", content="image"):
    """Add the number or the name of the HDU with some content to a parser."""
    parser.add_argument(
        option,
        type=lambda text: int(text) if text.isdecimal() else text,
        metavar="HDU",
        help=f"number or name of the HDU with the {content}",
    )


def angle(text):
    """Read an angle such as ``12arcmin`` (`~astropy.units.Quantity`)."""
    import astropy.units as u

    try:
        value = u.Quantity(text)
        value.to(u.arcmin)
    except (TypeError, ValueError):
        raise _takes("an angle such as 12arcmin", text) from None
    if not 0 < value.value < float("inf"):
        raise _takes("a positive angle such as 12arcmin", text)
    return value


def survey_tag(text):
    """Read the tag of a survey, or those of several bands."""
    from ..photometry.palette import checked_surveys

    try:
        checked_surveys(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"takes {', '.join(SURVEYS)}, or bands of one joined by +, got {text!r}"
        ) from error
    return text
