"""Published models from the Hugging Face hub: resumable download with checksums, then import."""

import contextlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import HfApi, snapshot_download
from huggingface_hub import logging as hub_logging
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    HTTPError,  # pyright: ignore[reportPrivateImportUsage]
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import tqdm as hub_tqdm

from model.checkpoints.importing import Imported, Report, import_model
from model.checkpoints.memory_estimate import check_disk
from model.errors import ModelError, WeightsError

_SETTINGS = ("*.json", "*.txt", "*.model")


@dataclass(frozen=True)
class Source:
    """Required files of a repository on the hub."""

    repository: str
    patterns: tuple[str, ...] = (*_SETTINGS, "*.safetensors")
    backbone: "Source | None" = None


_WAN_PARTS = Source(
    "Wan-AI/Wan2.2-TI2V-5B", ("config.json", "Wan2.2_VAE.pth", "models_t5_umt5-xxl-enc-bf16.pth", "google/umt5-xxl/*")
)
PUBLISHED = {
    "action-images": Source("anyeZHY/ActionImages", ("*.ckpt",), _WAN_PARTS),
    "wan2.2-ti2v-5b": Source("Wan-AI/Wan2.2-TI2V-5B-Diffusers"),
    "wan2.1-i2v-14b-480p": Source("Wan-AI/Wan2.1-I2V-14B-480P-Diffusers"),
}


def source_named(name: str) -> Source:
    """Return a published model by its short name, or any repository as OWNER/NAME; ModelError for other names."""
    if name in PUBLISHED:
        return PUBLISHED[name]
    if name.count("/") == 1:
        return Source(name, (*_SETTINGS, "*.safetensors", "*.ckpt"))
    raise ModelError(f"There is no model {name}. There are {', '.join(PUBLISHED)}, and OWNER/NAME on the hub.")


def fetch_model(
    name: str,
    folder: Path,
    *,
    dtype: torch.dtype | None = None,
    endpoint: str | None = None,
    report: Report = lambda what, share: None,
) -> Imported:
    """Download a published model and import it into `folder`.

    Data downloaded before a failure is kept beside `folder` and reused by the next attempt. `endpoint`: another hub.
    Raises ModelError, also without a network; WeightsError when a file does not match its published checksum.
    """
    source = source_named(name)
    if folder.exists():
        raise ModelError(f"There is something at {folder} already. Choose another folder, or delete it first.")
    kept = folder.with_name(f".{folder.name}.download")
    path = _download(source, kept / "model", endpoint, report)
    backbone = _download(source.backbone, kept / "backbone", endpoint, report) if source.backbone else None
    checkpoints = sorted(path.glob("*.ckpt"))
    if checkpoints and not (path / "model_index.json").is_file():
        if len(checkpoints) > 1:
            names = ", ".join(file.name for file in checkpoints)
            raise ModelError(f"{name} holds several checkpoints ({names}). Import one of those in {path}.")
        path = checkpoints[0]
    made = import_model(path, folder, backbone=backbone, dtype=dtype, report=report)
    shutil.rmtree(kept, ignore_errors=True)
    return made


def _download(source: Source, place: Path, endpoint: str | None, report: Report) -> Path:
    """Download the repository's files to `place`, verified by size and checksum."""
    hub = HfApi(endpoint=endpoint)
    with _explained(source.repository, hub.endpoint):
        info = hub.model_info(source.repository, files_metadata=True)
        check_disk(place, 2 * sum(file.size or 0 for file in info.siblings or () if _wanted(file.rfilename, source)))
        hub_logging.set_verbosity_error()
        snapshot_download(
            source.repository,
            revision=info.sha,
            local_dir=place,
            allow_patterns=list(source.patterns),
            endpoint=endpoint,
            tqdm_class=_progress(report, source.repository),
        )
        report(f"checking {source.repository}", 1.0)
        found = hub.verify_repo_checksums(source.repository, revision=info.sha, local_dir=place)
    missing = [name for name in found.missing_paths if _wanted(name, source)]
    damaged = [mismatch["path"] for mismatch in found.mismatches]
    if missing or damaged:
        for name in damaged:
            (place / name).unlink(missing_ok=True)  # the next attempt downloads it again
        raise WeightsError(
            f"Of {source.repository}, {', '.join((missing + damaged)[:5])} did not arrive whole. Fetch it again."
        )
    return place


@contextlib.contextmanager
def _explained(repository: str, endpoint: str) -> Iterator[None]:
    """Convert the hub's and the network's failures to messages for the user."""
    try:
        yield
    except GatedRepoError as error:
        raise ModelError(
            f"{repository} is given only to those who accept its terms. Do so at {endpoint}/{repository}, log in with "
            "`hf auth login`, and fetch it again."
        ) from error
    except (RepositoryNotFoundError, RemoteEntryNotFoundError, HFValidationError) as error:
        raise ModelError(f"{endpoint} has no model {repository}. Check its name.") from error
    except (HTTPError, LocalEntryNotFoundError, OfflineModeIsEnabled, ConnectionError, TimeoutError) as error:
        raise ModelError(
            f"{endpoint} cannot be reached, so {repository} was not downloaded. Connect to the network and fetch it "
            "again (what has arrived is kept), or copy its folder from elsewhere and use `rehearse model import`."
        ) from error
    except OSError as error:
        raise ModelError(
            f"{repository} could not be written to the disk ({error}). Make room, and fetch again."
        ) from error


def _wanted(name: str, source: Source) -> bool:
    # Matches like the hub itself: * also spans folders.
    return any(fnmatch(name, pattern) for pattern in source.patterns)


def _progress(report: Report, repository: str) -> Any:
    """Adapt the hub's progress bars to `report`."""

    class Told(hub_tqdm):
        def __init__(self, *args: Any, **options: Any):
            self._bytes = options.get("unit") == "B"
            super().__init__(*args, **{**options, "disable": True})
            self.done = 0.0

        def update(self, n: float | None = 1) -> None:
            if self._bytes and self.total:
                self.done += n or 0
                report(f"downloading {repository}", min(self.done / self.total, 1.0))

    return Told
