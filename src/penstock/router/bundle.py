"""A router on disk: one zip file of JSON and NumPy arrays, versioned and checksummed. Never pickle.

``manifest.json`` names the format and its version and holds the SHA-256 of the other two members;
``router.json`` holds the settings, ``arrays.npz`` the arrays (read with ``allow_pickle=False``).
"""

from __future__ import annotations

import io
import json
import lzma
import os
import zipfile
import zlib
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock.errors import BundleError, InputError
from penstock.estimators.embeddings import OpenEmbedder
from penstock.estimators.ex_ante.encoder import OpenTextModel
from penstock.outcomes.cost_unit import CostUnit
from penstock.router.belief_model import BeliefModel, Parts
from penstock.router.frontier import Frontier, OperatingPoint
from penstock.router.router import Router
from penstock.router.targets import Target

FORMAT = "penstock-router"
VERSION = 1
_MAX_BYTES = 1 << 30
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    KeyError,
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
)
"""What zip files, their decompressors, JSON and NumPy raise on bytes that are not what they should be."""


def save_bundle(router: Router, path: Path) -> None:
    """Write a router; the file appears whole or not at all."""
    parts = router.belief.state()
    settings = {
        "candidates": list(router.candidates),
        "target": str(router.target),
        "seed": router.seed,
        "cost_unit": str(router.cost_unit),
        "frontier": [point.to_json() for point in router.frontier.points],
        "deterministic": router.frontier.deterministic,
        "mix": [point.to_json() for point in router.mix.points],
        "best_fixed": router.frontier.best_fixed.to_json(),
        "belief": {name: part[0] for name, part in parts.items()},
        "provenance": dict(router.provenance),
    }
    arrays = {f"{name}/{key}": value for name, part in parts.items() for key, value in part[1].items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    members = {
        "router.json": json.dumps(settings, indent=1, allow_nan=False).encode(),
        "arrays.npz": buffer.getvalue(),
    }
    sums = {name: sha256(data).hexdigest() for name, data in members.items()}
    manifest = {"format": FORMAT, "version": VERSION, "sha256": sums}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("manifest.json", json.dumps(manifest, indent=1))
            for name, data in members.items():
                archive.writestr(name, data)
        os.replace(temporary, path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise BundleError(f"cannot be written: {error.strerror or error}", file=path) from error


def load_bundle(
    path: Path,
    *,
    open_model: OpenTextModel | None = None,
    open_embedder: OpenEmbedder | None = None,
) -> Router:
    """Read a router. BundleError where the file is missing, damaged, of a newer version or no bundle.

    ``open_model`` opens the text model of a router that has one (``penstock.runtime.text_model``),
    ``open_embedder`` the embedder of one that reads embeddings (``penstock.collection.embeddings``).
    """
    settings, arrays = _read(path)
    try:
        belief = settings["belief"]
        parts: dict[str, Parts] = {name: (dict(belief[name]), {}) for name in belief}
        for key, value in arrays.items():
            name, _, inner = key.partition("/")
            parts[name][1][inner] = value
        best_fixed = OperatingPoint.from_json(settings["best_fixed"])
        unit = CostUnit.parse(settings.get("cost_unit", "usd"))  # bundles without it were all in USD
        return Router(
            candidates=tuple(settings["candidates"]),
            belief=BeliefModel.from_state(parts, open_model, open_embedder),
            frontier=Frontier(
                tuple(map(OperatingPoint.from_json, settings["frontier"])),
                best_fixed,
                unit,
                bool(settings.get("deterministic", False)),
            ),
            mix=Frontier(tuple(map(OperatingPoint.from_json, settings["mix"])), best_fixed, unit),
            target=Target.parse(settings["target"]),
            seed=int(settings["seed"]),
            provenance=settings["provenance"],
        )
    except BundleError as error:
        raise BundleError(error.message, file=path, field=error.field, hint=error.hint) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, InputError) as error:
        raise BundleError(f"lacks a part or has one of the wrong kind: {error}", file=path) from error


def _read(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    if not path.exists():
        raise BundleError(
            "no such file", file=path, hint="Make one with 'penstock fit TABLE --budget ... -o FILE'"
        )
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(item.file_size for item in archive.infolist()) > _MAX_BYTES:
                raise BundleError("is larger than any bundle can be", file=path)
            manifest = json.loads(archive.read("manifest.json"))
            _check_manifest(manifest, path)
            members = {name: archive.read(name) for name in ("router.json", "arrays.npz")}
    except _DAMAGE as error:
        raise BundleError(f"is no penstock bundle or is damaged ({error})", file=path) from error
    for name, data in members.items():
        if sha256(data).hexdigest() != manifest["sha256"].get(name):
            raise BundleError(
                f"is damaged: the checksum of {name} does not match", file=path, hint="Fit it again"
            )
    try:
        with np.load(io.BytesIO(members["arrays.npz"]), allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
        return json.loads(members["router.json"]), arrays
    except _DAMAGE as error:  # the sums match: it was written so, with pickled objects for one
        raise BundleError(f"holds what no penstock bundle holds ({error})", file=path) from error


def _check_manifest(manifest: Any, path: Path) -> None:
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise BundleError("is no penstock bundle", file=path)
    version = manifest.get("version")
    if not isinstance(version, int) or version < 1:
        raise BundleError(f"has no readable version ({version!r})", file=path)
    if version > VERSION:
        raise BundleError(
            f"was written by a newer penstock (bundle version {version}, this one reads up to {VERSION})",
            file=path,
            hint="Upgrade penstock, or fit it again with this version",
        )
    if not isinstance(manifest.get("sha256"), dict):
        raise BundleError("has no checksums", file=path)
