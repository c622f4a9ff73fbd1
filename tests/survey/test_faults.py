# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""What may happen to a run that lasts for days."""

import itertools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from astro_vaeclust.survey import run_survey
from astro_vaeclust.survey.folder import SurveyFolder
from astro_vaeclust.survey.outputs import write_outputs

from .examples import SIDE, QuickFinder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def trap(tmp_path):
    return tmp_path / "trap"


@pytest.fixture
def finder(trap):
    return QuickFinder(trap=str(trap))


@pytest.fixture
def expected(survey, tiles, finder, tmp_path):
    """What an undisturbed run with the finder gives."""
    survey(f"{tiles}/*", tmp_path / "expected", finder)
    return candidates(tmp_path / "expected")


def candidates(folder):
    write_outputs(folder)
    assert not list(folder.rglob("*.part"))
    return (folder / "candidates.parquet").read_bytes()


@pytest.mark.slow
def test_a_field_that_takes_too_long_fails_alone(
    survey, tiles, tmp_path, trap, finder, expected
):
    trap.write_text("hang -16.11 275.15")
    usual = SurveyFolder(tmp_path / "expected").read_rows(["seconds"])["seconds"]
    limit = max(10.0, 10 * max(usual.to_pylist()))  # the machine may be busy
    rows = survey(f"{tiles}/*", finder=finder, timeout=limit)
    late = {row.reason for row in rows if row.status == "failed"}
    assert late == {f"it took longer than {limit:g} s"}
    assert sum(row.status == "done" for row in rows) == 8
    trap.unlink()
    survey(f"{tiles}/*", finder=finder, retry_failed=True)
    assert candidates(tmp_path / "out") == expected


@pytest.mark.slow
def test_a_field_that_kills_its_worker_fails_alone(
    survey, tiles, tmp_path, trap, finder, expected
):
    trap.write_text("die -16.11 275.15")
    rows = survey(f"{tiles}/*", finder=finder)
    failed = [row for row in rows if row.status == "failed"]
    assert len(failed) == 1
    assert all("worker died each time" in row.reason for row in failed)
    trap.unlink()
    survey(f"{tiles}/*", finder=finder, retry_failed=True)
    assert candidates(tmp_path / "out") == expected


def start(*arguments, trap):
    """Start the command in a session of its own, as from a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.survey.script", *map(str, arguments)],
        cwd=ROOT,
        env=os.environ | {"TRAP": str(trap)},
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def end(process, kind, rng):
    """Kill something of a run."""
    if kind == "group":
        os.killpg(process.pid, signal.SIGKILL)
    elif kind == "worker":
        children = psutil.Process(process.pid).children(recursive=True)
        workers = [one for one in children if "spawn_main" in " ".join(one.cmdline())]
        rng.choice(workers).kill()
    elif kind == "client":
        process.kill()
    else:
        os.killpg(process.pid, getattr(signal, kind))


KINDS = ("client", "group", "worker", "SIGINT", "SIGTERM", "client", "group", "worker")
"""What is killed, in turn."""

KILLS = int(os.environ.get("SURVEY_KILLS", len(KINDS)))
"""Runs that are killed; 50 before a release."""

PATIENCE = 900
"""Seconds that a busy machine may take for what takes some."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("seed", "kind"), list(zip(range(KILLS), itertools.cycle(KINDS)))
)
def test_a_run_that_is_killed_is_resumed(
    survey, tiles, tmp_path, trap, finder, expected, seed, kind
):
    trap.write_text("wait -90 0")
    rng = random.Random(seed)
    out = tmp_path / "out"
    options = ("--output", out, "--workers", "2", "--side", str(SIDE))
    process = start("survey", f"{tiles}/*", *options, trap=trap)
    folder = SurveyFolder(tmp_path / "out")
    while not folder.segments:
        time.sleep(0.05)
        assert process.poll() is None, process.stderr.read()
    time.sleep(rng.uniform(0, 2))
    family = psutil.Process(process.pid).children(recursive=True)
    end(process, kind, rng)
    _, said = process.communicate(timeout=PATIENCE)
    assert psutil.wait_procs(family, timeout=15)[1] == []
    if kind == "worker":
        assert process.returncode == 0
    if kind.startswith("SIG"):
        assert process.returncode in (0, 130)
        lines = [one for one in said.splitlines() if "working, after" not in one]
        assert len(lines) == 1  # beside those of a busy machine
        assert process.returncode == 0 or "--resume goes on" in said
    n_done = folder.read_rows(["status"]).num_rows
    rest = survey(f"{tiles}/*", finder=finder, resume=True)
    assert n_done + len(rest) == 9
    assert candidates(out) == expected


SBATCH = """#!/bin/bash
cp "${@: -1}" "$SBATCH_SPOOL/job.$$"
setsid bash "$SBATCH_SPOOL/job.$$" > /dev/null 2>&1 &
echo "Submitted batch job $!"
"""

JOB = """#!/bin/bash
#SBATCH --array=1-2
exec dask worker --scheduler-file cluster.json --nworkers 1 --nthreads 1 \\
    --memory-limit 3GB --no-dashboard
"""


@pytest.fixture
def slurm(tmp_path, monkeypatch):
    """A folder for a cluster, with an ``sbatch`` that runs a job at once."""
    for name, text in (("sbatch", SBATCH), ("job.sh", JOB)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    place = [str(tmp_path), str(Path(sys.executable).parent), os.environ["PATH"]]
    monkeypatch.setenv("PATH", os.pathsep.join(place))
    monkeypatch.setenv("SBATCH_SPOOL", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    before = {one.pid for one in psutil.process_iter()}
    yield tmp_path
    ours = [one for one in psutil.process_iter() if one.pid not in before]
    ours = [one for one in ours if "cluster.json" in " ".join(_words(one))]
    for one in ours:
        one.kill()


def _words(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def start_scheduler(folder):
    (folder / "cluster.json").unlink(missing_ok=True)
    words = "scheduler --scheduler-file cluster.json --host 127.0.0.1 --port 0"
    process = subprocess.Popen(
        [shutil.which("dask"), *words.split(), "--no-dashboard"],
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )
    while not (folder / "cluster.json").exists():
        time.sleep(0.1)
        assert process.poll() is None
    for _ in range(2):
        subprocess.run(["sbatch", "job.sh"], cwd=folder, check=True)
    return process


@pytest.mark.slow
def test_a_cluster_of_batch_jobs_that_loses_its_scheduler(
    slurm, survey, tiles, trap, finder, expected, capfd
):
    import distributed

    trap.write_text("wait -90 0")
    scheduler = start_scheduler(slurm)
    out = slurm / "out"
    with distributed.Client(scheduler_file="cluster.json") as client:
        rows = run_survey(f"{tiles}/*", out, finder=finder, client=client, side=SIDE)
        for _ in range(3):
            next(rows)
        scheduler.kill()
        scheduler.wait()
        with pytest.raises(ConnectionError, match="can be resumed"):
            list(rows)
    assert SurveyFolder(out).read_rows(["status"]).num_rows >= 3
    scheduler = start_scheduler(slurm)
    try:
        file = slurm / "cluster.json"
        options = ("--output", out, "--scheduler-file", file, "--resume")
        process = start("survey", f"{tiles}/*", *options, trap=trap)
        _, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        assert candidates(out) == expected
    finally:
        scheduler.kill()
        scheduler.wait()
