"""Approval of a plan: staging it in the robot process, and revoking it when its preconditions no longer hold.

Includes change detection: whether scene and calibration are still as they were when the motion was proposed.
"""

import contextlib
import logging
import time
from dataclasses import replace

import cv2
import numpy as np

from foundation.clocks import utc_now
from foundation.errors import KnownError
from foundation.trajectory import Scene
from robot.approval.multi_segment_approval import SegmentsApproval
from robot.approval.staging import Staged
from robot.errors import LinkError, RobotError
from robot.planning.findings import Level
from robot.planning.plan import Plan
from workflows.proposals.receding_horizon import Cover
from workflows.rehearsal.facts import Approval, RehearsalState
from workflows.rehearsal.ledger import Ledger, RehearsalError
from workflows.session import NotConnectedError

_log = logging.getLogger(__name__)

_BLOCK = 8  # px: averaging over a block removes the camera's noise
_DIFFERENT = 18.0  # grey levels of a block's mean; noise and flicker change it by a few
_LEAST_BLOCKS = 0.002  # share of all blocks: a cube of 4 cm covers about this much of an image of the whole bench


def what_changed(before: Scene, now: Scene) -> str:
    """Return '' when nothing changed, else a clause that continues "since the pictures were taken"."""
    cameras = {view.camera.name: view for view in now.views}
    for view in before.views:
        present = cameras.get(view.camera.name)
        if present is None:
            return f"the camera {view.camera.name} was disconnected"
        same_place = np.array_equal(view.camera.base_from_camera, present.camera.base_from_camera)
        if not same_place or not np.array_equal(view.camera.K, present.camera.K):
            return f"the camera {view.camera.name} was calibrated again"
        if different_part(view.rgb, present.rgb) > _LEAST_BLOCKS:
            return f"something was moved in front of the camera {view.camera.name}"
    return ""


def different_part(before: np.ndarray, now: np.ndarray) -> float:
    """Return the share in [0, 1] of blocks that differ between two images (H, W, 3) uint8 of one size.

    A global change of illumination does not count: the median difference is subtracted per colour channel.
    """
    if before.shape != now.shape:
        return 1.0
    size = (max(1, before.shape[1] // _BLOCK), max(1, before.shape[0] // _BLOCK))
    small = [cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32) for image in (before, now)]
    difference = small[1] - small[0]
    difference -= np.median(difference, axis=(0, 1))
    return float((np.abs(difference).max(axis=-1) > _DIFFERENT).mean())


class Approvals:
    """Grants and revokes the approval of the plan that a ledger shows."""

    def __init__(self, ledger: Ledger):
        self._ledger = ledger

    def allow(self, allowance: SegmentsApproval) -> Cover:
        """Approve this motion and further segments like it at once; the robot process enforces the limits."""
        self._ledger.require(RehearsalState.PROPOSED)
        return Cover(self._ledger.robot.allow(allowance), allowance)

    def approve(self, cover: Cover | None = None) -> Approval:
        """Stage exactly the plan that is shown, optionally under an approval for several segments. Nothing moves yet.

        Raises RehearsalError when the plan must not be executed, or when the scene has changed since it was shown.
        """
        ledger = self._ledger
        ledger.require(RehearsalState.PROPOSED)
        plan = ledger.facts.plan
        assert plan is not None
        refusals = [finding for finding in plan.findings if finding.level is Level.REFUSAL]
        if refusals:
            raise RehearsalError(f"This motion must not be run: {refusals[0].sentence}")
        changed = self._changed()
        if changed:
            raise RehearsalError(f"Since the pictures were taken, {changed}. Ask for the motion again.")
        staged = ledger.timed("approve", lambda: self._staged(plan, cover))
        if staged.digest != plan.digest:
            ledger.robot.revoke("The plan was changed on its way.")
            raise RehearsalError("The robot process holds another plan than the one shown. Ask for the motion again.")
        return self._given(staged, cover)

    def revoke(self, reason: str) -> None:
        """Revoke the approval; the plan can be approved again while the scene is unchanged."""
        if self._ledger.state is RehearsalState.APPROVED:
            self.take_back(reason)
            self._ledger.change(approval=None, revoked=reason)
            _log.info("approval taken back: %s", reason)
            self._ledger.store()

    def take_back(self, reason: str) -> None:
        """Withdraw the approval in the robot process if it has not been used yet."""
        facts = self._ledger.facts
        if facts.approval is not None and facts.run is None:
            self.withdraw(reason)

    def withdraw(self, reason: str) -> None:
        """Make the robot process drop all that it holds approved, including further segments."""
        robot = self._ledger.session.robot
        if robot is not None and not robot.lost:
            with contextlib.suppress(RobotError):  # refused after a stop, or no process: both have already revoked it
                robot.revoke(reason)

    def look(self) -> None:
        """Check that scene, calibration and arm are as shown; if not, revoke the approval and raise KnownError."""
        ledger = self._ledger
        approval = ledger.facts.approval
        if ledger.state is not RehearsalState.APPROVED or approval is None:
            return
        try:
            changed = self._changed()
        except KnownError as error:
            self.revoke(str(error))
            raise
        if changed:
            reason = f"Since the pictures were taken, {changed}. Ask for the motion again."
            self.revoke(reason)
            raise RehearsalError(reason)
        with ledger.lock:  # `check` may have invalidated the approval meanwhile
            if ledger.facts.approval is approval:
                ledger.change(approval=replace(approval, looked=time.monotonic()))

    def check(self, *, starting: bool) -> None:
        """Drop an approval that the robot process no longer holds: after a stop, a jog, or ten minutes. Never blocks.

        `starting`: the robot process is being asked to execute the plan, and from then on no longer holds it.
        """
        ledger = self._ledger
        approval = ledger.facts.approval
        if approval is None or ledger.facts.run is not None:
            return
        try:
            status = ledger.robot.settled_status
            held = status is None or status.staged == approval.staged.digest
            late = time.monotonic() >= approval.until
            why = "it was older than ten minutes" if late else "the arm was stopped, moved or changed since"
            reason = "" if held else f"The approval is no longer good: {why}. Approve the motion again."
        except (LinkError, NotConnectedError):
            reason = "The arm was disconnected. Connect it, then approve again."
        with ledger.lock:  # the approval may have been used or replaced meanwhile
            present = ledger.facts.approval is approval and ledger.facts.run is None
            if reason and present and not starting:
                ledger.change(approval=None, revoked=reason)
                _log.info("approval has ended: %s", reason)

    # --- parts ---

    def _given(self, staged: Staged, cover: Cover | None) -> Approval:
        """Store the approval that the robot process now holds; revoke it when it cannot be stored."""
        ledger, now = self._ledger, time.monotonic()
        approval = Approval(staged, ledger.operator, utc_now().isoformat(), now, now + staged.expires_in_s)
        given = {"digest": staged.digest, "who": approval.who, "when": approval.when}
        covered = "" if cover is None else cover.allowance.words
        approvals = (*ledger.facts.approvals, given)
        ledger.change(approval=approval, revoked="", covered_by=covered, approvals=approvals)
        several = ", one of several parts" if covered else ""
        _log.info("approved: plan %s, nonce %s...%s", staged.digest, staged.nonce[:6], several)
        try:
            ledger.store()
        except KnownError:
            self.revoke("The approval could not be stored.")
            raise
        return approval

    def _staged(self, plan: Plan, cover: Cover | None) -> Staged:
        robot, proposal = self._ledger.robot, self._ledger.facts.proposal
        if cover is None:
            return robot.stage(plan.to_bytes())
        assert proposal is not None
        return robot.stage(plan.to_bytes(), cover=cover.token, instruction=proposal.instruction)

    def _changed(self) -> str:
        """Return '' or what has changed since the motion was proposed."""
        proposal = self._ledger.facts.proposal
        assert proposal is not None
        now: Scene = self._ledger.session.take_scene()
        return what_changed(proposal.scene, now)
