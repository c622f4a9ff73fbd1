# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The folder of a survey, which one process writes at a time."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
from array import array
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from ..utils.files import atomic_path, differences
from ..utils.optional import import_optional
from .field import name_of_pixels
from .frames import bands_of
from .grid import SurveyGrid
from .images import InputImage
from .remote import ImageCache
from .schema import plain_columns, row_schema

__all__ = ["SurveyFolder", "digest_of_inputs"]

SETTINGS, IMAGES, SEGMENTS, LOCK = "survey.json", "images.parquet", "segments", ".lock"

RUN = "run.json"
"""Host and process of the run that is at work."""

CACHE = "cache"
"""Folder of objects of the network."""

BEGINNING = {LOCK, RUN, SEGMENTS, CACHE, f"{SETTINGS}.part", f"{RUN}.part"}
"""What a run that ended before it had begun may leave."""

FORMAT = 1
"""Version of the layout of the folder."""

PLANNED = "planned.npy"
"""Beside the segments, the fields whose rows count."""

CHUNK = 20_000
"""Images that are written or read at a time."""

PART = ".part"
"""Suffix of files that are being written."""


class SurveyFolder:
    """
    Settings, images and rows of a survey.

    ``survey.json`` has the settings, ``images.parquet`` the images with the fields that
    they show, and each segment in ``segments`` rows of fields and, beside them, what
    their cells see of them. A segment is never changed; of several rows of a field the
    last counts, if the field is in ``planned.npy``: the last run had images of it.
    Cells have segments of their own.

    Parameters
    ----------
    path : str or path-like
        The folder.
    tier : int
        Of what the rows are: 0 for fields, 1 for cells and so on.

    Raises
    ------
    ValueError
        If something else is there, or a survey of a newer version.
    """

    def __init__(self, path, tier=0):
        self.path = Path(path).expanduser()
        self.rows_folder = self.path / (f"{SEGMENTS}-{tier}" if tier else SEGMENTS)
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise ValueError(f"folder={str(path)!r} is no folder")
        if self.exists:
            found = self.settings.get("format")
            if found != FORMAT:
                raise ValueError(
                    f"folder={str(path)!r} holds a survey of format {found!r}, and "
                    f"this version of astro_vaeclust reads {FORMAT}"
                )
        elif {entry.name for entry in self.path.iterdir()} - BEGINNING:
            raise ValueError(f"folder={str(path)!r} holds other things than a survey")

    @property
    def tiers(self):
        """The folder with the rows of fields, with those of cells and so on (list)."""
        number = len(list(self.path.glob(f"{SEGMENTS}*")))
        return [SurveyFolder(self.path, tier) for tier in range(number)]

    @property
    def exists(self):
        """Whether a survey was begun here (bool)."""
        return (self.path / SETTINGS).exists()

    @property
    def settings(self):
        """What every row depends on (dict)."""
        try:
            return json.loads((self.path / SETTINGS).read_text())
        except ValueError as error:
            raise ValueError(f"{self.path / SETTINGS} is damaged: {error}") from error

    @property
    def bands(self):
        """The bands that are searched together, see `bands_of` (tuple of str)."""
        return bands_of(self.settings.get("band"))

    @property
    def grid(self):
        """The grid (`~astro_vaeclust.survey.grid.SurveyGrid`)."""
        return SurveyGrid(**self.settings["grid"])

    @contextmanager
    def locked(self):
        """
        Keep other runs out; raises a BlockingIOError if one is at work.

        What was written goes again if no survey was begun.
        """
        filelock = import_optional("filelock", "survey")
        is_new = not self.path.exists()
        self.path.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(self.path / LOCK)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            raise BlockingIOError(
                f"another run is writing to folder={str(self.path)!r}"
            ) from None
        try:
            self._write(RUN, json.dumps(_process(os.getpid())).encode())
            yield
        finally:
            (self.path / RUN).unlink(missing_ok=True)
            if not self.exists:
                self._vanish(is_new)
            lock.release()

    def _vanish(self, is_new):
        """Remove what a run leaves that ends before its survey is begun."""
        for name in (CACHE, SEGMENTS):
            shutil.rmtree(self.path / name, ignore_errors=True)
        (self.path / LOCK).unlink(missing_ok=True)
        if is_new:
            with suppress(OSError):  # something else has come
                self.path.rmdir()

    def cache(self, limit):
        """Return an `ImageCache` in the folder."""
        cache = ImageCache(self.path / CACHE, limit)
        cache.folder.mkdir(exist_ok=True)
        return cache

    @property
    def run(self):
        """
        Host and process of the run at work (dict), or None.

        It is not known of another host whether the run still lives there.
        """
        try:
            run = json.loads((self.path / RUN).read_text())
        except (FileNotFoundError, ValueError):  # none, or being written
            return None
        here = run["host"] == socket.gethostname()
        return None if here and run != _process(run["process"]) else run

    def begin(self, settings):
        """
        Write the settings, or compare them with those that are there.

        Raises a ValueError that names what differs.
        """
        settings = {"format": FORMAT} | json.loads(json.dumps(settings))
        if not self.exists:
            (self.path / SEGMENTS).mkdir(exist_ok=True)
            self._write(SETTINGS, (json.dumps(settings, indent=1) + "\n").encode())
            return
        found = list(differences(self.settings, settings))
        if found:
            raise ValueError(
                f"folder={str(self.path)!r} holds a survey of other settings: "
                f"{'; '.join(found)}; take another folder"
            )
        for part in self.path.rglob(f"*{PART}"):
            part.unlink()

    def write_images(self, images):
        """Write the images."""
        pa = import_optional("pyarrow", "survey")
        schema = pa.schema(plain_columns(pa, InputImage))
        chunks = (images[n : n + CHUNK] for n in range(0, len(images), CHUNK))
        columns = (
            {name: [getattr(image, name) for image in chunk] for name in schema.names}
            for chunk in chunks
        )
        tables = (pa.table(chunk, schema=schema) for chunk in columns)
        self._write_tables(IMAGES, schema, tables)

    def read_images(self):
        """Return the images by their paths (dict of `InputImage`)."""
        path = self.path / IMAGES
        if not path.exists():
            return {}
        parquet = import_optional("pyarrow.parquet", "survey")
        images, texts = {}, {}  # most images have the same grid of pixels
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(CHUNK):
                for row in batch.to_pylist():
                    row["pixels"] = texts.setdefault(row["pixels"], row["pixels"])
                    images[row["path"]] = InputImage(**row)
        return images

    def write_rows(self, rows):
        """Write a segment with rows of fields (list of `FieldRow`)."""
        pa = import_optional("pyarrow", "survey")
        self.rows_folder.mkdir(exist_ok=True)
        number = 1 + max((int(path.stem) for path in self.segments), default=0)
        name = f"{self.rows_folder.name}/{number:08d}"
        pixels = {
            name_of_pixels(row.field, band): binned
            for row in rows
            for band, binned in row.binned.items()
        }
        if pixels:  # first, so that they are there if the rows are
            buffer = io.BytesIO()
            np.savez(buffer, **pixels)
            self._write(f"{name}.npz", buffer.getbuffer())
        records = []
        for row in rows:
            record = asdict(replace(row, binned={}))
            record["inputs"] = [{"path": p, "stamp": s} for p, s in row.inputs]
            record["inputs_digest"] = digest_of_inputs(row.inputs)
            records.append(record)
        schema = row_schema(pa, self.bands)
        table = pa.Table.from_pylist(records, schema=schema)
        self._write_tables(f"{name}.parquet", schema, [table])

    @contextmanager
    def open_pixels(self, segment):
        """Yield what cells see of the fields of a segment, by `name_of_pixels`."""
        with np.load(self.rows_folder / f"{segment}.npz") as arrays:
            yield arrays

    def write_completeness(self, table, selection):
        """Write what `completeness_table` returns."""
        with atomic_path(self.path / "completeness.parquet", overwrite=True) as path:
            table.write(path, format="parquet")
        selection.write(self.path / "selection.ecsv", overwrite=True)

    @property
    def segments(self):
        """Paths of the segments, from the first to the last (list)."""
        return sorted(self.rows_folder.glob("*.parquet"))

    def read_rows(self, columns=None):
        """
        Return the last row of every field that is planned, by index (`pyarrow.Table`).

        ``columns`` are names of those to read; by default all. A column ``segment`` is
        added: the name of that which holds the row.
        """
        rows, path = self._read_rows(columns), self.rows_folder / PLANNED
        if not path.exists():  # before the first run has planned
            return rows
        return rows.filter(np.isin(rows["field"].to_numpy(), np.load(path)))

    def _read_rows(self, columns):
        """Return the last row of every field, planned or not."""
        pa = import_optional("pyarrow", "survey")
        parquet = import_optional("pyarrow.parquet", "survey")
        schema = row_schema(pa, self.bands)
        names = list(dict.fromkeys(["field", *(columns or schema.names)]))
        segments, tables = [], [schema.empty_table().select(names)]
        for path in self.segments:
            tables.append(parquet.read_table(path, columns=names))
            segments += [path.stem] * len(tables[-1])
        table = pa.concat_tables(tables)
        table = table.append_column("segment", pa.array(segments, pa.string()))
        field = table["field"].to_numpy()[::-1]
        _, last = np.unique(field, return_index=True)
        return table.take(len(field) - 1 - last)

    def missing(self, jobs, retry_failed):
        """
        Return the jobs that have no row yet (list).

        ``jobs`` yields fields and their inputs; a row with other inputs does not count,
        and with ``retry_failed`` neither does that of a field that failed.
        """
        rows = self._read_rows(["status", "inputs_digest"])
        done = {
            field: digest
            for field, status, digest in zip(
                *(rows[n].to_pylist() for n in ("field", "status", "inputs_digest")),
                strict=True,
            )
            if not (retry_failed and status == "failed")
        }
        return [job for job in jobs if done.get(job[0]) != digest_of_inputs(job[1])]

    def to_search(self, jobs, retry_failed):
        """Return the jobs that are `missing`; from now on, rows of ``jobs`` count."""
        planned = array("q")

        def noted():
            for job in jobs:
                planned.append(job[0])
                yield job

        missing, buffer = self.missing(noted(), retry_failed), io.BytesIO()
        np.save(buffer, np.asarray(planned))
        self.rows_folder.mkdir(exist_ok=True)
        self._write(f"{self.rows_folder.name}/{PLANNED}", buffer.getbuffer())
        return missing

    def _write_tables(self, name, schema, tables):
        """Write tables as one; there is one of them at a time."""
        parquet = import_optional("pyarrow.parquet", "survey")
        with (
            self._opened(name) as file,
            parquet.ParquetWriter(file, schema, compression="zstd") as writer,
        ):
            for table in tables:
                writer.write_table(table)

    def _write(self, name, content):
        with self._opened(name) as file:
            file.write(content)

    @contextmanager
    def _opened(self, name):
        """
        Open a file to write; it is whole then, or not there, also after a power cut.

        Raises an OSError that says how to go on, for instance if the disk is full.
        """
        target = self.path / name
        part = target.with_name(target.name + PART)
        try:
            with part.open("wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        except OSError as error:
            text = f"cannot write {target}: {error.strerror or error}"
            if self.exists:
                text += "; what was found is written, and the survey can be resumed"
            raise OSError(text) from error
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _process(number):
    """Return what identifies a process on this host (dict), or None if it ended."""
    psutil = import_optional("psutil", "survey")
    try:
        began = psutil.Process(number).create_time()
    except psutil.NoSuchProcess:
        return None
    return {"host": socket.gethostname(), "process": number, "began": began}


def digest_of_inputs(inputs):
    """Return hexadecimal digits that identify paths and stamps (str)."""
    text = json.dumps(sorted(map(list, inputs)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
