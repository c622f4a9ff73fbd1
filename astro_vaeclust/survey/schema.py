# Licensed under a 3-clause BSD style license - see LICENSE.rst
"""Types of the columns in the files of a survey; ``pa`` is `pyarrow`."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from .field import FieldRow, candidate_columns

__all__ = ["plain_columns", "row_schema"]


def plain_columns(pa, kind):
    """Return the types of the fields of a dataclass that hold plain values (dict)."""
    types = {"int": pa.int64(), "float": pa.float64(), "str": pa.string()}
    types |= {"float | None": pa.float64(), "bool": pa.bool_()}
    for name, one in list(types.items()):
        types[f"tuple[{name}, ...]"] = types[f"array[{name}]"] = pa.list_(one)
    return {
        entry.name: types[entry.type] for entry in fields(kind) if entry.type in types
    }


def row_schema(pa, bands):
    """Return the schema of the rows of a survey in some bands (`pyarrow.Schema`)."""
    candidate = dict.fromkeys(("ra", "dec", "depth"), pa.float64()) | {
        column.name: pa.string()
        if column.dtype is str
        else pa.from_numpy_dtype(np.dtype(column.dtype))
        for column in candidate_columns(bands)
    }
    return pa.schema(
        plain_columns(pa, FieldRow)
        | {
            "inputs": pa.list_(pa.struct({"path": pa.string(), "stamp": pa.string()})),
            "inputs_digest": pa.string(),
            "candidates": pa.list_(pa.struct(candidate)),
        }
    )
