"""Parallel trials: a policy answers clips, and worker processes try the answers."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict
from typing import Any

from foundation.errors import ProcessError
from foundation.messages import Channel, ChannelClosed
from foundation.processes import RoleProcess
from workflows.embedded.clips import Clip
from workflows.evaluation.policies import Policy
from workflows.evaluation.trial import Attempt, Ending, Trial, attempt_of, run_trial

Told = Callable[[str], None]
_START_WITHIN = 60.0  # s
_AT_MOST = 300.0  # s for one trial on a heavily loaded machine


class TrialRunner:
    """Runs trials. A context manager: with more than one process, the workers live as long as it does."""

    def __init__(self, processes: int = 1, told: Told = lambda words: None):
        self._told, self._count = told, processes
        self._workers: list[RoleProcess] = []
        self._stack = ExitStack()

    def judge(self, judged: Policy, clips: Sequence[Clip], words: str = "") -> list[Trial]:
        """Run one trial for each clip. Raises ProcessError when a worker process has exited."""
        answers = judged.answer(clips)
        attempts = [attempt_of(*one) for one in zip(clips, answers, strict=True)]
        trials = self._tried(attempts) if self._workers else [run_trial(attempt) for attempt in attempts]
        done = sum(trial.success for trial in trials)
        self._told(f"{judged.name}, {words or 'trials'}: {done} of {len(trials)}")
        return trials

    def _tried(self, attempts: Sequence[Attempt]) -> list[Trial]:
        """Distribute the attempts over the workers, one at a time each, so that none queues behind a long one."""
        trials: dict[int, Trial] = {}
        waiting = list(enumerate(attempts))[::-1]
        busy: dict[int, int] = {}  # index of the attempt by worker
        try:
            while waiting or busy:
                for worker in range(len(self._workers)):
                    if worker not in busy and waiting:
                        number, attempt = waiting.pop()
                        self._workers[worker].channel.send(attempt.to_dict(), timeout=_START_WITHIN)
                        busy[worker] = number
                worker = next(iter(busy))  # the one that started first
                trials[busy.pop(worker)] = _trial_from(self._workers[worker].channel.receive(_AT_MOST)["trial"])
        except (ChannelClosed, TimeoutError) as error:
            raise ProcessError("A process that tries the answers has ended. Judge again with --processes 1.") from error
        return [trials[number] for number in range(len(attempts))]

    def __enter__(self) -> "TrialRunner":
        if self._count > 1:
            for _ in range(self._count):
                process = RoleProcess("trials", timeout=_START_WITHIN)
                self._workers.append(self._stack.enter_context(process))
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.clear()
        self._stack.close()


def run(channel: Channel) -> None:
    """Run a worker process (`--role=trials`): receives attempts, sends trials, until the parent exits."""
    channel.receive(_START_WITHIN)
    channel.send({"ready": True})
    while True:
        trial = run_trial(Attempt.from_dict(channel.receive()))
        channel.send({"trial": {**asdict(trial), "ending": str(trial.ending)}})


def _trial_from(values: dict[str, Any]) -> Trial:
    return Trial(**{**values, "ending": Ending(values["ending"])})
