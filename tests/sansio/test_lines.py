"""Characters, lines and chunks put together from reads that end anywhere."""

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from specter.sansio.lines import Chunks, Decoder, Items, Lines, without_ending

ENCODINGS = [
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "utf-32",
    "cp1252",
    "shift_jis",
    "gb18030",
    "iso2022_jp",
    "utf-7",
]


def pieces(data, cuts):
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in pairwise(places)]


def decoded(decoder, reads):
    return "".join(map(decoder.decode, reads)) + decoder.decode(b"", final=True)


def taken(splitter, reads):
    items = [item for read in reads for item in splitter.feed(read)]
    return items, splitter.rest()


def encodable(text, encoding):
    return text.encode(encoding, "ignore")


cuts = st.lists(st.integers(min_value=0, max_value=10_000), max_size=40)
texts = st.text(
    st.sampled_from("ab\r\n\u2028é€あ語😀")
    | st.characters(exclude_categories=["Cs"], exclude_characters="\x0e\x0f\x1b"),
    max_size=60,
)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=texts, cuts=cuts)
def test_characters_are_those_of_one_read_whatever_the_splits(encoding, text, cuts):
    data = encodable(text, encoding)
    whole = io.TextIOWrapper(io.BytesIO(data), encoding).read()

    decoder = Decoder(encoding)

    assert decoded(decoder, pieces(data, cuts)) == whole
    assert decoder.error is None


@given(data=st.binary(max_size=60), cuts=cuts)
def test_bytes_that_do_not_fit_lose_no_others(data, cuts):
    text = decoded(Decoder("utf-8"), pieces(data, cuts))
    whole = data.decode("utf-8", "backslashreplace").replace("\r\n", "\n").replace("\r", "\n")

    assert text == whole


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.binary(max_size=60), cuts=cuts)
def test_no_bytes_stop_a_decoder(encoding, data, cuts):
    decoded(Decoder(encoding), pieces(data, cuts))


def test_the_first_byte_that_does_not_fit_is_kept():
    decoder = Decoder("utf-8")

    assert decoder.decode(b"a\xff b") == "a\\xff b"
    assert decoder.error is not None
    assert decoder.error.object[decoder.error.start] == 0xFF


def test_other_ways_to_treat_errors_are_kept():
    decoder = Decoder("utf-8", "replace")

    assert decoder.decode(b"a\xffb") == "a\ufffdb"
    assert decoder.error is None


def test_a_missing_byte_order_mark_loses_nothing():
    decoder = Decoder("utf-16")

    assert decoded(decoder, [b"a", b"b\n", b"c\xff"]) == "ab\nc\\xff"
    assert decoder.error is not None


def test_an_incomplete_character_at_the_end_is_not_lost():
    decoder = Decoder("utf-8")

    assert decoder.decode("é".encode()[:1]) == ""
    assert decoder.decode(b"", final=True) == "\\xc3"


def test_an_unknown_encoding_is_named():
    with pytest.raises(LookupError, match="utf-99"):
        Decoder("utf-99")


@given(text=texts, cuts=cuts)
def test_lines_are_those_of_one_read_whatever_the_splits(text, cuts):
    whole = text.split("\n")

    lines, last = taken(Lines("\n"), pieces(text, cuts))

    assert lines == [line + "\n" for line in whole[:-1]]
    assert last == whole[-1]


@given(data=st.binary(max_size=80).map(lambda data: data.replace(b"a", b"\n")), cuts=cuts)
def test_lines_of_bytes_keep_every_byte(data, cuts):
    lines, last = taken(Lines(b"\n"), pieces(data, cuts))

    assert b"".join(lines) + last == data
    assert all(line.count(b"\n") == 1 and line.endswith(b"\n") for line in lines)


@given(text=texts, cuts=cuts, longest=st.integers(1, 12))
def test_long_lines_are_cut_and_the_rest_counted(text, cuts, longest):
    lines = Lines("\n", longest)
    whole = text.split("\n")

    items, last = taken(lines, pieces(text, cuts))

    assert items == [line[:longest] + "\n" for line in whole[:-1]]
    assert last == whole[-1][:longest]
    assert lines.left_out == sum(max(0, len(line) - longest) for line in whole)


def test_an_endless_line_is_kept_in_bounds():
    lines = Lines(b"\n", longest=1000)
    for _ in range(10_000):
        assert lines.feed(b"x" * 777) == []

    assert len(lines.rest()) == 1000
    assert lines.left_out == 777 * 10_000 - 1000


def test_the_rest_is_taken_out():
    lines = Lines("\n")
    lines.feed("a\nbc")

    assert (lines.rest(), lines.rest()) == ("bc", "")
    assert lines.feed("d\n") == ["d\n"]


@given(data=st.binary(max_size=80), cuts=cuts, size=st.integers(1, 12))
def test_chunks_have_one_size_whatever_the_splits(data, cuts, size):
    chunks, last = taken(Chunks(b"", size), pieces(data, cuts))

    assert b"".join(chunks) + last == data
    assert {len(chunk) for chunk in chunks} <= {size}
    assert len(last) < size


@given(text=texts, cuts=cuts, encoding=st.sampled_from(["utf-8", "utf-16", None]), data=st.data())
def test_items_lose_nothing_however_they_are_taken(text, cuts, encoding, data):
    """Lines, then chunks, then lines: each reader takes some and leaves the rest to the next."""
    reads = pieces(text.encode(encoding or "utf-8"), cuts)
    items, taken_out = Items(Decoder(encoding) if encoding else None), []
    for read in reads:
        items.feed(read)
        items.split(None, bare=data.draw(st.booleans()))
        items.split(data.draw(st.none() | st.integers(1, 5)))
        taken_out += [items.take() for _ in range(data.draw(st.integers(0, len(items))))]
    items.split(None, bare=data.draw(st.booleans()))
    items.end()
    items.split(data.draw(st.none() | st.integers(1, 5)))
    taken_out += [items.take() for _ in range(len(items))]

    if encoding:
        assert "".join(taken_out) == text.replace("\r\n", "\n").replace("\r", "\n")
    else:
        assert b"".join(taken_out) == b"".join(reads)
    assert items.ended
    assert items.error is None


def test_items_are_lines_until_chunks_are_asked_for():
    items = Items()
    items.feed(b"a\nbcd")
    assert items.take() == b"a\n"
    assert len(items) == 0

    items.split(2)
    assert [items.take(), len(items)] == [b"bc", 0]

    items.split(None)
    items.end()
    assert [items.take(), len(items)] == [b"d", 0]


@given(text=texts, cuts=cuts, encoding=st.sampled_from(["utf-8", None]), longest=st.integers(1, 20))
def test_bare_lines_are_the_lines_without_their_endings(text, cuts, encoding, longest):
    bare, whole = (Items(Decoder(encoding) if encoding else None, longest) for _ in range(2))
    bare.split(None, bare=True)
    for items in (bare, whole):
        for read in pieces(text.encode(), cuts):
            items.feed(read)
        items.end()

    trim = bare.trim or str
    assert [*map(trim, bare.take_all())] == [*map(without_ending, whole.take_all())]
    assert bare.left_out == whole.left_out


def test_what_was_taken_and_not_used_is_given_back():
    items = Items()
    items.feed(b"a\nb\nc\nd")
    taken_out = iter(items.take_all())
    items.feed(b"\n")

    assert (next(taken_out), len(items)) == (b"a\n", 1)

    items.put_back(taken_out)
    assert items.take_all() == [b"b\n", b"c\n", b"d\n"]
    assert len(items) == 0


def test_chunks_at_once_wait_for_no_more():
    items = Items()
    items.split(3, at_once=True)
    for read in (b"a", b"bcdef", b"ghi"):
        items.feed(read)
    items.end()

    assert [items.take() for _ in range(len(items))] == [b"a", b"bcd", b"ef", b"ghi"]


def test_what_somebody_else_had_decoded_comes_first():
    items = Items(Decoder("utf-8"))
    items.feed_decoded("\u00e9a\nb")
    items.feed("c\nd\u00e9".encode())
    items.end()

    assert [items.take() for _ in range(len(items))] == ["\u00e9a\n", "bc\n", "d\u00e9"]


def test_items_count_what_is_left_out_of_all_lines():
    items = Items(longest=2)
    items.feed(b"abcd\nabc")
    items.split(3)
    items.split(None)
    items.feed(b"def\n")
    items.end()

    assert [items.take() for _ in range(len(items))] == [b"ab\n", b"ab\n"]
    assert items.left_out == 2 + 1 + 3


def test_items_tell_of_bytes_that_do_not_fit():
    items = Items(Decoder("ascii"))
    assert items.error is None

    items.feed(b"\xff\n")

    assert items.take() == "\\xff\n"
    assert items.error is not None


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        ("a\n", "a"),
        ("a\r\n", "a"),
        ("a", "a"),
        ("a \n", "a "),
        ("\n", ""),
        ("a\n\n", "a\n"),
        (b"a\r\n", b"a"),
        (b"a", b"a"),
    ],
)
def test_one_ending_is_taken_off(line, bare):
    assert without_ending(line) == bare


def test_lines_that_come_whole_in_one_long_read_are_cut_as_well():
    lines = Lines("\n", longest=3)

    assert lines.feed("a\nbcdef\ngh\ni") == ["a\n", "bcd\n", "gh\n"]
    assert lines.rest() == "i"
    assert lines.left_out == 2
