"""The training core's figure; `benchmarks.model.figures` adds it to its own."""

from benchmarks.checks import Check, say


def measure(quick: bool) -> list[Check]:
    """Measure the difference between training in two processes and in one."""
    from model.training.distributed_check import two_process_loss_error  # torch is loaded only when it is measured

    say("one training run in one process, and in two")
    error = two_process_loss_error(3 if quick else 10)
    return [Check("two_process_loss_max_abs_error", error, "", "<= 1e-5")]
