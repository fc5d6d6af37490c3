"""One of the processes of a training run, started by a test: FOLDER STEPS OPTIMISER [KILL_AT].

With KILL_AT the process kills itself, as kill -9 would, while it writes the checkpoint after that step.
"""

import os
import signal
import sys
from pathlib import Path

import torch
from training_setup import reference_run

from model.training import checkpoints


def main() -> None:
    folder, steps, optimiser, *kill_at = sys.argv[1:]
    torch.set_num_threads(1)
    if kill_at:
        write = checkpoints._write

        def write_and_die(part: Path, checkpoint: checkpoints.Checkpoint) -> None:
            write(part, checkpoint)
            if checkpoint.step == int(kill_at[0]):
                (part / "state.json").unlink()
                os.kill(os.getpid(), signal.SIGKILL)

        checkpoints._write = write_and_die
    assert reference_run(Path(folder), int(steps), optimiser) == int(steps)


main()
