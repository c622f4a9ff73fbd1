# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""The folder of a survey, which one process writes at a time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from contextlib import contextmanager, suppress
from dataclasses import asdict, fields
from pathlib import Path

import numpy as np

from ..utils.files import atomic_path, differences
from ..utils.optional import import_optional
from .field import CANDIDATE_COLUMNS, FieldRow
from .images import InputImage
from .remote import ImageCache

__all__ = ["SurveyFolder", "digest_of_inputs"]

SETTINGS, IMAGES, SEGMENTS, LOCK = "survey.json", "images.parquet", "segments", ".lock"

CACHE = "cache"
"""Folder of objects of the network."""

BEGINNING = {LOCK, SEGMENTS, CACHE, f"{SETTINGS}.part"}
"""What a run that ended before it had begun may leave."""

FORMAT = 1
"""Version of the layout of the folder."""

PART = ".part"
"""Suffix of files that are being written."""


class SurveyFolder:
    """
    Settings, images and rows of a survey.

    ``survey.json`` has the settings, ``images.parquet`` the images with the fields that
    they show, and each file in ``segments`` rows of fields. A segment is never changed;
    of several rows of a field the last counts.

    Parameters
    ----------
    path : str or path-like
        The folder.

    Raises
    ------
    ValueError
        If something else is there, or a survey of a newer version.
    """

    def __init__(self, path):
        self.path = Path(path).expanduser()
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
            yield
        finally:
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
    def is_locked(self):
        """Whether a run is at work (bool)."""
        try:
            with self.locked():
                return False
        except BlockingIOError:
            return True

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

    def write_images(self, images, n_fields):
        """Write the images, and how many fields they show."""
        pa = import_optional("pyarrow", "survey")
        columns = {
            entry.name: [getattr(image, entry.name) for image in images]
            for entry in fields(InputImage)
        }
        table = pa.table(columns, schema=pa.schema(_plain_columns(pa, InputImage)))
        self._write_table(IMAGES, table.replace_schema_metadata({"n": str(n_fields)}))

    def read_images(self):
        """Return the images by their paths (dict of `InputImage`)."""
        path = self.path / IMAGES
        if not path.exists():
            return {}
        rows = import_optional("pyarrow.parquet", "survey").read_table(path).to_pylist()
        texts = {}  # most images have the same grid of pixels
        for row in rows:
            row["pixels"] = texts.setdefault(row["pixels"], row["pixels"])
        return {row["path"]: InputImage(**row) for row in rows}

    @property
    def n_fields(self):
        """Number of fields that the images show (int)."""
        path = self.path / IMAGES
        if not path.exists():
            return 0
        schema = import_optional("pyarrow.parquet", "survey").read_schema(path)
        return int(schema.metadata[b"n"])

    def write_rows(self, rows):
        """
        Write a segment with rows of fields (list of `FieldRow`).

        Raises an OSError that says how to go on, for instance if the disk is full.
        """
        pa = import_optional("pyarrow", "survey")
        records = []
        for row in rows:
            record = asdict(row)
            record["inputs"] = [{"path": p, "stamp": s} for p, s in row.inputs]
            record["inputs_digest"] = digest_of_inputs(row.inputs)
            records.append(record)
        number = 1 + max((int(path.stem) for path in self.segments), default=0)
        table = pa.Table.from_pylist(records, schema=_row_schema(pa))
        name = f"{SEGMENTS}/{number:08d}.parquet"
        try:
            self._write_table(name, table)
        except OSError as error:
            raise OSError(
                f"cannot write {self.path / name}: {error.strerror or error}; what was "
                "found before is written, and the survey can be resumed"
            ) from error

    def write_completeness(self, table, selection):
        """Write what `completeness_table` returns."""
        with atomic_path(self.path / "completeness.parquet", overwrite=True) as path:
            table.write(path, format="parquet")
        selection.write(self.path / "selection.ecsv", overwrite=True)

    @property
    def segments(self):
        """Paths of the segments, from the first to the last (list)."""
        return sorted((self.path / SEGMENTS).glob("*.parquet"))

    def read_rows(self, columns=None):
        """
        Return the last row of every field, by index (`pyarrow.Table`).

        ``columns`` are names of those to read; by default all.
        """
        pa = import_optional("pyarrow", "survey")
        parquet = import_optional("pyarrow.parquet", "survey")
        names = columns and list(dict.fromkeys(["field", *columns]))
        tables = [parquet.read_table(path, columns=names) for path in self.segments]
        if not tables:
            table = _row_schema(pa).empty_table()
            return table.select(names) if names else table
        table = pa.concat_tables(tables)
        field = table["field"].to_numpy()[::-1]
        _, last = np.unique(field, return_index=True)
        return table.take(len(field) - 1 - last)

    def _write_table(self, name, table):
        pa = import_optional("pyarrow", "survey")
        buffer = pa.BufferOutputStream()
        parquet = import_optional("pyarrow.parquet", "survey")
        parquet.write_table(table, buffer, compression="zstd")
        self._write(name, buffer.getvalue())

    def _write(self, name, content):
        """Write a file such that it is whole, or not there, also after a power cut."""
        target = self.path / name
        part = target.with_name(target.name + PART)
        try:
            with part.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def digest_of_inputs(inputs):
    """Return hexadecimal digits that identify paths and stamps (str)."""
    return hashlib.sha256(json.dumps(sorted(map(list, inputs))).encode()).hexdigest()[
        :16
    ]


def _plain_columns(pa, kind):
    """Return the types of the fields of a dataclass that hold plain values (dict)."""
    types = {"int": pa.int64(), "float": pa.float64(), "str": pa.string()}
    types |= {"float | None": pa.float64(), "bool": pa.bool_()}
    types |= {f"tuple[{name}, ...]": pa.list_(one) for name, one in types.items()}
    return {
        entry.name: types[entry.type] for entry in fields(kind) if entry.type in types
    }


def _row_schema(pa):
    candidate = dict.fromkeys(("ra", "dec", "depth"), pa.float64()) | {
        column.name: pa.from_numpy_dtype(np.dtype(column.dtype))
        for column in CANDIDATE_COLUMNS
    }
    return pa.schema(
        _plain_columns(pa, FieldRow)
        | {
            "inputs": pa.list_(pa.struct({"path": pa.string(), "stamp": pa.string()})),
            "inputs_digest": pa.string(),
            "candidates": pa.list_(pa.struct(candidate)),
        }
    )
