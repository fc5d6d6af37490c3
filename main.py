"""Single entry point of the program: headless commands, and the program's own child processes (`--role=...`)."""

import argparse
import importlib
import json
import logging
import os
import shlex
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundation import log
from foundation.errors import KnownError
from foundation.redaction import keep_out, redacted
from foundation.version import version

# Role -> module with `run(channel)`. Named rather than imported, so that each process loads only what it needs.
ROLES = {
    "cameras": "cameras.drivers.listing_process",
    "clips": "workflows.embedded.shards",
    "diagnosis": "workflows.diagnosis",
    "lab": "simulation.process",
    "library-window": "benchmarks.window.library_process",
    "model": "model.service.process",
    "presses": "benchmarks.window.press_trial",
    "robot": "robot.service.process",
    "trials": "workflows.evaluation.trials",
    "walkthrough": "benchmarks.window.walkthrough_process",
    "window": "benchmarks.window.window_process",
}


_TYPED = ("instruction", "task", "operator", "search")  # arguments that may hold people's names

_log = logging.getLogger("main")  # also where this file is started itself


class NoScreenError(KnownError):
    """A window was requested on a machine without a display."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: 0 done, 1 a KnownError (its message goes to stderr), 2 wrong usage."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    log.to_standard_error()
    if arguments and arguments[0].startswith("--role="):
        return _run_role(arguments)
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.version:
        print(f"rehearse {version()}")
        return 0
    parsed.library = getattr(parsed, "library", None) or parsed.any_library  # may precede the command or follow it
    keep_out(*(str(getattr(parsed, name, None) or "") for name in _TYPED))
    with log.running("window" if parsed.command is None else "command"):
        _log.info("command line: rehearse %s", shlex.join(map(redacted, arguments)))
        code = _carried_out(parsed)
        _log.info("exit code %d", code)
    return code


def _carried_out(parsed: argparse.Namespace) -> int:
    try:
        if parsed.command is None:
            return _window(parsed.any_library)
        return _COMMANDS[parsed.command](parsed)
    except KnownError as error:
        _log.error("%s: %s", type(error).__name__, error, extra=log.SHOWN)
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _run_role(arguments: Sequence[str]) -> int:
    from foundation.messages import ChannelClosed
    from foundation.processes import inherited_channel

    parser = argparse.ArgumentParser(prog="rehearse (own process)")
    parser.add_argument("--role", choices=sorted(ROLES), required=True)
    parser.add_argument("--channel", type=int, required=True)
    parsed = parser.parse_args(arguments)
    # Ctrl-C in a terminal reaches the whole process group; the parent decides what happens, over the channel.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if os.getpriority(os.PRIO_PROCESS, 0) < 0:
        os.setpriority(os.PRIO_PROCESS, 0, 0)  # a role requests its own priority; it inherits none
    channel = inherited_channel(parsed.channel)
    with log.running(parsed.role):
        try:
            importlib.import_module(ROLES[parsed.role]).run(channel)
        except ChannelClosed:
            return 0  # the parent has gone; the role has already put its things in order
        except KnownError as error:
            _log.error("%s: %s", type(error).__name__, error, extra=log.SHOWN)
            channel.send({"error": str(error)})
            return 1
        finally:
            channel.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rehearse",
        description="Teach a UFACTORY xArm by showing, and see every motion before it happens. "
        "Without a command the window opens.",
    )
    parser.add_argument(
        "--library", dest="any_library", type=Path, default=None, metavar="FOLDER", help="use this library"
    )
    parser.add_argument("--version", action="store_true", help="print the program's version")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, help_: str, *, json_: bool = True) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_, description=help_)
        if json_:  # otherwise its own sub-commands define it
            command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        return command

    doctor = add("doctor", "Say what works on this machine, and what to do about what does not.")
    doctor.add_argument("--rebuild-library", action="store_true", help="make the library's database from its folder")
    doctor.add_argument("--report", type=Path, default=None, metavar="FILE.zip", help="write a diagnosis to send")
    doctor.add_argument("--library", type=Path, default=None, metavar="FOLDER", help="which library")

    simulate = add("simulate", "Run the embedded lab: a simulated xArm7 that the official SDK can drive, and cameras.")
    simulate.add_argument("--seed", type=int, default=0, help="which random scene (default 0)")
    simulate.add_argument("--cameras", type=int, default=2, choices=(2, 3, 4), help="how many (default 2)")
    simulate.add_argument("--port", type=int, default=15020, help="the controller's command port (default 15020)")
    simulate.add_argument("--seconds", type=float, default=None, help="end by itself after so long")

    demonstrate = add("demonstrate", "Let a scripted demonstrator do a task in the embedded lab.")
    demonstrate.add_argument("instruction", help='what to do, for example "pick up the red cube"')
    demonstrate.add_argument("--seed", type=int, default=0, help="which random scene (default 0)")
    demonstrate.add_argument("--real-time", action="store_true", help="through the SDK, the sockets and the cameras")
    demonstrate.add_argument("--video", type=Path, default=None, metavar="FILE.mp4", help="write what the cameras saw")

    run = add("run", "Show what the arm would do for an instruction, and with --approve let it do it.")
    run.add_argument("instruction", help='what to do, for example "pick up the red cube"')
    sources = ("model", "demonstrator", "replay")
    run.add_argument("--source", default="model", choices=sources, help="who proposes (default: the model)")
    run.add_argument("--model", type=Path, default=None, metavar="FOLDER", help="the model to ask (default: embedded)")
    run.add_argument("--trajectory", type=Path, default=None, metavar="FILE", help="what the replay replays")
    run.add_argument("--seed", type=int, default=None, help="in the embedded lab, with this random scene")
    run.add_argument("--approve", action="store_true", help="run it; without this nothing moves")
    run.add_argument("--parts", type=int, default=1, help="look again and ask again so often on the way (default 1)")
    run.add_argument("--candidates", type=int, default=1, help="motions the model imagines; the best is taken")
    modes = "the motion with its video, or the motion alone (default: the model's own)"
    run.add_argument("--mode", choices=("joint", "policy"), default=None, help=modes)
    run.add_argument("--steps", type=int, default=None, help="steps of denoising (default: the model's own)")
    run.add_argument("--generation-seed", type=int, default=None, help="makes the model's answer repeatable")
    run.add_argument("--speed", type=float, default=1.0, help="part of the planned speed, 0 to 1 (default 1)")
    run.add_argument("--library", type=Path, default=None, metavar="FOLDER", help="where the rehearsal is stored")

    calibrate = add("calibrate", "Find out where the cameras stand, or print the tags that it needs.")
    calibrate.add_argument("--print", type=Path, default=None, metavar="FILE.pdf", help="write the tags at true scale")
    calibrate.add_argument("--family", default=None, help="with --print: tag36h11, tag25h9 or tag16h5")
    calibrate.add_argument("--paper", default=None, help="with --print: A4, Letter or A3")
    calibrate.add_argument("--seed", type=int, default=0, help="which cameras of the simulated lab (default 0)")
    calibrate.add_argument("--cameras", type=int, default=3, choices=(1, 2, 3, 4), help="how many (default 3)")
    calibrate.add_argument("--poses", type=int, default=30, help="of the arm (default 30)")
    calibrate.add_argument("--robot-error", action="store_true", help="let the arm be off by 0.5 mm, 0.1 degrees")
    calibrate.add_argument("--no-sweep", action="store_true", help="do not measure the cameras' delay")
    calibrate.add_argument("--library", type=Path, default=None, metavar="FOLDER", help="keep the calibration there")

    record = add("record", "Let the lab's scripted demonstrator do a task, and record each time as an episode.")
    record.add_argument("--task", required=True, metavar="INSTRUCTION", help='for example "pick up the red cube"')
    record.add_argument("--source", default="demonstrator", choices=("demonstrator",), help="who shows it")
    record.add_argument("--episodes", type=int, default=1, help="how many (default 1), each on a bench of its own")
    record.add_argument("--seed", type=int, default=0, help="the first random bench (default 0); the next ones follow")
    record.add_argument("--library", type=Path, default=None, metavar="FOLDER", help="where the episodes are kept")
    record.add_argument("--operator", default="", help="who records (default: as in the settings)")
    record.add_argument("--real-time", action="store_true", help="through the SDK, the sockets and the cameras")

    label = add("label", "Read what the arm does in a video from several cameras, with how sure that is.")
    label.add_argument("videos", nargs="+", type=Path, metavar="VIDEO", help="files that belong together, or episodes")
    label.add_argument("--cameras", type=Path, default=None, metavar="FILE.json", help="where the files' cameras stood")
    label.add_argument("--instruction", default="", help="what the arm does in the files")
    label.add_argument("--model", type=Path, default=None, metavar="FOLDER", help="who reads (default: embedded)")
    label.add_argument("--steps", type=int, default=None, help="steps of denoising (default: the model's own)")
    label.add_argument("--seed", type=int, default=0, help="makes the reading repeatable (default 0)")
    label.add_argument(
        "--start",
        nargs=6,
        type=float,
        default=None,
        metavar=("X", "Y", "Z", "ROLL", "PITCH", "YAW"),
        help="where the tool is at first, in mm and degrees (default: from the episode, else the home posture)",
    )
    label.add_argument("--start-closed", action="store_true", help="the gripper is closed at first")
    label.add_argument("--keep", action="store_true", help="store them in the library, marked as auto-labelled")
    label.add_argument("--operator", default="", help="who keeps them")
    label.add_argument("--library", type=Path, default=None, metavar="FOLDER", help="which library")

    import_ = add("import", "Bring the episodes of another program's data set into the library: all of them, or none.")
    import_.add_argument("folder", type=Path, help="where the data set is")
    import_.add_argument("--format", default=None, choices=("lerobot", "rlbench"), help="else found out")
    import_.add_argument("--library", type=Path, default=None, metavar="FOLDER", help="which library")

    export = add("export", "Write episodes of the library as a data set for other programs.")
    export.add_argument("folder", type=Path, help="a new folder")
    export.add_argument("--format", default="lerobot", choices=("lerobot",), help="which layout (default lerobot)")
    export.add_argument("--fps", type=int, default=15, help="frames a second (default 15)")
    export.add_argument("--search", default="", metavar="WORDS", help="only episodes with these words")
    export.add_argument("--success", action="store_true", help="only successful ones")
    export.add_argument("--library", type=Path, default=None, metavar="FOLDER", help="which library")

    from model.command import add_commands

    add_commands(add("model", "Import, fetch, check or train a model.", json_=False))

    from workflows.evaluation.command import add_arguments

    add_arguments(add("evaluate", "Let the model do tasks in scenes it has never seen, and judge what it does."))

    benchmark = add("benchmark", "Measure a part of the program against its goals.")
    benchmark.add_argument("name", help="which one", choices=_benchmark_names())
    benchmark.add_argument("--quick", action="store_true", help="a tenth of every count, to try it out")
    benchmark.add_argument("--pictures", type=Path, default=None, metavar="FOLDER", help="keep the pictures it takes")
    benchmark.add_argument("--resume", type=Path, default=None, metavar="FILE", help="keep its parts, go on from them")
    return parser


def _benchmark_names() -> list[str]:
    from benchmarks.checks import NAMES

    return sorted(NAMES)


def _print(answer: dict[str, Any], text: str, as_json: bool) -> None:
    print(json.dumps(answer) if as_json else text)


def _window(library: Path | None) -> int:
    if not any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")):
        raise NoScreenError(
            "There is no screen here to open a window on. See `rehearse --help` for what works without."
        )
    from gui.app import run

    return run(library)


def _doctor(parsed: argparse.Namespace) -> int:
    if parsed.rebuild_library:
        return _rebuild_library(parsed)
    if parsed.report is not None:
        return _report(parsed)
    from workflows import doctor

    findings = doctor.examine()
    _print({"findings": [vars(finding) for finding in findings]}, doctor.as_text(findings), parsed.json)
    return 0 if all(finding.ok or not finding.needed for finding in findings) else 1


def _report(parsed: argparse.Namespace) -> int:
    from workflows import diagnosis

    request = diagnosis.Request(str(parsed.report), str(_library(parsed)))
    answer = diagnosis.save(request, lambda what, _: print(what, file=sys.stderr))
    _print(answer, diagnosis.as_text(answer), parsed.json)
    return 0


def _rebuild_library(parsed: argparse.Namespace) -> int:
    from storage.library import rebuild

    folder = _library(parsed)
    episodes, kept, problems = rebuild(folder)
    answer = {"folder": str(folder), "episodes": episodes, "old": str(kept) if kept else None, "problems": problems}
    text = f"{episodes} episodes. The old database is kept as {kept}." if kept else f"{episodes} episodes."
    _print(answer, "\n".join([text, *problems]), parsed.json)
    return 0


def _library(parsed: argparse.Namespace) -> Path:
    from workflows import settings

    return parsed.library or settings.load()[0].library_folder


def _import(parsed: argparse.Namespace) -> int:
    from workflows.dataset_exchange import import_folder

    answer = import_folder(_library(parsed), parsed.folder, parsed.format, lambda what, _: print(what, file=sys.stderr))
    _print(answer, f"{answer['episodes']} episodes imported.", parsed.json)
    return 0


def _export(parsed: argparse.Namespace) -> int:
    from storage.queries import EpisodeFilter
    from workflows.dataset_exchange import export

    which = EpisodeFilter(text=parsed.search, success="success" if parsed.success else None, excluded=False)
    report = lambda what, _: print(what, file=sys.stderr)  # noqa: E731
    answer = export(_library(parsed), parsed.folder, parsed.format, parsed.fps, which, report)
    _print(answer, f"{answer['episodes']} episodes written to {answer['folder']}.", parsed.json)
    return 0


def _simulate(parsed: argparse.Namespace) -> int:
    from workflows.simulate import LabSettings, lab_running

    with lab_running(LabSettings(seed=parsed.seed, cameras=parsed.cameras, port=parsed.port)) as lab:
        _print(lab.description(), lab.as_text(), parsed.json)
        sys.stdout.flush()
        lab.wait(parsed.seconds)
    return 0


def _demonstrate(parsed: argparse.Namespace) -> int:
    from workflows.demonstration import demonstrate

    run = demonstrate.in_real_time if parsed.real_time else demonstrate.in_virtual_time
    outcome = run(parsed.instruction, parsed.seed, video=parsed.video)
    _print(outcome.as_dict(), outcome.as_text(), parsed.json)
    return 0 if outcome.success else 1


def _run(parsed: argparse.Namespace) -> int:
    from workflows.rehearsal import command

    names = ("instruction", "source", "model", "trajectory", "seed", "approve", "speed", "library")
    names += ("parts", "candidates", "mode", "steps", "generation_seed")
    request = command.Request(**{name: getattr(parsed, name) for name in names})
    result = command.rehearse(request, lambda what, _: print(what, file=sys.stderr))
    _print(result, command.as_text(result), parsed.json)
    return 0 if result["executable"] and result["success"] is not False else 1


def _calibrate(parsed: argparse.Namespace) -> int:
    if parsed.print is not None:
        return _print_tags(parsed)
    from workflows.calibration import command

    names = ("seed", "cameras", "poses", "robot_error", "library")
    request = command.Request(**{name: getattr(parsed, name) for name in names}, sweep=not parsed.no_sweep)
    result = command.calibrate(request, lambda what, _: print(what, file=sys.stderr))
    _print(result, command.as_text(result), parsed.json)
    return 0 if result["verdict"] != "repeat" else 1


def _print_tags(parsed: argparse.Namespace) -> int:
    from dataclasses import replace

    from workflows import settings
    from workflows.calibration import print_tags

    chosen = {name: value for name in ("family", "paper") if (value := getattr(parsed, name)) is not None}
    printed = print_tags.print_tags(parsed.print, replace(settings.load()[0].tags, **chosen))
    _print(printed, print_tags.as_text(printed), parsed.json)
    return 0


def _record(parsed: argparse.Namespace) -> int:
    from workflows.recording import command

    names = ("task", "episodes", "seed", "library", "operator", "real_time")
    request = command.Request(**{name: getattr(parsed, name) for name in names})
    result = command.record(request, lambda what, _: print(what, file=sys.stderr))
    _print(result, command.as_text(result), parsed.json)
    return 0


def _label(parsed: argparse.Namespace) -> int:
    from workflows.labelling import command

    names = ("cameras", "instruction", "model", "steps", "seed", "start", "start_closed", "keep", "operator", "library")
    request = command.Request(tuple(parsed.videos), **{name: getattr(parsed, name) for name in names})
    report = lambda what, _: print(what, file=sys.stderr)  # noqa: E731
    result = command.label_videos(request, _library(parsed), report)
    _print(result, command.as_text(result), parsed.json)
    return 0 if result["read"] else 1


def _model(parsed: argparse.Namespace) -> int:
    if parsed.model_command == "train-embedded":
        from workflows.embedded.train import train_embedded

        _print(*train_embedded(parsed), parsed.json)
        return 0
    from model import command
    from workflows import settings

    answer, text = command.run(parsed, settings.load()[0].library_folder / "models")
    _print(answer, text, parsed.json)
    return 0


def _evaluate(parsed: argparse.Namespace) -> int:
    from workflows.evaluation import command

    _print(*command.run(parsed), parsed.json)
    return 0


def _benchmark(parsed: argparse.Namespace) -> int:
    from benchmarks import checks

    result = checks.run(parsed.name, quick=parsed.quick, pictures=parsed.pictures, resume=parsed.resume)
    _print(result, checks.as_text(result), parsed.json)
    return 0


_COMMANDS = {
    "doctor": _doctor,
    "simulate": _simulate,
    "demonstrate": _demonstrate,
    "run": _run,
    "calibrate": _calibrate,
    "record": _record,
    "label": _label,
    "export": _export,
    "import": _import,
    "model": _model,
    "evaluate": _evaluate,
    "benchmark": _benchmark,
}

if __name__ == "__main__":
    sys.exit(main())
