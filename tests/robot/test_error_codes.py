"""Every error number of the arm has a message with a meaning and a remedy."""

import importlib

import pytest

from robot.controller.error_codes import (
    API_CODES,
    CONTROLLER_ERRORS,
    CONTROLLER_WARNINGS,
    GRIPPER_ERRORS,
    LINK_CODES,
    api_code,
    controller_error,
    controller_warning,
    gripper_error,
)


@pytest.fixture(scope="module")
def sdk_codes():
    codes = importlib.import_module("xarm.core.config.x_code")
    yield codes


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("ControllerErrorCodeMap", CONTROLLER_ERRORS),
        ("ControllerWarnCodeMap", CONTROLLER_WARNINGS),
        ("GripperErrorCodeMap", GRIPPER_ERRORS),
    ],
)
def test_the_tables_know_every_code_of_the_sdk(sdk_codes, name, table):
    theirs = {code for code in getattr(sdk_codes, name) if isinstance(code, int)}
    assert theirs <= set(table)


def test_every_sentence_is_one():
    for table in (CONTROLLER_ERRORS, CONTROLLER_WARNINGS, GRIPPER_ERRORS, API_CODES):
        for code, (meaning, cure) in table.items():
            assert meaning.endswith(".") and meaning[0].isupper(), code
            assert cure.endswith(".") and cure[0].isupper(), code


def test_unknown_codes_have_a_sentence_too():
    assert "controller error 99" in controller_error(99)
    assert "controller warning 99" in controller_warning(99)
    assert "gripper error 99" in gripper_error(99)
    assert "SDK code -99" in api_code(-99)


def test_the_number_is_part_of_the_sentence():
    assert controller_error(31).endswith("(controller error 31)")


def test_codes_of_a_lost_link_have_meanings():
    assert set(API_CODES) >= LINK_CODES
