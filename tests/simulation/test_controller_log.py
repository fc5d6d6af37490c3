from wire import Wire

from foundation import xarm7
from simulation.controller.log import CommandLog
from simulation.controller.protocol import Register


def test_the_log_tells_what_came_from_whom_and_when():
    wire = Wire().ready(1)
    wire.run(0.1)
    wire.servo(xarm7.HOME)
    wire.set_state(4)
    log = wire.controller.log
    (stop,) = log.stops()
    assert (stop.register, stop.client, stop.first) == (Register.SET_STATE, "test", 4)
    assert stop.time == wire.controller.time
    assert log.count(Register.SET_STATE) == 2
    assert log.count(Register.SET_STATE, 0) == 1
    assert log.count(Register.CLEAR_ERROR) == 1
    (target,) = log.received(Register.SERVO_JOINTS)
    assert target.floats(7) == wire.controller.log.received(29)[0].floats(7)
    assert abs(target.floats(7)[1] - xarm7.HOME[1]) < 1e-6
    assert [entry.register for entry in log] == [16, 11, 19, 12, 29, 12]


def test_arrival_times_are_the_callers():
    wire = Wire()
    wire.controller.handle(b"\0\x01\0\x02\0\x02\x0c\x04", "test", arrived=123.5)
    assert wire.controller.log.stops()[0].time == 123.5


def test_hanging_controllers_still_log():
    wire = Wire()
    wire.controller.faults.hang = True
    assert wire.controller.handle(b"\0\x01\0\x02\0\x02\x0c\x04", "test") is None
    assert wire.controller.log.count(Register.SET_STATE, 4) == 1


def test_streams_and_queries_never_push_out_commands_and_counts_stay_exact():
    log = CommandLog(commands=10, stream=10)
    log.add(0.0, Register.CLEAR_ERROR, "a", b"")
    for k in range(100):
        log.add(float(k), Register.SERVO_JOINTS, "a", b"\0" * 40)
        log.add(float(k), Register.GET_STATE, "a", b"")
    assert len(log.received(Register.CLEAR_ERROR)) == 1
    assert len(log.received(Register.SERVO_JOINTS)) == 10
    assert log.received(Register.SERVO_JOINTS)[0].time == 90.0
    assert log.count(Register.SERVO_JOINTS) == log.count(Register.GET_STATE) == 100
    for k in range(20):
        log.add(float(k), Register.SET_STATE, "a", b"\x04")
    assert len(log.stops()) == 10
    assert log.count(Register.SET_STATE, 4) == 20
    log.clear()
    assert not list(log)
    assert log.count(Register.SET_STATE) == 0
