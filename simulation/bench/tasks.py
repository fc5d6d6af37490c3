"""Tasks of the embedded lab, their wordings, and the parsing of instructions.

Left, right and away are as seen from the arm: away is +x, left is +y.
"""

import re
from dataclasses import dataclass
from textwrap import shorten

from simulation.bench.scene import COLOURS, FURNITURE, SHAPES, SceneSpec
from simulation.errors import SimulationError

# Per kind: its wordings, the first being the usual one. {thing} and {goal} are names such as "red cube" or "bowl".
KINDS: dict[str, tuple[str, ...]] = {
    "reach": (
        "reach the {thing}",
        "move to the {thing}",
        "go to the {thing}",
        "touch the {thing}",
        "bring the gripper to the {thing}",
    ),
    "pick up": (
        "pick up the {thing}",
        "lift the {thing}",
        "grasp the {thing} and lift it",
        "take the {thing}",
        "grab the {thing}",
        "pick the {thing} up",
        "raise the {thing} off the table",
    ),
    "place": (
        "put the {thing} in the {goal}",
        "put the {thing} into the {goal}",
        "place the {thing} in the {goal}",
        "drop the {thing} into the {goal}",
        "move the {thing} into the {goal}",
        "pick up the {thing} and put it in the {goal}",
    ),
    "push left": ("push the {thing} left", "push the {thing} to the left", "slide the {thing} to the left"),
    "push right": ("push the {thing} right", "push the {thing} to the right", "slide the {thing} to the right"),
    "push away": ("push the {thing} away", "push the {thing} forward", "slide the {thing} away from the arm"),
    "open drawer": ("open the drawer", "pull the drawer open", "pull out the drawer", "slide the drawer open"),
    "close drawer": ("close the drawer", "push the drawer shut", "shut the drawer", "push the drawer in"),
    "close box": ("put the lid on the box", "close the box", "cover the box with the lid", "place the lid on the box"),
}
_WORDS = {"block": "cube", "sphere": "ball", "can": "cylinder", "tin": "cylinder", "violet": "purple", "dish": "bowl"}
_NOUNS = (*SHAPES, *FURNITURE, "lid", "thing", "one", "object")


@dataclass(frozen=True, slots=True)
class Task:
    """Task: `kind` of KINDS, the `thing` it manipulates, and for "place" the `goal` (bowl, box, drawer)."""

    kind: str
    thing: str
    goal: str | None = None

    @property
    def instruction(self) -> str:
        """Usual wording of this task."""
        return self.wordings[0]

    @property
    def wordings(self) -> tuple[str, ...]:
        """Every wording of this task that the lab itself uses."""
        return tuple(wording.format(thing=self.thing, goal=self.goal) for wording in KINDS[self.kind])

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the objects that the task is about."""
        return (self.thing, self.goal) if self.goal else (self.thing,)


def possible_tasks(scene: SceneSpec) -> tuple[Task, ...]:
    """Return every task that this scene allows, in a fixed order."""
    loose = [o.name for o in scene.objects]
    tasks = [Task("reach", name) for name in scene.names]
    tasks += [Task("pick up", name) for name in (*loose, *(["lid"] if scene.box else []))]
    goals = [name for name in FURNITURE if getattr(scene, name)]
    tasks += [Task("place", name, goal) for name in loose for goal in goals]
    tasks += [Task(f"push {side}", name) for side in ("left", "right", "away") for name in loose]
    if scene.drawer:
        tasks += [Task("open drawer", "drawer"), Task("close drawer", "drawer")]
    if scene.box:
        tasks.append(Task("close box", "lid", "box"))
    return tuple(tasks)


def task_from_instruction(text: str, scene: SceneSpec) -> Task:
    """Return the task that an English instruction asks for in this scene.

    Names may be shortened ("the cube", "the red one") where they stay unambiguous. Raises SimulationError, listing the
    understood instructions, for anything else.
    """
    words = _plain(text)
    kind = next((kind for kind, pattern in _PATTERNS if re.search(pattern, words)), None)
    if kind is None or _NEGATION.search(words):
        raise _not_understood(text, scene)
    task = _task(kind, _things(words, scene))
    if task not in possible_tasks(scene):
        raise _not_understood(text, scene)
    return task


def _task(kind: str, things: list[str]) -> Task | None:
    """Return the task of this kind with the objects mentioned; None when one is missing."""
    if kind in ("open drawer", "close drawer"):
        return Task(kind, "drawer")
    if kind == "close box":
        return Task(kind, "lid", "box")
    if kind != "place":
        return Task(kind, things[0]) if things else None
    loose = [name for name in things if name not in FURNITURE]
    goals = [name for name in things if name in FURNITURE]
    return Task(kind, loose[0], goals[-1]) if loose and goals else None


def _plain(text: str) -> str:
    """Return the text in lower case with synonyms replaced and blanks around it."""
    words: list[str] = re.findall(r"[a-z]+", text.lower())
    return " " + " ".join(_WORDS.get(word, word) for word in words) + " "


_NEGATION = re.compile(r" (not|never|without|don t) ")
_PATTERNS = (  # the first match decides
    ("close box", r" lid .*(on|onto|over) .*box | (close|shut|cover) (the )?box "),
    ("open drawer", r" (open|pull|slide out) .*drawer | drawer open "),
    ("close drawer", r" (close|shut) .*drawer | push (the )?drawer | drawer (shut|closed) "),
    ("push left", r" (push|slide|shove) .*left | move the .* to the left "),
    ("push right", r" (push|slide|shove) .*right | move the .* to the right "),
    ("push away", r" (push|slide|shove) .*(away|forward|forwards) "),
    ("place", r" (put|place|drop|move|lay|throw|pick|lift|take|grab) .*(in|into|inside) "),
    ("pick up", r" (pick|lift|grasp|grab|take|raise) "),
    ("reach", r" (reach|touch|approach) | (move|go|gripper) (over )?(to|towards) "),
)


def _things(words: str, scene: SceneSpec) -> list[str]:
    """Return names of the scene in the order in which the text mentions them."""
    found = []
    tokens = iter(words.split())
    for token in tokens:
        colour = token if token in COLOURS else None
        # After a colour any number of adjectives is skipped, as in "the red wooden cube".
        noun = next((t for t in tokens if t in _NOUNS), "thing") if colour else token
        if colour or noun in SHAPES:
            found.append(_object_name(colour, noun, scene))
        elif noun in scene.names:
            found.append(noun)
    return found


def _object_name(colour: str | None, noun: str, scene: SceneSpec) -> str:
    if noun in FURNITURE:
        return noun
    meant = [o.name for o in scene.objects if colour in (None, o.colour) and (o.shape == noun or noun not in SHAPES)]
    words = f"{colour} {noun}" if colour else noun
    if not meant:
        there = ", ".join(scene.names) or "nothing"
        raise SimulationError(f"There is no {words} on the lab's bench. There is: {there}.")
    if len(meant) > 1:
        raise SimulationError(f'"{words}" can mean the {" or the ".join(meant)}. Say which one.')
    return meant[0]


def _not_understood(text: str, scene: SceneSpec) -> SimulationError:
    first = {task.kind: task.instruction for task in reversed(possible_tasks(scene))}
    examples = "; ".join(reversed(first.values())) or "nothing, the bench is empty"
    said = shorten(text, 120)
    return SimulationError(f'The lab does not understand "{said}" for this scene. It understands: {examples}.')
