"""The program's one entrance: headless commands, and the program's own processes (`--role=...`)."""

import argparse
import importlib
import json
import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from foundation.errors import KnownError

# Role -> module with `run(channel)`. Named, not imported: each process loads only what it needs.
ROLES = {"lab": "simulation.process", "robot": "robot.process"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 done, 1 a known error (its sentence on standard error), 2 wrong usage."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(asctime)s %(name)s: %(message)s")
    if arguments and arguments[0].startswith("--role="):
        return _run_role(arguments)
    parser = _parser()
    parsed = parser.parse_args(arguments)
    if parsed.command is None:
        parser.print_help(sys.stderr)
        return 2
    try:
        return _COMMANDS[parsed.command](parsed)
    except KnownError as error:
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
    # Ctrl-C in a terminal reaches every process of the group; the parent decides what happens, over the channel.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = inherited_channel(parsed.channel)
    try:
        importlib.import_module(ROLES[parsed.role]).run(channel)
    except ChannelClosed:
        return 0  # the parent has gone; the role has already put its things in order
    except KnownError as error:
        channel.send({"error": str(error)})
        return 1
    finally:
        channel.close()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rehearse", description="Teach a UFACTORY xArm by showing, and see every motion before it happens."
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def add(name: str, help_: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=help_, description=help_)
        command.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        return command

    add("doctor", "Say what works on this machine, and what to do about what does not.")

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

    benchmark = add("benchmark", "Measure a part of the program against its goals.")
    benchmark.add_argument("name", help="which one", choices=_benchmark_names())
    benchmark.add_argument("--quick", action="store_true", help="a tenth of every count, to try it out")
    return parser


def _benchmark_names() -> list[str]:
    from benchmarks.checks import NAMES

    return sorted(NAMES)


def _print(answer: dict[str, Any], text: str, as_json: bool) -> None:
    print(json.dumps(answer) if as_json else text)


def _doctor(parsed: argparse.Namespace) -> int:
    from workflows import doctor

    findings = doctor.examine()
    _print({"findings": [vars(finding) for finding in findings]}, doctor.as_text(findings), parsed.json)
    return 0 if all(finding.ok or not finding.needed for finding in findings) else 1


def _simulate(parsed: argparse.Namespace) -> int:
    from workflows.simulate import LabSettings, lab_running

    with lab_running(LabSettings(seed=parsed.seed, cameras=parsed.cameras, port=parsed.port)) as lab:
        _print(lab.description(), lab.as_text(), parsed.json)
        sys.stdout.flush()
        lab.wait(parsed.seconds)
    return 0


def _demonstrate(parsed: argparse.Namespace) -> int:
    from workflows import demonstrate

    run = demonstrate.in_real_time if parsed.real_time else demonstrate.in_virtual_time
    outcome = run(parsed.instruction, parsed.seed, video=parsed.video)
    _print(outcome.as_dict(), outcome.as_text(), parsed.json)
    return 0 if outcome.success else 1


def _benchmark(parsed: argparse.Namespace) -> int:
    from benchmarks import checks

    result = checks.run(parsed.name, quick=parsed.quick)
    _print(result, checks.as_text(result), parsed.json)
    return 0


_COMMANDS = {"doctor": _doctor, "simulate": _simulate, "demonstrate": _demonstrate, "benchmark": _benchmark}

if __name__ == "__main__":
    sys.exit(main())
