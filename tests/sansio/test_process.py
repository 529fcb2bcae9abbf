"""How children are started, stopped and guarded, as rules."""

import math
import os
import subprocess
import sys
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.process import (
    GUARD,
    LEAST_KILL_TIMEOUT,
    Guarded,
    StopTimes,
    group_member,
    joined_group,
    stop_plan,
    with_group,
)

TIMES = StopTimes(terminate=5, kill=1, drain=0.5)
seconds = st.floats(min_value=0, max_value=1e6)


def steps(gone, *answers):
    """The kinds of the steps of a plan, and what it returns; *answers* are given to its waits."""
    plan, waits, kinds, answer = stop_plan(TIMES, gone), iter(answers), [], None
    try:
        while True:
            step = plan.send(answer)
            kinds.append(step.kind)
            answer = next(waits) if step.kind == "wait" else gone
    except StopIteration as end:
        return kinds, end.value


def test_what_is_gone_is_only_drained():
    assert steps(True) == (["drain"], True)


def test_what_ends_by_itself_is_not_killed():
    assert steps(False, True) == (["terminate", "wait", "drain"], True)


def test_what_does_not_end_is_killed():
    assert steps(False, False, True) == (["terminate", "wait", "kill", "wait", "drain"], True)


def test_what_cannot_be_killed_is_left_behind():
    assert steps(False, False, False) == (["terminate", "wait", "kill", "wait", "drain"], False)


def test_each_wait_has_its_own_time():
    assert [step.seconds for step in stop_plan(TIMES, False)] == [0, 5, 0, 1, 0.5]


def test_without_a_deadline_times_are_as_they_are():
    assert TIMES.within(math.inf) == TIMES


def test_waits_that_fit_are_not_shortened():
    assert TIMES.within(6.5) == TIMES
    assert TIMES.within(6.4) == StopTimes(terminate=3.2, kill=1, drain=0.5)


@given(terminate=seconds, kill=seconds, drain=seconds, left=seconds)
def test_all_waits_together_end_before_the_deadline(terminate, kill, drain, left):
    given_ = StopTimes(terminate, kill, drain)
    times = given_.within(left)

    assert times.terminate <= terminate
    assert times.drain <= drain
    assert times is given_ or times.kill >= LEAST_KILL_TIMEOUT
    assert times.terminate + times.kill + times.drain <= max(left, left * 5 / 8 + LEAST_KILL_TIMEOUT) * 1.000001


@pytest.mark.parametrize(
    ("given_", "chosen", "leads"),
    [
        ({}, {"start_new_session": True}, True),
        ({"start_new_session": True}, {"start_new_session": True}, True),
        ({"start_new_session": False}, {"start_new_session": False, "process_group": 0}, True),
        ({"process_group": 0}, {"process_group": 0}, True),
        ({"process_group": None}, {"process_group": None, "start_new_session": True}, True),
        ({"process_group": 77}, {"process_group": 77}, False),
        ({"cwd": "/"}, {"cwd": "/", "start_new_session": True}, True),
    ],
)
def test_a_child_leads_a_group_unless_the_caller_put_it_into_another(given_, chosen, leads):
    assert with_group(given_, True) == (chosen, leads)


def test_without_kill_group_arguments_are_the_callers():
    assert with_group({"start_new_session": True}, False) == ({"start_new_session": True}, False)


@pytest.mark.parametrize(
    ("popen", "group"),
    [
        ({}, 7),
        ({"process_group": None}, 7),
        ({"process_group": 12}, 12),
        ({"process_group": 0}, None),
        ({"start_new_session": True}, None),
    ],
)
def test_a_child_joins_the_group_of_its_parent_unless_it_is_told_otherwise(popen, group):
    assert joined_group(popen, 7) == group


@pytest.mark.parametrize(
    ("stat", "member"),
    [
        (b"12 (sh) S 1 7 7 0 -1 4194304\n", (7, True)),
        (b"12 (a) Z (b) Z 1 8 8 0 -1\n", (8, False)),
        (b"12 (x) R 1 9 9 0 -1\n", (9, True)),
        (b"12 (x) X 1 9 9 0 -1\n", (9, False)),
    ],
)
def test_a_stat_tells_the_group_and_whether_it_lives(stat, member):
    assert group_member(stat) == member


def test_a_stat_of_this_process_can_be_read():
    with open("/proc/self/stat", "rb") as file:
        assert group_member(file.read()) == (os.getpgrp(), True)


def test_a_guard_hears_of_each_change_once():
    guarded = Guarded()

    assert guarded.guard(12, group=True) == b"+ g12\n"
    assert guarded.orphan(12) == b"- g12\n+ o12\n"
    assert guarded.orphan(12) == b""
    assert guarded.release(12) == b"- o12\n"
    assert guarded.release(12) == b""
    assert guarded.guard(13, group=False) == b"+ p13\n"
    assert guarded.release(13) == b"- p13\n"


def test_a_new_guard_hears_of_all_that_is_left():
    guarded = Guarded()
    guarded.guard(1, group=True)
    guarded.guard(2, group=False)
    guarded.release(1)
    guarded.guard(3, group=True)

    assert guarded.everything() == b"+ p2\n+ g3\n"


@pytest.mark.parametrize(
    ("program", "name"),
    [
        ("/usr/bin/convert", "convert"),
        ("averyveryverylongname", "averyveryverylo"),
        ("a b", "*"),
        ("*", "*"),
        ("", "*"),
    ],
)
def test_a_start_is_announced_by_the_name_that_the_kernel_keeps(program, name):
    assert Guarded().begin(500, program, None) == (f"s500:{name}:", f"+ s500:{name}:\n".encode())
    assert Guarded().begin(500, program, 77) == (f"s500:{name}:77", f"+ s500:{name}:77\n".encode())


def test_two_starts_at_once_are_told_apart():
    guarded = Guarded()
    (first, _), (second, _) = guarded.begin(500, "sleep", None), guarded.begin(500, "sleep", None)

    assert guarded.forget(first) == b"- s500:sleep:\n"
    assert guarded.everything() == f"+ {second}\n".encode()


def killed_by_a_guard(lines, *, app="0"):
    """Run the guard over *lines* and see it end."""
    script = GUARD.replace("kill -s", "echo kill -s").replace("kill -0", "false && kill -0")
    done = subprocess.run(
        ["/bin/sh", "-c", script, "guard", app], input=lines, capture_output=True, check=True, timeout=20
    )
    return done.stdout.decode().splitlines()


def test_a_guard_kills_what_it_was_not_told_to_forget():
    lines = b"+ g11\n+ p12\n+ g13\n- g11\n+ o14\n- g99\n"

    assert killed_by_a_guard(lines) == ["kill -s KILL 12", "kill -s KILL -- -13", "kill -s KILL -- -14"]


@given(st.lists(st.tuples(st.sampled_from(["guard", "orphan", "release"]), st.integers(1, 12)), max_size=40))
def test_a_guard_knows_what_the_rule_knows(changes):
    guarded, told = Guarded(), set()
    for change, pid in changes:
        lines = guarded.guard(pid, True) if change == "guard" else getattr(guarded, change)(pid)
        for line in lines.decode().splitlines():
            op, entry = line.split()
            (told.add if op == "+" else told.remove)(entry)

    assert told == {line.split()[1] for line in guarded.everything().decode().splitlines()}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("leads", [True, False], ids=["leader", "member"])
def test_a_guard_finds_what_had_only_begun(leads):
    since = int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK"))
    # Started by a shell that is gone, as by an application that was killed.
    begins = f"{'setsid' if leads else ''} tail -f /dev/null > /dev/null &"
    start = f"{begins} until grep -q tail /proc/$!/comm; do sleep 0.01; done; echo $!"
    orphan = int(subprocess.check_output(["sh", "-c", start]))
    with open(f"/proc/{orphan}/stat") as file:
        parent, group = file.read().rpartition(")")[2].split()[1:3]
    wanted = "" if leads else group

    def found(*entries):
        lines = "".join(f"+ {entry}\n" for entry in entries)
        return killed_by_a_guard(lines.encode(), app=parent)

    try:
        by_name, by_any_name = found(f"s{since}:tail:{wanted}"), found(f"s{since}:*:{wanted}")
        others = found(f"s{since}:head:{wanted}", f"s{since + 10_000}:tail:{wanted}", f"s{since}:tail:1")
    finally:
        os.kill(orphan, 9)

    assert by_name == [f"kill -s KILL -- {'-' if leads else ''}{orphan}"]
    assert by_name[0] in by_any_name
    assert others == []


def test_a_child_that_was_forked_names_itself_until_its_start_is_forgotten():
    guarded = Guarded()
    entry, begun = guarded.begin(5, "x*y", 7)
    alone = begun + guarded.forked(entry, 12)

    assert killed_by_a_guard(alone) == ["kill -s KILL -- -12"]
    assert killed_by_a_guard(alone + b"+ p3\n" + guarded.forget(entry)) == ["kill -s KILL 3"]
    assert guarded.everything() == b""
