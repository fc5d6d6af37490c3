"""Recording of the lab's scripted demonstrator in virtual time: the same recorder, physics and robot loop, without a
real-time clock, so that a slow machine records just as well as a fast one."""

import contextlib
import itertools
import queue
import threading
from collections.abc import Callable

import numpy as np

from cameras.drivers.simulated import PREFIX
from cameras.frame import Frame
from cameras.intrinsics import Intrinsics
from foundation.errors import KnownError
from robot.planning.plan import Plan
from robot.state import Facts
from simulation.bench.camera_spec import CameraSpec
from simulation.bench.judging import judge
from simulation.bench.randomise import scene_for
from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import task_from_instruction
from simulation.lab import Lab
from simulation.pictures.rendering import SceneRenderer
from storage.episodes.documents import ViewSpec
from storage.episodes.samples import ArmSample
from storage.episodes.writer import LEAST_FREE
from storage.library import Library
from workflows.cancellation import Report, silently
from workflows.demonstration.demonstrate import VirtualLabArm, plan
from workflows.recording.demonstrations import LEAD, Demonstration, ImpossibleError, on_new_benches
from workflows.recording.recorder import Recorder, RecordError, RecordRequest
from workflows.recording.sources import calibration_of, lens_of
from workflows.settings import LabSettings

_WAITING = 30  # frames of one camera that may wait for the encoder; beyond, the virtual time waits for it


class VirtualView:
    """One simulated camera in virtual time, as a `RecordedView` and its own source of frames."""

    fault = ""

    def __init__(self, spec: CameraSpec):
        self.name, self.dropped = spec.name, 0
        self._spec = spec
        self._frames: queue.Queue[Frame] = queue.Queue(_WAITING)
        self._numbers = itertools.count(1)
        self._wanted = threading.Event()

    def spec(self) -> ViewSpec:
        camera = self._spec
        intrinsics = Intrinsics(camera.width, camera.height, camera.camera.K, np.array(camera.distortion))
        lens = lens_of(intrinsics)
        calibration = calibration_of(lens, camera.camera, "simulated truth")
        return ViewSpec(PREFIX + camera.name, camera.name, camera.width, camera.height, camera.fps, lens, calibration)

    def begin(self) -> "VirtualView":
        self._wanted.set()
        return self

    def end(self) -> None:
        self._wanted.clear()

    def take_picture(self, renderer: SceneRenderer, captured: float) -> None:
        """Render and enqueue a frame; blocks while the encoder is behind."""
        if not self._wanted.is_set():
            return
        frame = Frame(PREFIX + self.name, next(self._numbers), captured, renderer.render(self._spec).rgb)
        while self._wanted.is_set():
            with contextlib.suppress(queue.Full):
                self._frames.put(frame, timeout=0.1)
                return

    def get(self, timeout: float) -> Frame | None:
        try:
            return self._frames.get(timeout=timeout)
        except queue.Empty:
            return None


class VirtualArm(VirtualLabArm):
    """The lab's arm in virtual time, also as a `RecordedArm`."""

    name, simulated, fault = "xArm7", True, ""

    def __init__(self, scene: SceneSpec, film: Callable[[Lab], None]):
        super().__init__(scene, film)
        self._samples: list[ArmSample] = []
        self._listening = False

    def step(self) -> None:
        before, commanded = self.loop.facts.joints, self.loop.commanded
        super().step()
        facts = self.loop.facts
        if self._listening and facts.joints is not None and facts.joints is not before:
            self._samples.append(_sample(facts, commanded))

    def begin(self) -> None:
        self._samples, self._listening = [], True

    def take(self) -> list[ArmSample]:
        return [self._samples.pop(0) for _ in range(len(self._samples))]

    def end(self) -> None:
        self._listening = False

    def halt(self) -> None:
        self.loop.note_stop()


def record_in_virtual_time(
    library: Library,
    request: RecordRequest,
    count: int,
    *,
    seed: int = 0,
    lab: LabSettings = LabSettings(),
    least_free: int = LEAST_FREE,
    report: Report = silently,
) -> list[Demonstration]:
    """Record `count` demonstrations with the cameras of `lab`, on benches from `seed` on; see `on_new_benches`.

    Raises KnownError when the lab does not understand the instruction, or the disk is full.
    """

    def one(number: int) -> Demonstration:
        scene = scene_for(request.instruction, number, cameras=lab.cameras, size=lab.picture_px)
        with contextlib.ExitStack() as stack:
            return _record_one(stack, library, request, scene, number, least_free)

    return on_new_benches(one, count, seed, report)


def _record_one(
    stack: contextlib.ExitStack,
    library: Library,
    request: RecordRequest,
    scene: SceneSpec,
    seed: int,
    least_free: int,
) -> Demonstration:
    views = [VirtualView(spec) for spec in scene.cameras]
    renderers: list[SceneRenderer] = []

    def film(lab: Lab) -> None:
        renderers[0].update(lab.world.snapshot())
        for view in views:
            view.take_picture(renderers[0], arm.clock.now())

    arm = VirtualArm(scene, film)
    renderers.append(SceneRenderer(arm.lab.world, seed))
    stack.callback(renderers[0].close)
    arm.make_ready()
    start = arm.lab.world.truth()
    try:
        motion = plan(request.instruction, scene, start, arm.joints)
    except KnownError as error:
        raise ImpossibleError(str(error)) from error
    recorder = Recorder(library, views, arm, clock=arm.clock, least_free=least_free)
    stack.callback(recorder.close)
    recorder.start(request)
    arm.run(LEAD)
    arm.execute(Plan.of_motion(motion))
    arm.run(LEAD)
    recorder.stop()
    if recorder.fault:
        raise RecordError(recorder.fault)
    verdict = judge(task_from_instruction(request.instruction, scene), start, arm.lab.world.truth())
    return Demonstration(recorder.keep(verdict.success, verdict.reason), seed, verdict.reason)


def _sample(facts: Facts, commanded: np.ndarray | None) -> ArmSample:
    joints, status = facts.joints, facts.status
    assert joints is not None and status is not None
    return ArmSample(
        time=joints.read,
        position=joints.position,
        velocity=joints.velocity,
        effort=joints.effort,
        commanded=np.full(len(joints.position), np.nan) if commanded is None else commanded,
        openness=np.nan if facts.openness is None else facts.openness,
        commanded_openness=np.nan if facts.commanded_openness is None else facts.commanded_openness,
        mode=status.mode,
        state=status.state,
        error=status.error,
        warning=status.warning,
    )
