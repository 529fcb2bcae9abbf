"""Values by key, and who provided them, against a dict."""

import re

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from specter.sansio.registry import Entries, checked_key


@pytest.mark.parametrize("key", ["a", " a", "a ", "\ta\n"])
def test_white_space_round_a_key_does_not_count(key):
    assert checked_key(key) == "a"


@pytest.mark.parametrize("key", ["", " ", None, 1, b"a", ["a"]])
def test_what_is_no_key(key):
    with pytest.raises(TypeError, match=re.escape(f"a registry key must be a non-empty string, got {key!r}")):
        checked_key(key)


def test_a_taken_key():
    entries = Entries()
    entries.provide("a", 1, replace=False)
    with pytest.raises(KeyError, match="'a' is provided already; pass replace=True"):
        entries.provide("a", 2, replace=False)

    assert entries.resolve("a") == 1


def test_a_proof_is_of_one_value():
    entries = Entries()
    first = entries.provide("a", 1, replace=False)
    second = entries.provide("a", 1, replace=True)

    assert not entries.withdraw("a", first)
    assert entries.is_replaced("a", first)
    assert not entries.is_replaced("a", second)
    assert entries.withdraw("a", second)
    assert not entries.withdraw("a", second)
    assert not entries.is_replaced("a", second)


def test_requiring_what_is_not_there():
    entries = Entries()
    with pytest.raises(KeyError, match="'x' is not provided; there are: none"):
        entries.require("x")
    entries.provide("b", 1, replace=False)
    entries.provide("a", None, replace=False)
    with pytest.raises(KeyError, match="'x' is not provided; there are: a, b"):
        entries.require("x")
    assert entries.require("a") is None


def test_errors_can_have_other_words():
    entries = Entries(taken="{key} is taken", missing="{key} is none of {keys}")
    for key in "ba":
        entries.provide(key, 1, replace=False)

    with pytest.raises(KeyError, match="a is taken"):
        entries.provide("a", 2, replace=False)
    with pytest.raises(KeyError, match=re.escape("x is none of ['b', 'a']")):
        entries.require("x")
    with pytest.raises(TypeError, match="a key is wanted for x, got 1"):
        checked_key(1, "a key is wanted for {}", "x")


class AgainstADict(RuleBasedStateMachine):
    proofs = Bundle("proofs")
    keys = st.sampled_from("abc")

    def __init__(self):
        super().__init__()
        self.entries = Entries()
        self.model = {}

    @rule(target=proofs, key=keys, value=st.none() | st.integers(), replace=st.booleans())
    def provide(self, key, value, replace):
        if key in self.model and not replace:
            with pytest.raises(KeyError):
                self.entries.provide(key, value, replace=False)
            return key, object()
        proof = self.entries.provide(key, value, replace=replace)
        self.model[key] = (value, proof)
        return key, proof

    @rule(given=proofs)
    def withdraw(self, given):
        key, proof = given
        held = key in self.model and self.model[key][1] is proof
        assert self.entries.withdraw(key, proof) == held
        if held:
            del self.model[key]

    @rule(key=keys)
    def unregister(self, key):
        assert self.entries.unregister(key) == (self.model.pop(key, None) is not None)

    @rule()
    def clear(self):
        self.entries.clear()
        self.model.clear()

    @invariant()
    def same(self):
        assert self.entries.keys() == sorted(self.model)
        for key in "abc":
            assert self.entries.has(key) == (key in self.model)
            assert self.entries.resolve(key) == self.model.get(key, (None, None))[0]


TestAgainstADict = AgainstADict.TestCase
TestAgainstADict.settings = settings(max_examples=60, stateful_step_count=30)


def test_what_is_taken_over_is_there_until_something_is_provided_in_its_place():
    before, entries = Entries(), Entries()
    before.provide("a", 1, replace=False)
    proof = before.provide("b", 2, replace=False)
    entries.take_over(before)
    assert entries.values == {"a": 1, "b": 2}

    entries.provide("a", 3, replace=False)
    with pytest.raises(KeyError, match="provided already"):
        entries.provide("a", 4, replace=False)
    assert entries.withdraw("b", proof)
    assert (entries.values, before.values) == ({"a": 3}, {"a": 1, "b": 2})


def test_the_proof_is_that_of_the_value_which_is_there():
    entries = Entries()
    assert entries.proof("a") is None

    entries.provide("a", 1, replace=False)
    second = entries.provide("a", 2, replace=True)
    assert entries.proof("a") is second
    entries.unregister("a")
    assert entries.proof("a") is None
