"""
How a child process is started, stopped and guarded.

A stop, each arrow a step of `stop_plan`; "gone" means the child and, with `kill_group`, every process of its group:

    terminate → wait ─┬─ gone ──────────────────────────┬→ drain
                      └─ not gone → kill → wait ────────┘

The guard is a shell that reads lines from a pipe and outlives the application by a moment: at the end of the pipe it
kills what it was told of and not told to forget (`GUARD`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

# How long the last lines may take to reach their handlers when the child is gone. Seconds.
DRAIN_TIMEOUT = 1.0

# What was killed is reaped within a few milliseconds; also a stop that has no time left waits for that. Seconds.
LEAST_KILL_TIMEOUT = 0.1

# The kernel keeps so much of a program's name (`man 5 proc_pid_comm`).
_COMM_LENGTH = 15

# Its argument is the process id of the application: what that had just started may not have been handed on yet. It has
# to be started so that signals to everybody leave it alone.
GUARD = r"""
cd /; set -f
list=' '
while read -r op entry; do
    case $op in
    +) list="$list$entry " ;;
    -) case $list in *" $entry "*) list="${list%%" $entry "*} ${list#*" $entry "}" ;; esac
       case $list in *" $entry="*) rest=${list#*" $entry="}; list="${list%%" $entry="*} ${rest#* }" ;; esac ;;
    esac
done
started() {
    read -r stat < /proc/self/stat; set -- ${stat##*) }; reaper=$2
    set +f
    for folder in /proc/[0-9]*; do
        [ -O "$folder" ] && read -r stat < "$folder/stat" || continue
        id=${folder#/proc/}; name=${stat#*(}; name=${name%)*}; set -- ${stat##*) }
        case $2 in $reaper|$app) ;; *) continue ;; esac
        [ "$3" = "${group:-$id}" ] && [ "${20}" -ge "$since" ] || continue
        case $name in $program) [ "$group" ] || id=-$id; kill -s KILL -- "$id" ;; esac
    done
}
dead() {
    kill -0 "$1" || return 0
    read -r stat < "/proc/$1/stat" && case ${stat##*) } in Z*) return 0 ;; esac
    return 1
}
app=$1
for entry in $list; do
    id=${entry#?}
    case $entry in
    p*) kill -s KILL "$id" ;;
    g*) kill -s KILL -- "-$id" ;;
    o*) dead "$id" && kill -s KILL -- "-$id" ;;
    *=*) id=${id#*=}; kill -s KILL -- "-$id" || kill -s KILL "$id" ;;
    s*) since=${id%%:*}; id=${id#*:}; program=${id%:*}; group=${id##*:}; started ;;
    esac
done
"""


class Step(NamedTuple):
    """
    One step of a stop.

    Args:
        kind: ``terminate`` and ``kill`` send a signal, ``wait`` waits until all is gone, ``drain`` until readers ended.
        seconds: How long ``wait`` and ``drain`` wait at most.
    """

    kind: Literal["terminate", "wait", "kill", "drain"]
    seconds: float = 0.0


@dataclass(frozen=True)
class StopTimes:
    """How long each wait of a stop takes at most. Seconds, 0 or more."""

    terminate: float
    kill: float
    drain: float = DRAIN_TIMEOUT

    def within(self, left: float) -> StopTimes:
        """
        Shorten the waits so that the child is killed, reaped and read to its end before a deadline.

        Args:
            left: Seconds until the deadline; infinite if there is none.
        """
        if self.terminate + self.kill + self.drain <= left:
            return self
        return StopTimes(
            terminate=min(self.terminate, left / 2),
            kill=max(min(self.kill, left / 4), LEAST_KILL_TIMEOUT),
            drain=min(self.drain, left / 8),
        )


def stop_plan(times: StopTimes, gone: bool) -> Generator[Step, bool, bool]:
    """
    Plan a stop.

    Args:
        times: How long each wait takes at most.
        gone: The child and its group have ended already.

    Returns:
        Steps; after a ``wait`` the generator is sent whether all is gone. At its end it returns that.
    """
    if not gone:
        yield Step("terminate")
        gone = yield Step("wait", times.terminate)
    if not gone:
        yield Step("kill")
        gone = yield Step("wait", times.kill)
    yield Step("drain", times.drain)
    return gone


def with_group(popen: Mapping[str, Any], kill_group: bool) -> tuple[dict[str, Any], bool]:
    """
    Choose the arguments that give a child a process group of its own.

    The group is that of a new session: a child in the background of a terminal's own session would be suspended as soon
    as it reads from that terminal. Ctrl-C reaches only the application then, which stops its children in order.

    Args:
        popen: Keyword arguments for `subprocess.Popen`.
        kill_group: Whether a group is wanted.

    Returns:
        The arguments to use, and whether the child leads a group: not if the caller put it into another one.
    """
    chosen = dict(popen)
    if not kill_group:
        return chosen, False
    if chosen.get("process_group") is None and not chosen.get("start_new_session"):
        if "start_new_session" in chosen:
            chosen["process_group"] = 0
        else:
            chosen["start_new_session"] = True
    return chosen, bool(chosen.get("start_new_session")) or chosen["process_group"] == 0


def joined_group(popen: Mapping[str, Any], own: int) -> int | None:
    """
    Tell the process group that a child will be in.

    Args:
        popen: Keyword arguments for `subprocess.Popen`.
        own: The group of this process.

    Returns:
        `None` for one of its own.
    """
    group = popen.get("process_group")
    if popen.get("start_new_session") or group == 0:
        return None
    return own if group is None else int(group)


def group_member(stat: bytes) -> tuple[int, bool]:
    """
    Read ``/proc/PID/stat``: the process group, and whether the process is more than a zombie.

    Source: ``man 5 proc_pid_stat``. The second field, the name in parentheses, may itself contain parentheses.
    """
    state, _parent, group = stat.rpartition(b")")[2].split(maxsplit=3)[:3]
    return int(group), state not in (b"Z", b"X")


class Guarded:
    """
    What the guard must kill when the application dies: entries, and the lines that tell it of them.

    ``g12`` is group 12 as long as its leader is not reaped, ``o12`` the same afterwards (an orphaned group: should
    there be a process 12 again, the number was given to a stranger), ``p12`` the single process 12, and ``s345:sleep:``
    a program of which only the start is known: since when, in clock ticks after boot, its name, and the number of the
    group that it joins if it leads none. With ``=12`` after it, that is process 12, or its group.
    """

    def __init__(self) -> None:
        self._entries: dict[str, None] = {}

    def begin(self, since: int, program: str, group: int | None) -> tuple[str, bytes]:
        """
        A child is about to be started.

        Args:
            since: Clock ticks since boot, not later than now.
            program: As given to `subprocess.Popen`.
            group: The process group that it joins; `None` for one of its own.

        Returns:
            The entry, to be given to `forget` once the child is known, and the line.
        """
        name = os.path.basename(program)[:_COMM_LENGTH]
        # In a name that a shell would read as a pattern, or split, any name will do.
        rest = f"{name if re.fullmatch('[A-Za-z0-9_.+-]+', name) else '*'}:{'' if group is None else group}"
        while (entry := f"s{since}:{rest}") in self._entries:
            since -= 1
        return entry, self._add(entry)

    def forked(self, entry: str, pid: int) -> bytes:
        """What the child says itself that has just been forked, and is about to load the program."""
        return f"+ {entry}={pid}\n".encode()

    def guard(self, pid: int, group: bool) -> bytes:
        """A child was started, with a group of its own or without."""
        return self._add(f"g{pid}" if group else f"p{pid}")

    def orphan(self, pid: int) -> bytes:
        """The leader of a group is about to be reaped, what else is in it lives on. Told twice, it counts once."""
        line = self.forget(f"g{pid}")
        return line and line + self._add(f"o{pid}")

    def release(self, pid: int) -> bytes:
        """Nothing is left of a child, or it is about to be reaped and has no group."""
        return b"".join(self.forget(f"{kind}{pid}") for kind in "gop")

    def forget(self, entry: str) -> bytes:
        """Take out one entry, and what the child has added to it. Nothing to say if it is not known."""
        if entry not in self._entries:
            return b""
        del self._entries[entry]
        return f"- {entry}\n".encode()

    def everything(self) -> bytes:
        """All lines that a new guard must hear."""
        return b"".join(f"+ {entry}\n".encode() for entry in self._entries)

    def _add(self, entry: str) -> bytes:
        self._entries[entry] = None
        return f"+ {entry}\n".encode()
