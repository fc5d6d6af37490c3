"""Names and types of a LeRobotDataset v3.0 as written by this program."""

from dataclasses import dataclass
from typing import Any

VERSION = "v3.0"
FILES_PER_CHUNK = 1000
DATA_MB, VIDEO_MB = 100, 200
DATA_PATH = "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
VIDEO_PATH = "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
EPISODES_PATH = "meta/episodes/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
TASKS_PATH, STATS_PATH, INFO_PATH = "meta/tasks.parquet", "meta/stats.json", "meta/info.json"

STATE, ACTION, IMAGES = "observation.state", "action", "observation.images."
CAPTURED, CAMERA = "observation.capture_time_ns.", "observation.camera."
POSE = ["x", "y", "z", "qx", "qy", "qz", "qw", "openness"]
"""Tool in the arm's base, m, quaternion xyzw; openness in [0, 1], 1 = open. The action is the next frame's."""

DEFAULTS: dict[str, dict[str, Any]] = {
    "timestamp": {"dtype": "float32", "shape": [1], "names": None},
    "frame_index": {"dtype": "int64", "shape": [1], "names": None},
    "episode_index": {"dtype": "int64", "shape": [1], "names": None},
    "index": {"dtype": "int64", "shape": [1], "names": None},
    "task_index": {"dtype": "int64", "shape": [1], "names": None},
}


@dataclass(frozen=True)
class ExportedView:
    """Camera of a data set: its name there, and its image size."""

    name: str
    width: int
    height: int

    @property
    def key(self) -> str:
        return IMAGES + self.name


def feature_name(name: str) -> str:
    """Return a camera's name for use in a feature's: "/" would mean a folder, "." a part of the name."""
    return "_".join(name.replace("/", " ").replace(".", " ").split()) or "camera"


def features(views: list[ExportedView], fps: int) -> dict[str, dict[str, Any]]:
    """Return the `features` of info.json."""
    found: dict[str, dict[str, Any]] = {
        STATE: {"dtype": "float32", "shape": [8], "names": {"axes": POSE}},
        ACTION: {"dtype": "float32", "shape": [8], "names": {"axes": POSE}},
    }
    for view in views:
        found[view.key] = _video(view, fps)
        found[CAPTURED + view.name] = {"dtype": "int64", "shape": [1], "names": None}
        K = [f"K{row}{column}" for row in range(3) for column in range(3)]
        found[f"{CAMERA}{view.name}.intrinsics"] = {"dtype": "float32", "shape": [9], "names": {"axes": K}}
        place = [f"base_from_camera_opencv_{row}{column}" for row in range(4) for column in range(4)]
        found[f"{CAMERA}{view.name}.extrinsics"] = {"dtype": "float32", "shape": [16], "names": {"axes": place}}
    return found | DEFAULTS


def _video(view: ExportedView, fps: int) -> dict[str, Any]:
    return {
        "dtype": "video",
        "shape": [view.height, view.width, 3],
        "names": ["height", "width", "channels"],
        "info": {
            "video.height": view.height,
            "video.width": view.width,
            "video.codec": "h264",
            "video.pix_fmt": "yuv420p",
            "video.fps": fps,
            "video.channels": 3,
            "has_audio": False,
            "is_depth_map": False,
        },
    }
