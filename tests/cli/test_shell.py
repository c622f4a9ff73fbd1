# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What all commands have in common: help, examples, codes and messages."""

import argparse
import json
import logging
import shlex
import subprocess
import sys
import time

import pytest

from astro_vaeclust.archives import cuts
from astro_vaeclust.archives.exceptions import ArchiveServerError, NoDataError
from astro_vaeclust.cli import COMMANDS, main, make_parser, messages, options
from astro_vaeclust.detector.model import load_model
from astro_vaeclust.evaluation.finders import finder_names
from astro_vaeclust.io.formats import FORMATS
from astro_vaeclust.matching import KNOWN_LISTS
from astro_vaeclust.mixtures import MIXTURES
from astro_vaeclust.simulation import SURVEYS
from astro_vaeclust.version import __version__


def test_the_bare_command_helps(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(f"    {command}" in out for command in COMMANDS)
    assert "130  interrupted" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example_that_can_be_run(command, capsys):
    assert main([command, "--help"]) == 0
    example = COMMANDS[command].EXAMPLE
    assert f"example:\n  {example}\n" in capsys.readouterr().out
    words = shlex.split(example.removeprefix('eval "$(').removesuffix(')"'))
    assert words[0] == "vaeclust"
    arguments = make_parser().parse_args(words[1:])
    assert arguments.run is COMMANDS[command].run


def test_help_comes_at_once():
    code = "import astro_vaeclust.cli as c, sys; c.main(['detect', '--help']);"
    code += (
        "print([m for m in ('scipy', 'astropy.table', 'torch') if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.splitlines()[-1] == "[]"


def test_help_lists_what_there_is():
    assert tuple(SURVEYS) == options.SURVEYS
    assert set(options.CUTS) == set(cuts.CUTS)
    assert tuple(finder_names()) == options.FINDERS
    assert tuple(KNOWN_LISTS) == options.KNOWN_LISTS
    tables = [endings[0] for endings, _, reads in FORMATS.values() if reads]
    assert set(options.TABLES.split(", ")) == set(tables)


def failing(monkeypatch, error):
    """Let the command that lists backends fail."""

    def run(arguments):
        raise error

    monkeypatch.setattr(COMMANDS["backends"], "run", run)


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ValueError("n_steps must be 1"), 2, "error: n_steps must be 1"),
        (NoDataError("no image", service="IRSA"), 2, "error: IRSA: no image"),
        (ArchiveServerError("HTTP 500", service="IRSA"), 3, "error: IRSA: HTTP 500"),
        (ConnectionRefusedError("no hub runs"), 3, "error: no hub runs"),
        (ImportError("'shtab' is needed"), 3, "error: 'shtab' is needed"),
        (FileNotFoundError(2, "no such file", "a.fits"), 2, "no such file: a.fits"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_exit_codes(monkeypatch, capsys, error, code, message):
    failing(monkeypatch, error)
    assert main(["backends"]) == code
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("vaeclust: ")
    assert line.endswith(message)


def test_a_code_of_a_command_is_that_of_the_process(monkeypatch):
    monkeypatch.setattr(COMMANDS["backends"], "run", lambda arguments: 1)
    assert main(["backends"]) == 1


def options_with_values():
    """Yield every command with every option that takes numbers."""
    (commands,) = (
        action.choices
        for action in make_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )
    for command, parser in commands.items():
        for action in parser._actions:
            if callable(action.type) and action.option_strings[-1] not in WORDS:
                yield command, action.option_strings[-1], action.nargs


WORDS = ("--hdu", "--reference-hdu", "--threshold", "--log-file", "--stages")

REQUIRED = {
    "crossmatch": ["a.ecsv", "--lists", "b.csv"],
    "detect": ["a.fits"],
    "fetch": ["M 17"],
    "score": ["a.ecsv", "--catalog", "b.vot", "--reference", "c.reg"],
    "selection-function": ["a.fits"],
    "train": ["a.pt"],
}


@pytest.mark.parametrize(("command", "option", "n_values"), options_with_values())
def test_no_number_can_be_nonsense(command, option, n_values, capsys):
    required = REQUIRED.get(command, [])
    given = [option, *(["nan"] * (n_values or 1))]
    assert main([command, *required, *given]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"vaeclust: error: {option}: takes ")


def test_a_module_registers_a_backend(tmp_path, monkeypatch, capsys):
    (tmp_path / "my_mixture_module.py").write_text(
        "from astro_vaeclust.mixtures import MIXTURES, SklearnGaussianMixture\n"
        "@MIXTURES.register('mine')\n"
        "class Mine(SklearnGaussianMixture):\n"
        '    """My own."""\n'
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    assert main(["backends", "--import", "my_mixture_module"]) == 0
    assert "--mixture mine: My own." in capsys.readouterr().out
    MIXTURES._entries.pop("mine")
    assert main(["backends", "--import", "not_there"]) == 2
    assert "--import not_there: No module" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_knows_commands_and_options(shell, capsys):
    pytest.importorskip("shtab")
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "selection-function" in script
    assert "patch-sizes" in script


def test_completion_without_its_package_names_the_extra(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "shtab", None)
    assert main(["completion", "bash"]) == 3
    assert "astro_vaeclust[completion]" in capsys.readouterr().err


def test_a_model_is_described(capsys):
    model = load_model()
    assert main(["model"]) == 0
    out = capsys.readouterr().out
    assert f"identity: {model.identity}" in out
    for stage in model.training["stages"]:
        assert f"{stage['name']} " in out
    assert main(["model", "--json"]) == 0
    described = json.loads(capsys.readouterr().out)
    assert described["identity"] == model.identity
    assert described["stages"] == model.training["stages"]


def test_a_log_file_has_everything_with_times(tmp_path, monkeypatch, capsys):
    def run(arguments):
        logging.getLogger("astro_vaeclust.training").debug("a detail")
        with messages.step("searching"):
            messages.LOGGER.info("wrote x")

    monkeypatch.setattr(COMMANDS["backends"], "run", run)
    path = tmp_path / "run.log"
    assert main(["backends", "--log-file", str(path), "--quiet"]) == 0
    lines = path.read_text().splitlines()
    assert [line.partition(": ")[2][:10] for line in lines] == [
        *("a detail", "searching ", "wrote x", "searching ")
    ]
    assert lines[0].startswith("20")
    assert lines[-1].endswith(" s")
    assert capsys.readouterr().err == ""
    assert main(["backends", "--log-file", str(tmp_path / "no" / "x")]) == 2
    assert "--log-file: cannot write" in capsys.readouterr().err


def test_long_work_says_how_far_it_is_outside_a_terminal(monkeypatch, capsys):
    def run(arguments):
        bar = messages.progress_bar(quiet=False)
        for _ in bar(range(3), desc="tiles"):
            time.sleep(0.1)

    monkeypatch.setattr(COMMANDS["backends"], "run", run)
    monkeypatch.setattr(messages, "INTERVAL", 0.07)
    assert main(["backends"]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert any("vaeclust: tiles: 1 of 3, after 0 s" in line for line in lines)
    assert main(["backends", "--quiet"]) == 0
    assert capsys.readouterr().err == ""


def test_backends_lists_tags_that_exist(capsys):
    from astro_vaeclust.embeddings import EMBEDDINGS
    from astro_vaeclust.mixtures import MIXTURES
    from astro_vaeclust.segmentation import THRESHOLDS

    assert main(["backends"]) == 0
    lines = capsys.readouterr().out.splitlines()
    tags = [line for line in lines if line.startswith("--")]
    assert [line.partition(":")[0] for line in tags] == [
        *(f"--embedding {tag}" for tag in EMBEDDINGS.tags),
        *(f"--mixture {tag}" for tag in MIXTURES.tags),
        *(f"--threshold {tag}" for tag in THRESHOLDS.tags),
    ]
    peak = lines.index(next(line for line in tags if "peak-fraction" in line))
    assert lines[peak].endswith("the peak of the heat map above its sky, the median.")
    assert lines[peak + 1] == "    settings: fraction=0.4"
    assert all(len(line.partition(": ")[2]) > 20 for line in tags)


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"vaeclust {__version__}\n"


def test_module_runs_and_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m astro_vaeclust backends | true"
    run = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
