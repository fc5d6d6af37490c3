"""Poses page: mount the board, move the arm through the poses or guide it by hand, and what is still missing."""

from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from gui.arm.hand_control import ArmControlPresenter
from gui.arm.phrases import hand_words
from gui.arm.presenter import ArmPresenter
from gui.arm.state_line import ArmLine
from gui.calibrate.guide import CameraNeeds, GuidePage
from gui.calibrate.poses_presenter import SPEEDS
from gui.calibrate.presenter import CalibratePresenter
from gui.calibrate.steps import Stage
from gui.widgets.basics import Button, column, label, row, scrolled
from gui.widgets.segmented_control import SegmentedControl
from gui.widgets.theme import space

_SPEED_NAMES = ("Slow", "Usual", "Quick")
_DOING = {"moving": "moving", "settling": "coming to rest", "looking": "looking"}


class PosesPage(GuidePage):
    """View of PosesPresenter, with one main button for each of its stages."""

    def __init__(self, presenter: CalibratePresenter, arm: ArmPresenter, control: ArmControlPresenter):
        super().__init__("The board in many poses", presenter.connection.clock, fills=True)
        self._presenter, self._poses, self._control = presenter, presenter.poses, control
        self.arm = ArmLine(arm)
        self.way = SegmentedControl(
            ("The arm by itself", "By hand"), lambda index: self._poses.choose_by_hand(index == 1)
        )
        self.speed = SegmentedControl(_SPEED_NAMES, lambda index: self._poses.choose_speed(SPEEDS[index]))
        self.speed_row = QWidget()
        self.speed_row.setLayout(row(label("Speed", "muted"), self.speed, None))
        self.guide = self.moves  # by hand, the same button starts hand guiding
        self.guide_words = label("", "small", wrap=True)
        self.bar, self.doing = QProgressBar(maximum=1000, textVisible=False), label("", "muted", wrap=True)
        self.progress = QWidget()
        self.progress.setLayout(column(self.bar, self.doing, gap=0.2))
        self.again = Button("Choose the poses again", icon_name="refresh", on=self._poses.propose_again)
        self.again.setToolTip("From where the arm stands now")
        self.further = Button("Work it out with what there is", on=self._work_out)
        self.needs: dict[str, CameraNeeds] = {}
        self._list = QVBoxLayout()
        self._list.setSpacing(space(0.5))
        self._list.setContentsMargins(0, 0, 0, 0)
        for part in (self.way, self.speed_row, self.arm, self.guide_words, self.progress):
            self.middle.addWidget(part)
        self.middle.addWidget(scrolled(self._list), 1)
        for part in (self.again, self.further):
            self.below.addWidget(part)
        self.main.clicked.connect(self._press)
        self.moves.taken.connect(self._move)

    def refresh(self) -> None:
        poses, stage = self._poses, self._poses.stage
        problem = poses.problem or self._presenter.problem
        self.say("The board in many poses", self._words(stage), problem or poses.note, _colour(stage, problem))
        automatic = stage in (Stage.LOOK, Stage.POSES, Stage.BROKEN)
        self.way.setVisible(stage is not Stage.MOUNT)
        self.way.choose(1 if poses.by_hand else 0)
        self.way.setEnabled(not poses.busy)
        self.speed_row.setVisible(automatic)
        self.speed.choose(SPEEDS.index(poses.speed))
        self.arm.setVisible(automatic or stage is Stage.BY_HAND)
        self.guide_words.setVisible(stage is Stage.BY_HAND)
        self.guide_words.setText(hand_words(self._control.guiding, poses.simulated))
        self._show_progress(stage)
        self._show_needs()
        self.again.setVisible((automatic or stage is Stage.DONE) and not poses.busy)
        self.again.setText("Choose more poses" if stage is Stage.DONE else "Choose the poses again")
        self.further.setVisible(poses.enough and stage not in (Stage.DONE, Stage.DRIVING))
        self._show_main(stage)

    def _words(self, stage: Stage) -> str:
        poses = self._poses
        count = len(poses.proposals)
        if stage is Stage.MOUNT:
            if poses.simulated:
                return "The lab puts the board on the gripper and clears the bench. Both are undone afterwards."
            return "Fasten the board to the front of the gripper, so that it cannot slip, and facing the cameras."
        if stage is Stage.BY_HAND:
            return (
                "Guide the arm to a pose in which cameras see the board, let go, and take the pose. Then another one: "
                "tilted otherwise, nearer, further, in another corner of the pictures."
            )
        if stage is Stage.DRIVING:
            return "The arm moves. Keep clear of it; Stop or Space stops it at once."
        if stage is Stage.DONE:
            return "Every pose was visited. Now it can be worked out."
        if poses.busy or not count:
            return "A moment: poses are being chosen that the arm reaches without touching anything."
        if stage is Stage.BROKEN:
            return f"Put right what stands above, then go on: {count - poses.next_pose} poses are left."
        if stage is Stage.LOOK:
            return (
                f"First the arm looks around: {count} small motions near where it stands, shown on the left. After "
                "that the cameras' places are roughly known."
            )
        return (
            f"{count} poses were chosen that the arm reaches and that the cameras see, shown on the left one after the "
            "other. Look at them: is there room for the arm and the board?"
        )

    def _show_progress(self, stage: Stage) -> None:
        poses, told = self._poses, self._poses.progress
        self.progress.setVisible(stage in (Stage.DRIVING, Stage.BROKEN) and told is not None)
        if told is None:
            return
        self.bar.setValue(round(1000 * told.index / max(told.total, 1)))
        seen = ""
        if told.session is not None and told.session.observations:
            last = told.session.observations[-1]
            names = [poses.connection.session.names.get(each, each) for each in last.views]
            seen = f" The last one was seen by {', '.join(names) or 'no camera'}."
        doing = _DOING.get(str(told.what), str(told.what))
        self.doing.setText(f"Pose {min(told.index + 1, told.total)} of {told.total}: {doing}.{seen}")

    def _show_needs(self) -> None:
        missing = self._poses.missing
        if tuple(self.needs) != tuple(each.identity for each in missing):
            while (item := self._list.takeAt(0)) is not None:
                if (old := item.widget()) is not None:
                    old.deleteLater()
            self.needs = {each.identity: CameraNeeds(("Poses", "Tilt")) for each in missing}
            for needs in self.needs.values():
                self._list.addWidget(needs)
            self._list.addStretch(1)
        for each in missing:
            needs = self.needs[each.identity]
            needs.show_state(each.name, each.complete, each.regions, each.sentence and f"still needed: {each.sentence}")
            enough = f"{each.poses}, {each.poses_needed} needed"
            needs.meters["Poses"].show_value(each.poses, each.poses_needed, enough)
            tilted = f"{each.tilt_deg:.0f}°, {each.tilt_needed_deg:.0f}° needed"
            needs.meters["Tilt"].show_value(each.tilt_deg, each.tilt_needed_deg, tilted)

    def _show_main(self, stage: Stage) -> None:
        poses, ready = self._poses, self._poses.can_drive
        count = len(poses.proposals)
        started = poses.next_pose > 0
        self.main.show_as("danger" if stage is Stage.DRIVING else "primary")
        self.moves.only_rests(stage is Stage.BY_HAND and self._control.guiding)
        self.moves.show_as("" if stage is Stage.BY_HAND else "primary")
        if stage is Stage.MOUNT:
            words = "Put the board on" if poses.simulated else "The board is on the gripper"
            self.offer(words, "check", enabled=not poses.busy and poses.session is not None)
        elif stage is Stage.DRIVING:
            self.offer("End the motion", "cross")
        elif stage is Stage.BY_HAND:
            control = self._control
            words = "End hand guiding  (G)" if control.guiding else "Start hand guiding  (G)"
            self.offer_to_move(words, icon="hand", enabled=control.can_press or control.guiding, alone=False)
            self.main.setText("Take this pose")
            self.main.set_icon("plus")
            self.main.setEnabled(poses.can_take)
        elif stage is Stage.DONE:
            self.offer("Work it out", "right", enabled=not poses.busy)
        elif stage is Stage.BROKEN or started:
            self.offer_to_move(f"Go on with pose {poses.next_pose + 1}: the arm moves", enabled=ready)
        elif stage is Stage.LOOK:
            self.offer_to_move("Look around: the arm moves", enabled=ready)
        else:
            self.offer_to_move(f"Start: the arm moves through {count} poses", enabled=ready)

    def _press(self) -> None:
        poses, stage = self._poses, self._poses.stage
        acts = {
            Stage.MOUNT: poses.mount,
            Stage.DRIVING: poses.cancel,
            Stage.BY_HAND: poses.take,
            Stage.DONE: self._work_out,
        }
        if stage in acts:
            acts[stage]()

    def _move(self) -> None:
        if self._poses.stage is Stage.BY_HAND:
            self._control.toggle_guiding()
        else:
            self._poses.drive()

    def _work_out(self) -> None:
        self._poses.finish()


def _colour(stage: Stage, problem: str) -> str:
    return "accent" if not problem else "danger" if stage is Stage.BROKEN else "warning"
