"""Paraphrases of instructions: many wordings of each task, some of which are held out from training.

A held-out wording consists of words that occur in others, for a model that learnt English from these alone; their
order and combination are new.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from simulation.bench.scene import SceneSpec
from simulation.bench.tasks import KINDS, Task

SYNONYMS = {"cube": "block", "cylinder": "can", "ball": "sphere"}
_SYNONYM_SHARE, _SHORT_SHARE, _POLITE_SHARE, _USUAL_SHARE = 0.25, 0.15, 0.15, 0.25
# Share of the training instructions that name an object by its colour or its noun alone, where that is unambiguous,
# as people do. (Meant to disentangle colour and shape; for pairs never shown it did not help by itself.)
TAUGHT_SHORT = 0.45

_MORE: dict[str, tuple[str, ...]] = {
    "reach": ("move the gripper over to the {thing}", "reach for the {thing}", "approach the {thing}"),
    "pick up": ("grab hold of the {thing} and lift it", "take the {thing} off the table"),
    "place": ("take the {thing} and drop it in the {goal}", "lay the {thing} in the {goal}"),
    "push left": ("shove the {thing} left", "move the {thing} to the left"),
    "push right": ("shove the {thing} right", "move the {thing} to the right"),
    "push away": ("shove the {thing} away", "push the {thing} away from the arm"),
    "open drawer": ("open up the drawer", "pull the drawer out until it is open"),
    "close drawer": ("push the drawer closed", "shut the drawer again"),
    "close box": ("shut the box", "put the lid onto the box", "lay the lid on the box"),
}
HELD_OUT: dict[str, tuple[str, ...]] = {
    "reach": ("move over to the {thing}", "go and touch the {thing}", "bring the gripper over to the {thing}"),
    "pick up": ("lift up the {thing}", "grab the {thing} and raise it", "take hold of the {thing} and lift it"),
    "place": ("grab the {thing} and place it in the {goal}", "lift the {thing} into the {goal}"),
    "push left": ("shove the {thing} to the left", "slide the {thing} left"),
    "push right": ("shove the {thing} to the right", "slide the {thing} right"),
    "push away": ("slide the {thing} away", "shove the {thing} forward"),
    "open drawer": ("pull open the drawer", "slide out the drawer"),
    "close drawer": ("push the drawer in until it is shut", "slide the drawer shut"),
    "close box": ("cover the box", "close the box with the lid"),
}
TRAINED = {kind: (*KINDS[kind], *_MORE[kind]) for kind in KINDS}


def random_paraphrase(
    generator: np.random.Generator,
    task: Task,
    scene: SceneSpec,
    *,
    held_out: bool = False,
    short: float | None = None,
    names: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Draw a wording for `task`.

    Args:
        held_out: Draw one that is held out from training.
        short: Share of the objects that are named by colour or shape alone; None: as rarely as people do, by colour.
        names: Of objects that are not called as in the scene.
    """
    wordings = (HELD_OUT if held_out else TRAINED)[task.kind]
    wording = wordings[generator.integers(len(wordings))]
    if not held_out and generator.random() < _USUAL_SHARE:
        wording = KINDS[task.kind][0]
    all_names = [names.get(thing.name, thing.name) for thing in scene.objects]
    name = names.get(task.thing, task.thing)
    thing = _spoken(generator, name, all_names) if short is None else _taught(generator, name, all_names, short)
    spoken = wording.format(thing=thing, goal=task.goal)
    return f"please {spoken}" if generator.random() < _POLITE_SHARE else spoken


def _spoken(generator: np.random.Generator, name: str, names: Sequence[str]) -> str:
    """Return an object's name, perhaps with a synonym, perhaps only as "the red one" where just one object is red."""
    if " " not in name:
        return name
    colour, shape = name.split()
    draw = generator.random()
    if _alone(colour, names) and draw < _SHORT_SHARE:
        return f"{colour} one"
    return f"{colour} {SYNONYMS.get(shape, shape)}" if draw > 1.0 - _SYNONYM_SHARE else name


def _taught(generator: np.random.Generator, name: str, names: Sequence[str], short: float) -> str:
    """Return an object's name, or only its colour, or only its noun, where that is unambiguous."""
    if " " not in name:
        return name
    colour, shape = name.split()
    noun = SYNONYMS.get(shape, shape) if generator.random() < _SYNONYM_SHARE else shape
    enough = [f"{colour} one"] * _alone(colour, names) + [noun] * _alone(shape, names)
    if enough and generator.random() < short:
        return enough[generator.integers(len(enough))]
    return f"{colour} {noun}"


def _alone(word: str, names: Sequence[str]) -> bool:
    """Return whether exactly one of the objects has this colour or shape."""
    return sum(word in name.split() for name in names) == 1
