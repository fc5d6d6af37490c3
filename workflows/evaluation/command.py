"""Command line of `rehearse evaluate`."""

import argparse
import sys
from pathlib import Path
from typing import Any

from model.checkpoints.description import JOINT, POLICY

_SEEN = ("seen", "unseen")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the evaluation to `parser`."""
    kinds = 'kinds of task with commas between ("reach", "pick", "push", "drawer", ...), or "all"'
    parser.add_argument("--tasks", default="all", help=kinds)
    parser.add_argument("--scenes", type=int, default=50, help="how many of each kind (default 50)")
    parser.add_argument("--seed", type=int, default=200_000, help="of the first scene (default 200000)")
    parser.add_argument("--views", type=int, default=2, choices=(2, 3), help="cameras (default 2)")
    parser.add_argument("--steps", type=int, default=None, help="of the denoising (default: the model's)")
    parser.add_argument(
        "--mode", choices=(POLICY, JOINT), default=POLICY, help="ask for the motion alone (default), or with its video"
    )
    parser.add_argument("--model", type=Path, default=None, metavar="FOLDER", help="default: the embedded one")
    parser.add_argument("--rigs", choices=_SEEN, default="seen", help="where the cameras stand")
    parser.add_argument("--wording", choices=_SEEN, default="seen", help="how it is asked")
    parser.add_argument("--objects", choices=("any", "unseen-pairs"), default="any", help="of which colour and shape")
    parser.add_argument("--environment", choices=_SEEN, default="seen", help="table, light and background")
    parser.add_argument("--arm", choices=_SEEN, default="seen", help="how arm and gripper look")
    parser.add_argument("--oracle", action="store_true", help="also judge the demonstrator's own motions: the ceiling")
    baselines = "also judge what learns from these training clips without action images"
    parser.add_argument("--baselines", type=Path, default=None, metavar="FOLDER", help=baselines)
    parser.add_argument("--baseline-minutes", type=float, default=20.0, help="that they may learn (default 20)")
    parser.add_argument("--films", type=int, default=0, help="of demonstrations, for the figures of videos (default 0)")
    sheet = "a picture of one demonstration of each kind, true and generated"
    parser.add_argument("--sheet", type=Path, default=None, metavar="FILE.png", help=sheet)
    parser.add_argument("--real-time", action="store_true", help="through the SDK, the sockets and the cameras")
    parser.add_argument("--processes", type=int, default=1, help="that try the answers at the same time (default 1)")


def run(parsed: argparse.Namespace) -> tuple[dict[str, Any], str]:
    """Run the evaluation; return the figures, and the same as a table. Progress goes to standard error."""
    from workflows.embedded.clips import Unseen
    from workflows.evaluation.evaluate import Evaluation, as_text, evaluate

    unseen = Unseen(
        rigs=parsed.rigs == "unseen",
        wording=parsed.wording == "unseen",
        pairs=parsed.objects == "unseen-pairs",
        environment=parsed.environment == "unseen",
        arm=parsed.arm == "unseen",
    )
    names = ("tasks", "scenes", "seed", "views", "mode", "steps", "model")
    names += ("oracle", "baselines", "baseline_minutes", "films")
    names += ("sheet", "real_time", "processes")
    asked = Evaluation(unseen=unseen, **{name: getattr(parsed, name) for name in names})
    result = evaluate(asked, _told)
    return result, as_text(result)


def _told(words: str) -> None:
    sys.stderr.write(f"{words}\n")
    sys.stderr.flush()
