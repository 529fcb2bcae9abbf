"""Packets of Engine.IO and Socket.IO, to and from frames."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.errors import PacketError
from specter.sansio.socket_packets import Decoder, Kind, Packet, encode, from_arguments, to_arguments

# As https://socket.io/docs/v4/socket-io-protocol/ and .../engine-io-protocol/ show them.
SPECIFIED = [
    (["40"], Packet(Kind.CONNECT)),
    (['40{"token":"123"}'], Packet(Kind.CONNECT, data={"token": "123"})),
    (['40/admin,{"token":"123"}'], Packet(Kind.CONNECT, "/admin", {"token": "123"})),
    (["41/admin,"], Packet(Kind.DISCONNECT, "/admin")),
    (['42["foo"]'], Packet(Kind.EVENT, data=["foo"])),
    (['42/admin,["bar"]'], Packet(Kind.EVENT, "/admin", ["bar"])),
    (['4212["foo"]'], Packet(Kind.EVENT, data=["foo"], number=12)),
    (['43/admin,13["bar"]'], Packet(Kind.ACK, "/admin", ["bar"], 13)),
    (['44{"message":"Not authorized"}'], Packet(Kind.CONNECT_ERROR, data={"message": "Not authorized"})),
    (
        ['451-["baz",{"_placeholder":true,"num":0}]', b"\1\2\3\4"],
        Packet(Kind.EVENT, data=["baz", b"\1\2\3\4"]),
    ),
    (
        ['452-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', b"\1", b"\2"],
        Packet(Kind.EVENT, "/admin", ["baz", b"\1", b"\2"]),
    ),
    (
        ['461-15["bar",{"_placeholder":true,"num":0}]', b"\1\2\3\4"],
        Packet(Kind.ACK, data=["bar", b"\1\2\3\4"], number=15),
    ),
    (['0{"sid":"lv_VI97HAXpY6yYWAAAC"}'], Packet(Kind.OPEN, data={"sid": "lv_VI97HAXpY6yYWAAAC"})),
    (["1"], Packet(Kind.CLOSE)),
    (["2"], Packet(Kind.PING)),
    (["3"], Packet(Kind.PONG)),
    (["2probe"], Packet(Kind.PING, data="probe")),
    (["5"], Packet(Kind.UPGRADE)),
    (["6"], Packet(Kind.NOOP)),
]
namespaces = st.just("/") | st.from_regex(r"/[a-z0-9/?=]{0,10}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
numbers = st.integers(min_value=0, max_value=2**53)
packets = st.one_of(
    st.builds(
        lambda namespace, name, arguments, number: Packet(Kind.EVENT, namespace, [name, *arguments], number),
        namespaces,
        st.text(),
        st.lists(values, max_size=4),
        st.none() | numbers,
    ),
    st.builds(Packet, st.just(Kind.ACK), namespaces, st.lists(values, max_size=4), numbers),
    st.builds(
        Packet,
        st.sampled_from([Kind.CONNECT, Kind.CONNECT_ERROR]),
        namespaces,
        st.none() | st.dictionaries(st.text(), st.text() | st.integers(), max_size=3),
    ),
    st.builds(Packet, st.just(Kind.DISCONNECT), namespaces),
    st.builds(Packet, st.sampled_from([Kind.PING, Kind.PONG]), data=st.none() | st.text(min_size=1)),
)


def decoded(frames: list[str | bytes]) -> list[Packet]:
    decoder = Decoder()
    return [packet for frame in frames if (packet := decoder.feed(frame)) is not None]


@pytest.mark.parametrize(("frames", "packet"), SPECIFIED, ids=[frames[0][:12] for frames, _ in SPECIFIED])
def test_packets_are_framed_as_specified(frames: list[str | bytes], packet: Packet) -> None:
    assert encode(packet) == frames
    assert decoded(frames) == [packet]


@given(sent=st.lists(packets, max_size=4))
def test_what_is_framed_is_read_again(sent: list[Packet]) -> None:
    assert decoded([frame for packet in sent for frame in encode(packet)]) == sent


@given(frame=st.text(st.sampled_from('0123456789-/,[]{}":_abnumplcehodr truе'), max_size=40))
def test_no_text_breaks_the_reader(frame: str) -> None:
    decoder = Decoder()
    try:
        decoder.feed(frame)
        decoder.feed(b"")
    except PacketError as error:
        assert str(error)


@pytest.mark.parametrize("data", [bytearray(b"x"), memoryview(b"x"), (b"x",)], ids=["array", "view", "in a tuple"])
def test_all_that_is_bytes_is_sent_as_bytes(data: Any) -> None:
    frames = encode(Packet(Kind.EVENT, data=["event", data]))

    assert frames[1:] == [b"x"]


def test_a_namespace_without_a_comma_is_read() -> None:
    assert decoded(["41/admin"]) == [Packet(Kind.DISCONNECT, "/admin")]


def test_a_placeholder_in_a_packet_without_bytes_is_data() -> None:
    packet = Packet(Kind.EVENT, data=["event", {"_placeholder": True, "num": 0}])

    assert decoded(encode(packet)) == [packet]


@pytest.mark.parametrize(
    ("frames", "problem"),
    [
        ([""], "must begin with the digit of a packet, got ''"),
        (["7"], "must begin with the digit of a packet, got '7'"),
        (["4"], "must begin with the digit"),
        (["49"], "must begin with the digit"),
        (["42"], "must be a list that begins with the name of the event, got None"),
        (["42[]"], "must be a list that begins with the name"),
        (["42[1]"], "must be a list that begins with the name"),
        (['42{"a":1}'], "must be a list that begins with the name"),
        (['42["event"'], "no JSON in"),
        (["42" + "[" * 100_000], "no JSON in"),
        (["43[1]"], "must have a number and a list, got None"),
        (["431{}"], "must have a number and a list, got 1"),
        (['45["event"]'], "the number of binary frames is missing"),
        (['45-["event"]'], "the number of binary frames is missing"),
        (['451-["event",{"_placeholder":true,"num":1}]', b""], "1 binary frames, and no number 1"),
        (['451-["event",{"_placeholder":true,"num":-1}]', b""], "no number -1"),
        (['451-["event",{"_placeholder":true,"num":true}]', b""], "no number True"),
        (['451-["event",{"_placeholder":true}]', b""], "no number None"),
        (['452-["event"]', b"", "2"], "1 binary frames should have come before '2'"),
        ([b"123"], "a binary frame of 3 bytes belongs to no packet"),
    ],
)
def test_what_is_no_packet_says_why(frames: list[str | bytes], problem: str) -> None:
    with pytest.raises(PacketError, match=problem):
        decoded(frames)


@pytest.mark.parametrize(
    ("packet", "problem"),
    [
        (Packet(Kind.EVENT, data=["event", object]), "EVENT can carry JSON and bytes, but not"),
        (Packet(Kind.CONNECT, data={"token": b""}), "CONNECT can carry JSON, but not"),
        (Packet(Kind.EVENT, data="event"), "must be a list that begins with the name of the event, got 'event'"),
        (Packet(Kind.ACK, data=[]), "an ACK must have a number and a list, got None"),
        (Packet(Kind.CONNECT, number=1), "CONNECT cannot have the number 1"),
        (Packet(Kind.EVENT, data=["event"], number=-1), "EVENT cannot have the number -1"),
        (Packet(Kind.CONNECT, "admin"), "must begin with '/' and have no comma, got 'admin'"),
        (Packet(Kind.CONNECT, "/a,b"), "must begin with '/' and have no comma, got '/a,b'"),
    ],
    ids=lambda value: value.kind.name if isinstance(value, Packet) else "",
)
def test_what_cannot_be_sent_says_why(packet: Packet, problem: str) -> None:
    with pytest.raises(PacketError, match=problem):
        encode(packet)


def test_a_long_frame_is_not_shown_in_full() -> None:
    with pytest.raises(PacketError) as raised:
        decoded(["42" + "x" * 1_000_000])

    assert len(str(raised.value)) < 250


@pytest.mark.parametrize(
    ("data", "arguments"),
    [(None, []), (1, [1]), ([1, 2], [[1, 2]]), ((1, 2), [1, 2])],
    ids=["none", "one", "a list", "several"],
)
def test_data_are_arguments_and_back(data: Any, arguments: list[Any]) -> None:
    assert to_arguments(data) == arguments
    assert from_arguments(arguments) == data
