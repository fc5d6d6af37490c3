"""Current modules of classes that model folders name by an older module (no torch here)."""

from collections.abc import Mapping
from typing import Any

# A model_index.json names each component's class by its module. A class that moves gets a permanent entry here.
MOVED = {
    "model.frame_decoder": "model.networks.frame_decoder",
    "model.linear_codec": "model.networks.linear_codec",
    "model.transformer": "model.networks.transformer",
}


def with_present_modules(index: Mapping[str, Any]) -> dict[str, Any]:
    """Return a model_index.json's content with each component's current module."""
    return {
        name: [MOVED.get(entry[0], entry[0]), *entry[1:]] if isinstance(entry, list) and entry else entry
        for name, entry in index.items()
    }
