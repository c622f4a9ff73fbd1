# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""
Run every command and every snippet of the docs as a new user would.

Usage: ``python benchmarks/first_hour.py [--python PATH] [--limit 120] [--only TEXT]``.
``--python`` is that of a fresh environment with the package. Everything runs in an
empty folder with an empty home, where ``vaeclust demo`` makes ``tile.fits`` and
``clusters.ecsv`` first: the help of each command, the commands in the docs and the
README (``$ vaeclust ...``), and the ``>>>`` examples of each page as one script, whose
output is not compared. What takes longer than the limit is stopped, which is no
failure. Prints seconds, exit code, and lines on the standard output and error of each.
Exits with 1 if one ended in another code than 0, 1 or 3.
"""

import argparse
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]

SCRIPT = """
import doctest, pathlib, sys
class Anything(doctest.OutputChecker):
    def check_output(self, want, got, flags):
        return True
page = pathlib.Path({path!r})
test = doctest.DocTestParser().get_doctest(page.read_text(), {{}}, page.name, None, 0)
sys.exit(doctest.DocTestRunner(Anything(), verbose=False).run(test).failed > 0)
"""
"""Runs the examples of a page; what they should raise is no failure."""

INPUTS = """
import shutil
from pathlib import Path
from astropy.table import Table
from astro_vaeclust.detector.model import DEFAULT_MODEL
from astro_vaeclust.simulation.demo import demo_tile
Path("tiles").mkdir()
for name in ("a.fits", "b.fits"):
    shutil.copy("tile.fits", Path("tiles") / name)
shutil.copy("clusters.reg", "reference.reg")
shutil.copy(DEFAULT_MODEL, "mine.pt")
stars = demo_tile().stars
stars = stars[stars["mag"].value < 15]
sky = stars["sky"]
columns = {"ra": sky.ra.deg, "dec": sky.dec.deg, "k_m": stars["mag"].value}
columns["rd_flg"] = ["222"] * len(stars)
Table(columns).write("psc.vot", format="votable")
"""
"""Makes the files that examples take beside those of the demo."""

CODES = {0, 1, 3, None}
"""Done, done in part, no answer of a service, stopped; 2 is a wrong example."""


def main(argv=None):
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--limit", type=float, default=120, help="seconds for each")
    parser.add_argument("--only", default="", help="those that have this text")
    arguments = parser.parse_args(argv)
    bad = []
    with tempfile.TemporaryDirectory() as folder:
        run = Runner(arguments.python, Path(folder))
        for words in (["demo", "--folder", "."], INPUTS):
            if run(words, limit=None)[1] != 0:
                raise RuntimeError(f"the inputs cannot be made by {words}")
        print(f"{'seconds':>8} {'code':>5} {'out':>5} {'err':>5}  what")
        for name, words in [*commands(arguments.python), *pages()]:
            if arguments.only in name:
                seconds, code, out, err = run(words, limit=arguments.limit)
                print(f"{seconds:8.1f} {code!s:>5} {out:5} {err:5}  {name}", flush=True)
                if code not in CODES:
                    bad.append(name)
    print(f"{len(bad)} ended as they should not", *bad, sep="\n  ")
    return int(bool(bad))


class Runner:
    """Runs commands of the package, or scripts, in a folder of their own."""

    def __init__(self, python, folder):
        self.python, self.folder = python, folder
        self.environment = {
            name: os.environ[name]
            for name in ("PATH", "PYTHONPATH")
            if name in os.environ
        } | {"HOME": str(folder), "MPLBACKEND": "Agg"}

    def __call__(self, words, *, limit):
        """Return seconds, exit code (None if stopped), and lines of both outputs."""
        kind = (
            ["-W", "ignore", "-c"]
            if isinstance(words, str)
            else ["-m", "astro_vaeclust"]
        )
        words = [words] if isinstance(words, str) else self._expanded(words)
        start = time.perf_counter()
        run = subprocess.Popen(
            [self.python, *kind, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            outputs = run.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)  # with its workers
            run.communicate()
            return time.perf_counter() - start, None, 0, 0
        lines = (len(text.splitlines()) for text in outputs)
        return time.perf_counter() - start, run.returncode, *lines

    def _expanded(self, words):
        """Return words with the files that those with a star stand for."""
        files = {word: sorted(self.folder.glob(word)) for word in words if "*" in word}
        return [str(file) for word in words for file in files.get(word, [word])]


def commands(python):
    """Return the help of each command, and the commands of the docs (list of pairs)."""
    listing = "from astro_vaeclust.cli import COMMANDS as c; print(*c, sep='\\n')"
    names = subprocess.run(
        [python, "-c", listing], capture_output=True, text=True, check=True
    ).stdout.split()
    found = {"(bare)": []} | {f"{name} --help": [name, "--help"] for name in names}
    for page in [ROOT / "README.rst", *sorted((ROOT / "docs").glob("**/*.rst"))]:
        for line in re.sub(r"\\\n\s*", "", page.read_text()).splitlines():
            if command := re.fullmatch(
                r"\s+\$ (?:eval \"\$\()?vaeclust (.*?)(?:\)\")?", line
            ):
                words = shlex.split(command[1])
                if "--output" not in words and "--folder" not in words:
                    words += folder_of(words[0], len(found))
                found[f"{page.name}: {command[1]}"] = [*words, *again(words)]
    return list(found.items())


def folder_of(command, number):
    """Return options that keep runs apart."""
    folders = ("demo", "evaluate", "reproduce", "train")
    return ["--folder", f"work{number}"] if command in folders else []


def again(words):
    """Return the option that lets an example replace the files of another."""
    takes = ("demo", "detect", "fetch", "score", "selection-function", "train")
    return ["--overwrite"] if words[0] in takes else []


def pages():
    """Return the examples of each page as a script (list of pairs)."""
    paths = [ROOT / "README.rst", *sorted((ROOT / "docs").glob("**/*.rst"))]
    return [
        (f"examples of {path.name}", SCRIPT.format(path=str(path)))
        for path in paths
        if ">>> " in path.read_text()
    ]


if __name__ == "__main__":
    sys.exit(main())
