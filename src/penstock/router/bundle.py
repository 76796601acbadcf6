"""A router on disk: one zip file of JSON and NumPy arrays, versioned and checksummed. Never pickle.

``manifest.json`` names the format, its version and the registered kinds that the router is made of, with the
distribution each comes from, and holds the SHA-256 of the other two members; ``router.json`` holds the
settings, ``arrays.npz`` the arrays (read with ``allow_pickle=False``). Both are what ``penstock.codec`` makes
of the router. Nothing is imported because a bundle names it: a kind is looked up among what is registered.
"""

from __future__ import annotations

import io
import json
import lzma
import os
import zipfile
import zlib
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from penstock import codec, registry
from penstock.errors import BundleError, InputError
from penstock.estimators.embeddings import Embedder, OpenEmbedder, opening_once
from penstock.estimators.ex_ante.encoder import OpenTextModel, TextModel
from penstock.registry import Room
from penstock.router import format1
from penstock.router.router import FittedRouter
from penstock.types import Query

FORMAT = "penstock-router"
VERSION = 2
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
    RecursionError,
)
"""What zip files, their decompressors, JSON and NumPy raise on bytes that are not what they should be."""
Arrays = dict[str, NDArray[Any]]


def save_bundle(router: FittedRouter, path: Path | str) -> None:
    """Write a router; the file appears whole or not at all. BundleError where it cannot be written."""
    path = Path(path)
    settings, arrays = codec.encode(router)
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=False, **arrays)
    members = {
        "router.json": json.dumps(settings, indent=1, allow_nan=False).encode(),
        "arrays.npz": buffer.getvalue(),
    }
    kinds = [
        {"room": item.room.value, "kind": item.name, "from": f"{item.distribution} {item.version}".strip()}
        for item in codec.kinds_in(router)
    ]
    sums = {name: sha256(data).hexdigest() for name, data in members.items()}
    manifest = {"format": FORMAT, "version": VERSION, "kinds": kinds, "sha256": sums}
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
    path: Path | str,
    *,
    open_model: OpenTextModel | None = None,
    open_embedder: OpenEmbedder | None = None,
) -> FittedRouter:
    """Read a router. BundleError where the file is missing, damaged, of a newer version or no bundle, and
    where it holds a kind that is not registered here: it then names what to install.

    ``open_model`` opens the text model of a router that has one (``penstock.runtime.text_model``),
    ``open_embedder`` the embedder of one that reads embeddings (``penstock.collection.embeddings``).
    """
    path = Path(path)
    manifest, settings, arrays = _read(path)
    openers: dict[Any, Any] = {}
    if open_model is not None:
        openers[TextModel] = open_model
    if open_embedder is not None:
        once = opening_once(open_embedder)
        openers[Embedder] = lambda stored, _: once(stored)
    try:
        if manifest["version"] == 1:
            settings, arrays = format1.upgraded(settings, arrays)
        _check_kinds(manifest.get("kinds", ()))
        router: FittedRouter = codec.decode(FittedRouter, settings, arrays, openers)
        return _checked(router)
    except BundleError as error:
        raise BundleError(error.message, file=path, field=error.field, hint=error.hint) from error
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, InputError, RecursionError) as error:
        raise BundleError(f"lacks a part or has one of the wrong kind: {error}", file=path) from error


def _checked(router: FittedRouter) -> FittedRouter:
    """BundleError where the parts do not belong together."""
    k = len(router.candidates)
    for name, frontier in (("frontier", router.frontier), ("fixed_mixture", router.fixed_mixture)):
        if not frontier.points:
            raise BundleError("is empty", field=name)
    if not k or router.model.shrinkage.means.shape != (k,) or router.model.cost.mean_cost.shape != (k,):
        raise BundleError(f"holds estimates that are not of its {k} candidates", field="model")
    if not router.model.blocking:
        _decide_once(router)
    return router


def _decide_once(router: FittedRouter) -> None:
    """Parts of shapes that do not fit raise here rather than at the first request."""
    belief = router.model.believe([Query.from_prompt("trial", "Is it well?")], np.array([0.5]))
    for point in (*router.frontier.points, *router.fixed_mixture.points):
        point.policy.step(belief.begin())


def _check_kinds(kinds: Any) -> None:
    for item in kinds:
        room, kind, source = (str(item.get(name, "")) for name in ("room", "kind", "from"))
        if room not in set(Room):
            raise BundleError(f"needs a {room!r}, which this version does not know", hint="Upgrade penstock")
        if not registry.holds(room, kind):
            raise codec.missing_kind(Room(room), kind, source)


def _read(path: Path) -> tuple[Mapping[str, Any], dict[str, Any], Arrays]:
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
        return manifest, json.loads(members["router.json"]), arrays
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
    if not isinstance(manifest.get("sha256"), dict) or not isinstance(manifest.get("kinds", []), list):
        raise BundleError("has no checksums or no readable kinds", file=path)
