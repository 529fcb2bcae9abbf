"""The items of a queue, against a plain account of them."""

from collections import deque

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from specter.sansio.queue_service import Backlog


def test_items_come_out_in_the_order_in_which_they_went_in():
    backlog = Backlog()
    for item in "abc":
        assert backlog.offer(item)

    assert [backlog.take() for _ in "abc"] == ["a", "b", "c"]


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="maxsize must be 0 or more, got -1"):
        Backlog(-1)


def test_nothing_can_be_taken_from_an_empty_one():
    backlog = Backlog()
    with pytest.raises(IndexError):
        backlog.take()

    assert backlog.taken == 0


def test_what_is_exchanged_leaves_one_item_less_unfinished():
    backlog = Backlog()
    for item in "abc":
        backlog.offer(item)
    backlog.take()
    backlog.waiting.popleft()

    assert (len(backlog.waiting), backlog.taken, backlog.unfinished) == (1, 1, 2)


def test_more_cannot_be_done_than_was_taken():
    backlog = Backlog()
    backlog.offer("a")

    with pytest.raises(ValueError, match="more often"):
        backlog.done()


def test_room_is_for_the_first_in_line():
    backlog = Backlog(1)
    backlog.offer("a")
    first, second = backlog.line_up("b"), backlog.line_up("c")
    assert backlog.admit() == []

    backlog.take()
    assert not backlog.offer("d")
    assert backlog.admit() == [first]
    assert (first.state, second.state) == ("accepted", "waiting")
    assert backlog.take() == "b"
    assert backlog.admit() == [second]


def test_all_are_admitted_for_whom_there_is_room():
    backlog = Backlog(2)
    for item in "ab":
        backlog.offer(item)
    tickets = [backlog.line_up(item) for item in "cde"]
    backlog.drop()

    assert backlog.admit() == tickets[:2]
    assert list(backlog.waiting) == ["c", "d"]


def test_who_left_the_line_gets_no_room():
    backlog = Backlog(1)
    backlog.offer("a")
    first, second = backlog.line_up("b"), backlog.line_up("c")
    backlog.leave(first)
    backlog.take()

    assert backlog.admit() == [second]
    backlog.leave(second)
    assert backlog.take() == "c"


def test_a_line_that_is_refused_gets_no_room():
    backlog = Backlog(1)
    backlog.offer("a")
    line = [backlog.line_up("b"), backlog.line_up("c")]

    assert backlog.refuse() == line
    assert [ticket.state for ticket in line] == ["refused", "refused"]
    backlog.take()
    assert backlog.admit() == []


def test_what_is_dropped_is_not_unfinished():
    backlog = Backlog()
    for item in "abc":
        backlog.offer(item)
    backlog.take()

    assert backlog.drop() == 2
    assert (len(backlog.waiting), backlog.unfinished) == (0, 1)


class Accounts(RuleBasedStateMachine):
    """Every item is somewhere, once: in line, waiting, being worked on, done, dropped, refused."""

    def __init__(self):
        super().__init__()
        self.backlog = Backlog(3)
        self.number = 0
        self.line, self.waiting, self.working = deque(), deque(), []

    def next_item(self):
        self.number += 1
        return self.number

    @rule()
    def offer(self):
        item = self.next_item()
        accepted = self.backlog.offer(item)
        assert accepted == (len(self.waiting) < 3 and not self.line)
        if accepted:
            self.waiting.append(item)

    @precondition(lambda self: self.backlog.full)
    @rule()
    def line_up(self):
        self.line.append(self.backlog.line_up(self.next_item()))

    @precondition(lambda self: self.line)
    @rule(place=st.integers(0, 100))
    def leave(self, place):
        ticket = self.line[place % len(self.line)]
        self.line.remove(ticket)
        self.backlog.leave(ticket)
        self.backlog.leave(ticket)
        assert ticket.state == "refused"

    @precondition(lambda self: self.waiting)
    @rule()
    def take(self):
        item = self.backlog.take()
        assert item == self.waiting.popleft()
        self.working.append(item)

    @precondition(lambda self: self.waiting and self.working)
    @rule()
    def exchange(self):
        item = self.backlog.waiting.popleft()
        assert item == self.waiting.popleft()
        self.working[-1] = item

    @rule()
    def admit(self):
        for ticket in self.backlog.admit():
            assert ticket is self.line.popleft()
            assert ticket.state == "accepted"
            self.waiting.append(ticket.item)
        assert not self.line or len(self.waiting) == 3

    @precondition(lambda self: self.working)
    @rule()
    def done(self):
        self.backlog.done()
        self.working.pop()

    @rule()
    def refuse(self):
        assert self.backlog.refuse() == list(self.line)
        assert all(ticket.state == "refused" for ticket in self.line)
        self.line.clear()

    @rule()
    def drop(self):
        assert self.backlog.drop() == len(self.waiting)
        self.waiting.clear()

    @invariant()
    def counts_agree(self):
        assert list(self.backlog.waiting) == list(self.waiting)
        assert len(self.waiting) <= 3
        assert self.backlog.taken == len(self.working)
        assert self.backlog.unfinished == len(self.waiting) + len(self.working)


TestAccounts = Accounts.TestCase
