"""Parsing of instructions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulation.bench.randomise import random_scene
from simulation.bench.scene import BowlSpec, BoxSpec, DrawerSpec, ObjectSpec, SceneSpec
from simulation.bench.tasks import KINDS, Task, possible_tasks, task_from_instruction
from simulation.errors import SimulationError

SCENE = SceneSpec(
    objects=(
        ObjectSpec("red", "cube", (0.4, 0.0)),
        ObjectSpec("blue", "cube", (0.4, 0.2)),
        ObjectSpec("green", "ball", (0.5, 0.1)),
        ObjectSpec("blue", "cylinder", (0.3, 0.1)),
    ),
    bowl=BowlSpec((0.5, -0.1), "yellow"),
    box=BoxSpec((0.4, -0.2), (0.3, -0.25)),
    drawer=DrawerSpec((0.65, 0.2)),
)
SMALL = SceneSpec(objects=(ObjectSpec("red", "cube", (0.4, 0.0)),))


@pytest.mark.parametrize(
    ("text", "task"),
    [
        ("move to the red cube", Task("reach", "red cube")),
        ("Reach the green ball!", Task("reach", "green ball")),
        ("touch the bowl", Task("reach", "bowl")),
        ("Please pick up the red cube.", Task("pick up", "red cube")),
        ("lift the green one", Task("pick up", "green ball")),
        ("grab the ball", Task("pick up", "green ball")),
        ("take the blue tin", Task("pick up", "blue cylinder")),
        ("pick up the red wooden block", Task("pick up", "red cube")),
        ("pick up the lid", Task("pick up", "lid")),
        ("put the red cube in the bowl", Task("place", "red cube", "bowl")),
        ("put the red cube into the bowl", Task("place", "red cube", "bowl")),
        ("pick up the green sphere and drop it into the box", Task("place", "green ball", "box")),
        ("place the blue cylinder inside the drawer", Task("place", "blue cylinder", "drawer")),
        ("into the yellow bowl, put the red cube", None),
        ("push the red cube left", Task("push left", "red cube")),
        ("push the red cube to the right", Task("push right", "red cube")),
        ("slide the ball away", Task("push away", "green ball")),
        ("move the red cube to the left", Task("push left", "red cube")),
        ("open the drawer", Task("open drawer", "drawer")),
        ("pull the drawer open", Task("open drawer", "drawer")),
        ("close the drawer", Task("close drawer", "drawer")),
        ("push the drawer shut", Task("close drawer", "drawer")),
        ("put the lid on the box", Task("close box", "lid", "box")),
        ("close the box", Task("close box", "lid", "box")),
        ("pick up the lid and put it on the box", Task("close box", "lid", "box")),
    ],
)
def test_instructions(text, task):
    if task is None:
        with pytest.raises(SimulationError):
            task_from_instruction(text, SCENE)
    else:
        assert task_from_instruction(text, SCENE) == task


@given(st.integers(0, 10_000), st.sampled_from(list(KINDS)))
def test_every_wording_of_every_possible_task_is_understood(seed, kind):
    scene = random_scene(seed, kind)
    tasks = possible_tasks(scene)
    assert kind in {task.kind for task in tasks}
    for task in tasks:
        for wording in task.wordings:
            assert task_from_instruction(wording, scene) == task
            assert task_from_instruction(f"  {wording.upper()}. ", scene) == task


@pytest.mark.parametrize(
    ("text", "scene", "words"),
    [
        ("make me a coffee", SCENE, "It understands: reach the red cube; pick up the red cube"),
        ("", SCENE, "does not understand"),
        ("red cube", SCENE, "does not understand"),
        ("pick up", SCENE, "does not understand"),
        ("do not pick up the red cube", SCENE, "does not understand"),
        ("don't push the red cube left", SCENE, "does not understand"),
        ("pick up the purple cube", SCENE, "no purple cube on the lab's bench. There is: red cube, blue cube"),
        ("pick up the blue thing", SCENE, "can mean the blue cube or the blue cylinder"),
        ("pick up the cube", SCENE, "can mean the red cube or the blue cube"),
        ("pick up the drawer", SCENE, "does not understand"),
        ("put the red cube in the bowl", SMALL, "does not understand"),
        ("open the drawer", SMALL, "It understands: reach the red cube"),
        ("reach the red cube", SceneSpec(), "no red cube on the lab's bench. There is: nothing"),
        ("reach it", SceneSpec(), "nothing, the bench is empty"),
    ],
)
def test_what_is_not_understood_says_what_is(text, scene, words):
    with pytest.raises(SimulationError, match=words.replace(".", r"\.")):
        task_from_instruction(text, scene)


@given(st.text(max_size=60))
def test_any_text_gives_a_task_of_the_scene_or_a_sentence(text):
    try:
        task = task_from_instruction(text, SCENE)
    except SimulationError as fault:
        assert str(fault).endswith(".")
    else:
        assert task in possible_tasks(SCENE)


def test_the_usual_wording_comes_first():
    assert Task("place", "red cube", "bowl").instruction == "put the red cube in the bowl"
    assert Task("reach", "red cube").instruction == "reach the red cube"
