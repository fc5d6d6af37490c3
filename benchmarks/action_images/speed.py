"""Speed of rendering and decoding action images on one thread, beside the published decoder."""

import time

import cv2
import numpy as np

from benchmarks.action_images.cases import eight_bit
from benchmarks.action_images.published_decoder import decode_published
from benchmarks.action_images.rigs import random_rig
from benchmarks.checks import Check, say
from model.action_images.decoding import decode
from model.action_images.rendering import render

ROUNDS = 25
FRAMES, VIEWS, SIZE = 41, 2, 256


def measure_speed() -> list[Check]:
    """Measure the minimum of many times, taken in turn: other load on the machine can only add to them.

    The process must have been started with one thread for BLAS.
    """
    cv2.setNumThreads(1)
    rig = random_rig(np.random.default_rng(0), FRAMES, VIEWS)
    cameras = rig.at(SIZE)
    images = eight_bit(render(rig.trajectory, cameras))
    work = {
        "decode": lambda: decode(images, cameras),
        "published": lambda: decode_published(images, cameras, 0.4, 1.7),
        "render": lambda: render(rig.trajectory, cameras),
    }
    least = dict.fromkeys(work, np.inf)
    for _ in range(ROUNDS):
        for name, run in work.items():
            start = time.perf_counter()
            run()
            least[name] = min(least[name], time.perf_counter() - start)
    say(", ".join(f"{name} {seconds * 1e3:.1f} ms" for name, seconds in least.items()))
    return [
        Check("decode_ms_41x2_256", least["decode"] * 1e3, "ms", "<= 30"),
        Check("ratio_speed", least["published"] / least["decode"], "", ">= 1"),
        Check("render_fps_256", FRAMES * VIEWS / least["render"], "1/s", ">= 1000"),
    ]
