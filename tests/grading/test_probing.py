"""Transcripts: what an answer returned, as plain data, and what it is worth. A transcript comes from a learner's process."""

import base64
import json
import sys
import time
from collections import OrderedDict, namedtuple
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.grading.marks import passed, share
from course_lib.grading.probing import DEEPEST, LARGEST, LONGEST, PROBES, Probe, agree, plain, probe, read_array, transcript

TOLERANCE = 1e-5
Point = namedtuple("Point", "x y")


def sent(value):
    """A value's plain form after its way out of the learner's process."""
    return json.loads(json.dumps(plain(value)))


def same(got, expected, tolerance=TOLERANCE):
    return agree(sent(got), sent(expected), tolerance)


def judge(got, expected, tolerance=TOLERANCE):
    """Whether a hidden test is passed whose transcript is `got`, which may be forged."""
    return passed([Probe("0", None, "a test", False, tolerance, None)], [{"returned": got}], [{"returned": sent(expected)}]) == [True]


def shown(value):
    """A value in a test's name, the same in every process."""
    text = hex(value) if type(value) is int else str(value)
    return type(value).__name__ if text.startswith("<") else f"{type(value).__name__} {text[:20]!r}"


class FakeTensor:
    """Looks like a tensor of tensorflow's."""

    def __init__(self, values):
        self.values = np.asarray(values)

    @property
    def shape(self):
        return self.values.shape

    def numpy(self):
        return self.values


FakeTensor.__module__ = "tensorflow.python.framework.ops"


def tensor(values, **options):
    import torch

    return torch.tensor(values, **options)


# --- plain forms --------------------------------------------------------------------------------------------------------------------------

DATA = [
    None, True, False, 0, 1, -1, 2**63, -(2**63), 2**64 - 1, 0.1, -0.0, 1e308, 5e-324, float("nan"), float("inf"), -float("inf"),
    "", "é 孫 \U0001f600", "\n\t\0", "\ud800", "x" * LONGEST,
    [], (), {}, [[]], [[], [[]]], [1, "1", None, True, 1.5], (1, (2, (3,))), {"a": 1, "b": [2]}, {1: 2, None: 3, (1, 2): 4, 1.5: "x"},
    OrderedDict(a=1), Point(1, 2),
    np.bool_(True), np.int8(-1), np.uint64(2**64 - 1), np.float16(0.5), np.float32(0.1), np.float64("nan"), np.str_("x"),
    np.array(3), np.array(3.5), np.array(True), np.array(2.5, np.float32),
    np.zeros(0), np.zeros((0, 3)), np.zeros((2, 0)), np.arange(6).reshape(2, 3), np.arange(6, dtype=np.uint8), np.array([True, False]),
    np.array([np.nan, np.inf, -np.inf, -0.0]), np.arange(3, dtype=">f8"), np.arange(3, dtype=np.float16), np.arange(3, dtype=np.longdouble),
    np.arange(12).reshape(3, 4).T, np.arange(10)[::-2], np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.broadcast_to(1.0, (2, 3)),
    np.zeros((1,) * 8), [np.arange(2), {"k": np.float32(1)}],
    FakeTensor([1.0, 2.0]), FakeTensor(3.0), FakeTensor(np.zeros((0, 2))),
]  # fmt: skip


@pytest.mark.parametrize("value", DATA, ids=shown)
def test_plain_data_goes_out_of_the_process_and_agrees_with_itself(value):
    assert json.dumps(sent(value)) == json.dumps(plain(value))
    assert "object" not in json.dumps(plain(value))
    assert same(value, value)


@pytest.mark.parametrize("value", [np.longdouble(0.5), np.array(0.5, np.longdouble)], ids=["scalar", "array"])
def test_a_number_of_numpys_that_python_has_no_type_for_does_not_break_the_transcript(value):
    assert same(value, value)
    assert not same(value, 1.0)


@pytest.mark.parametrize("value", [
    object(), print, int, ..., b"bytes", bytearray(2), 1j, np.complex64(1j), {1, 2}, frozenset(), range(3), iter([]), Fraction(1, 2),
    SimpleNamespace(a=1), 2**64, -(2**64), 10**5000, np.array([1j]), np.array(["a"]), np.array([None]), np.array([object()]),
    np.datetime64("2020-01-01"), np.array(["2020"], "datetime64[Y]"), np.zeros(2, [("a", "f4")]), np.zeros(LARGEST // 8 + 1),
    [1] * (LONGEST + 1), dict.fromkeys(range(LONGEST + 1)), np.zeros(0, object), slice(1), memoryview(b"x"), NotImplementedError("x"),
], ids=shown)  # fmt: skip
def test_what_is_no_data_leaves_the_process_as_the_name_of_its_type(value):
    form = sent(value)
    assert form.keys() == {"object"}
    assert len(form["object"]) <= LONGEST
    assert not any(same(value, data) or same(data, value) for data in DATA)


def test_a_torch_tensor_keeps_its_values_and_its_shape():
    import torch

    shaped = [torch.zeros(()), torch.zeros(0), torch.arange(6).reshape(2, 3).T]
    for value in [*shaped, torch.ones(2, requires_grad=True) * 2, torch.nn.Parameter(torch.ones(1))]:
        assert sent(value)["shape"] == list(value.shape)
        assert same(value, value)
    assert plain(torch.tensor(2.0))["torch"] == plain(np.array([2.0], np.float32))
    assert plain(torch.Size([2, 3])) == [2, 3]
    assert plain(torch.float32) == {"object": "dtype"}


def test_a_list_in_itself_and_lists_that_are_too_deep_come_to_an_end():
    loop = []
    loop.append(loop)
    assert '{"object": "too deep"}' in json.dumps(plain(loop))
    assert '{"object": "too deep"}' in json.dumps(plain({"a": loop}))
    deep = 1
    for _ in range(DEEPEST):
        deep = [deep]
    assert "too deep" not in json.dumps(plain(deep))
    assert "too deep" in json.dumps(plain([deep]))


def test_types_that_pretend_to_be_data_are_not_taken_at_their_word():
    class Text(str):
        def __eq__(self, other):
            return True

        __hash__ = str.__hash__

    class Whole(int):
        def bit_length(self):
            return 1

    class Nothing(float):
        pass

    assert [plain(Text("x")), plain(Whole(3)), plain(Nothing(2.0))] == [{"object": "Text"}, {"object": "Whole"}, {"object": "Nothing"}]


def test_a_long_text_and_a_long_name_are_cut():
    assert plain("x" * 20_000) == "x" * LONGEST
    assert len(plain(type("X" * 20_000, (), {})())["object"]) == LONGEST


# --- what agrees --------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("got", "expected"), [
    (1, 1.0), (True, np.True_), (np.float32(0.1), 0.1), (np.int64(3), 3), (np.array(3), 3.0), (np.array(True), True), (np.str_("a"), "a"),
    ((1, 2), [1, 2]), (Point(1, 2), (1, 2)), ([], ()), ({}, OrderedDict()), ({"a": 1}, {"a": 1.0}),
    (float("nan"), np.nan), (float("inf"), np.inf), (-0.0, 0), (0.0, -0.0), (np.uint64(2**64 - 1), 2**64 - 1),
    (np.arange(3), np.arange(3.0)), (np.arange(3, dtype=np.float16), np.arange(3)), (np.arange(3, dtype=">i4"), np.arange(3)),
    (np.array([np.nan, -np.inf]), np.array([np.nan, -np.inf], np.float32)), (np.zeros((0, 3)), np.zeros((0, 3), np.uint8)),
    (np.arange(6).reshape(2, 3).T, np.array([[0, 3], [1, 4], [2, 5]])), (np.array([True]), np.array([True])),
    (0.1 + 0.2, 0.3), (1e300, 1e300 * (1 + 1e-9)),
], ids=shown)  # fmt: skip
def test_values_agree_whatever_kind_of_number_or_list_they_are(got, expected):
    assert same(got, expected)
    assert same([got], [expected])
    assert same({"key": got}, {"key": expected})


@pytest.mark.parametrize(("one", "other"), [
    (True, 1), (True, 1.0), (False, 0), (False, None), (None, 0), (None, ""), (None, []), (None, "None"), (None, float("nan")),
    ("1", 1), ("1", 1.0), ("", []), ("", 0), ("a", "A"), ("a", "a "), ("a", ["a"]), ("nan", float("nan")), ("True", True),
    ("é", "e\u0301"), (1, 2), (1, -1), (1, [1]), (1, {"a": 1}), (0, float("nan")), (float("inf"), -float("inf")), (float("inf"), 1e308),
    (float("nan"), float("inf")),
    ([1, 2], [2, 1]), ([1, 2], [1]), ([1, 2], [1, 2, 3]), ([], [[]]), ([], {}), ([[1], 2], [1, [2]]), ({}, {"a": None}),
    ({"a": 1}, {"b": 1}), ({"a": 1}, {"a": 2}),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),  # in lessons 01 and 02 the order numbers the actions and places the weights
    ({"1": 0}, {1: 0}), ({True: 0}, {1: 0}), ({"a": 1}, ["a", 1]), ({"a": 1}, [["a", 1]]),
    (np.array([1.0]), 1.0), (np.array([1.0]), [1.0]), (np.arange(3), [0, 1, 2]), (np.zeros((2, 3)), np.zeros((3, 2))),
    (np.zeros(6), np.zeros((2, 3))),
    (np.zeros((0, 3)), np.zeros((3, 0))), (np.zeros(0), np.zeros((0, 1))), (np.zeros(0), []), (np.zeros(1), np.zeros((1, 1))),
    (np.array([True]), np.array([1])), (np.array([True]), np.array([1.0])), (np.array([0.0]), np.array([np.nan])),
    (np.array([np.inf]), np.array([-np.inf])),
    (np.array([np.inf]), np.array([1e308])), (np.arange(3), np.arange(3)[::-1]), (np.array([255], np.uint8), np.array([-1], np.int8)),
    (FakeTensor([1.0]), np.array([1.0])), (FakeTensor([1.0]), [1.0]), (FakeTensor(1.0), 1.0), (FakeTensor(1.0), FakeTensor([1.0])),
    (object(), int), (b"a", "a"), (10**100, 10.0**100), (1j, 1), ({1}, [1]),
], ids=shown)  # fmt: skip
def test_values_that_differ_do_not_agree_either_way_round(one, other):
    assert not same(one, other)
    assert not same(other, one)
    assert not same([0, one], [0, other])


def test_a_tensor_of_the_other_framework_does_not_agree():
    assert not same(FakeTensor([1.0]), tensor([1.0]))
    assert not same(tensor([1.0]), FakeTensor([1.0]))
    assert not same(tensor(1.0), tensor([1.0]))
    assert not same(tensor([1.0]), tensor([1.0 + 1e-3]))
    assert same(tensor([1.0]), tensor([1.0 + 1e-6]))


@pytest.mark.parametrize("wrap", [float, lambda x: np.array([x, x]), lambda x: [x], FakeTensor], ids=["number", "array", "list", "tensor"])
def test_the_tolerance_is_absolute_near_zero_and_relative_far_away(wrap):
    for expected in (0.0, 1.0, -100.0):
        room = 1e-2 * (1 + abs(expected))
        for sign in (-1, 1):
            assert same(wrap(expected + 0.99 * sign * room), wrap(expected), 1e-2)
            assert not same(wrap(expected + 1.01 * sign * room), wrap(expected), 1e-2)
    assert same(wrap(0.5), wrap(0.5), 0.0)
    assert not same(wrap(0.5), wrap(0.5000001), 0.0)


def test_an_expected_infinity_forgives_no_finite_number():
    for expected in (np.inf, -np.inf, np.nan):
        for got in (0.0, 1.7e308, -1.7e308, -expected if expected == expected else np.inf):
            assert not same(got, expected, 0.1)
            assert not same(np.array([got]), np.array([expected]), 0.1)


# --- forged transcripts -------------------------------------------------------------------------------------------------------------------

NUMBERS = np.arange(6.0).reshape(2, 3)
FORM = sent(NUMBERS)


def forge(**changes):
    return {key: value for key, value in (FORM | changes).items() if value is not KeyError}


def changed(forged):
    """What differs from the honest form, for the test's name."""
    return str([one for one in forged.items() if one not in FORM.items()] if isinstance(forged, dict) else forged)[:60]


@pytest.mark.parametrize("forged", [
    forge(dtype="O"), forge(dtype="|O8"), forge(dtype="V8"), forge(dtype="<U2"), forge(dtype="|S8"), forge(dtype="S48"),
    forge(dtype="<c16"),
    forge(dtype="<M8[s]"), forge(dtype="m8"), forge(dtype="f4,f4"), forge(dtype="(2,3)f8"), forge(dtype="f8,"), forge(dtype="(2,2"),
    forge(dtype="(2,"),
    forge(dtype=""), forge(dtype="f0"), forge(dtype="f999"), forge(dtype="\0"), forge(dtype="\ud800"), forge(dtype="x" * 100_000),
    forge(dtype="(" * 5000),
    forge(dtype=[["a", "f8"]]), forge(dtype=["f8"]), forge(dtype={"names": ["a"], "formats": ["f8"]}), forge(dtype=8), forge(dtype=True),
    forge(dtype=KeyError),
    forge(dtype="<f4"), forge(dtype="<i8"), forge(dtype="|b1"), forge(dtype=">f8"),
    forge(shape=[3, 2]), forge(shape=[6]), forge(shape=[2, 3, 1]), forge(shape=[-1, 3]), forge(shape=[2, -1]), forge(shape=[-2, -3]),
    forge(shape=[]),
    forge(shape=[2.5, 3]), forge(shape=["2", "3"]), forge(shape="23"), forge(shape={"2": 0, "3": 0}), forge(shape=None), forge(shape=6),
    forge(shape=[None]),
    forge(shape=[[2], [3]]), forge(shape=[True, 6]), forge(shape=[10**400]), forge(shape=[float("nan")]), forge(shape=[float("inf"), 0]),
    forge(shape=KeyError),
    forge(array="", shape=[0, 10**30]), forge(array="", shape=[0]), forge(array="", shape=[2, 0]), forge(shape=[1] * 100 + [6]),
    forge(shape=["a", 10**15]), forge(shape=[[0], 10**15]), forge(shape=["", 10**15]),
    forge(array=FORM["array"][:-4]), forge(array=FORM["array"][:-1]), forge(array=FORM["array"] + "AAAA"),
    forge(array="!" + FORM["array"][1:]), forge(array=""),
    forge(array=None), forge(array=5), forge(array=[]), forge(array={}), forge(array="é"), forge(array="\ud800"), forge(array=KeyError),
    forge(more=1), {}, [], [FORM], {"torch": FORM, "shape": [2, 3]}, {"dict": [["array", 1]]}, {"object": "ndarray"}, "array", None, True,
    0, float("nan"), NUMBERS.tolist(),
], ids=changed)  # fmt: skip
def test_a_forged_array_passes_no_test_and_breaks_nothing(forged):
    assert not judge(forged, NUMBERS)
    assert not judge({"torch": forged, "shape": [2, 3]}, tensor(NUMBERS))
    assert not judge([forged], [NUMBERS])


def test_a_shape_that_takes_for_ever_to_multiply_is_not_multiplied():
    started = time.monotonic()
    assert not judge(forge(shape=[10**4000] * 400), NUMBERS)
    assert time.monotonic() - started < 1.0


@pytest.mark.parametrize("forged", [10**400, -(10**400), 10**4000, 2**64])
def test_an_integer_beyond_all_floats_passes_no_test_and_breaks_nothing(forged):
    for expected in (1.0, 1, float("inf"), [1.0]):
        assert not judge(forged, expected)
        assert not judge([forged], expected)


def test_one_forged_result_breaks_nothing_for_the_others():
    probes = [Probe("0", None, f"test {number}", False, TOLERANCE, None) for number in range(3)]
    expected = [{"returned": 1}, {"returned": 2.0}, {"returned": "x"}]
    assert passed(probes, [{"returned": 1}, {"returned": 10**400}, {"returned": "x"}], expected)[1] is False
    assert passed(probes, expected, expected) == [True] * 3


@pytest.mark.parametrize("got", [
    None, True, 1, "passed", {}, [], [True], [True, True, True], [None, None], [{}, {}], [1, 1], {"0": 1, "1": 1}, [[], []],
    [{"returned": 1}], [{"returned": 1}] * 3, [{"returned": 1, "more": 2}] * 2, [{"raised": "x"}] * 2, [{"Returned": 1}] * 2,
    [["returned", 1]] * 2,
], ids=str)  # fmt: skip
def test_a_malformed_transcript_passes_no_test(got):
    probes = [Probe("0", None, topic, False, TOLERANCE, None) for topic in "ab"]
    assert passed(probes, got, [{"returned": 1}] * 2) == [False, False]


def test_an_exception_agrees_with_one_of_the_same_name_only():
    probes = [Probe("0", None, "a test", False, TOLERANCE, None)]
    expected = [{"raised": "ValueError"}]
    assert passed(probes, [{"raised": "ValueError"}], expected) == [True]
    assert passed(probes, [{"raised": "valueerror"}], expected) == [False]
    assert passed(probes, [{"returned": "ValueError"}], expected) == [False]


WORDS = ["array", "dtype", "shape", "torch", "tensorflow", "dict", "object", "returned", "raised"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(10**300, 10**320) | st.floats() | st.text(max_size=10) | st.just(FORM),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)
EXPECTED = [1, 0.5, True, None, "text", [1, [2.0]], {"a": 1}, NUMBERS, np.zeros(0), np.array([True]), FakeTensor([1.0]), object()]


@settings(max_examples=500, deadline=None)
@given(json_values, st.sampled_from(EXPECTED))
def test_no_json_breaks_the_marking(got, expected):
    probes = [Probe("0", None, "a test", False, TOLERANCE, None)]
    for forged in (got, [got], [{"returned": got}]):
        (result,) = passed(probes, forged, [{"returned": sent(expected)}])
        assert type(result) is bool


kinds = st.sampled_from(["<f8", ">f8", "<f4", "<i8", "|b1", "|u1", "<f2", "O", "V8", "<U2", None, "float", "f8,f8", "<c16"])
kinds = kinds | st.text(max_size=4) | json_values
shapes = st.lists(st.integers(-3, 7), max_size=4) | st.sampled_from([[2, 3], [6], [2.0, 3.0], "23"]) | json_values
contents = st.just(FORM["array"]) | st.binary(min_size=48, max_size=48).map(lambda raw: base64.b64encode(raw).decode())
contents = contents | st.text(max_size=8) | json_values


@settings(max_examples=500, deadline=None)
@given(kinds, shapes, contents)
def test_only_an_array_of_the_same_numbers_agrees(kind, shape, content):
    if judge({"array": content, "dtype": kind, "shape": shape}, NUMBERS):
        numbers = np.frombuffer(base64.b64decode(content), kind)
        assert list(shape) == [2, 3]
        np.testing.assert_allclose(numbers.astype(float), np.arange(6.0), rtol=1e-4, atol=1e-4)


@settings(max_examples=200, deadline=None)
@given(st.binary(min_size=48, max_size=48))
def test_other_numbers_do_not_agree(raw):
    other = np.frombuffer(raw).reshape(2, 3)
    assert same(other, other)
    assert same(other, NUMBERS) == bool(np.allclose(other, NUMBERS, rtol=TOLERANCE, atol=TOLERANCE))


honest_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.tuples(inner, inner) | st.dictionaries(st.integers() | st.text(), inner, max_size=4),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(honest_values)
def test_what_is_right_passes(value):
    assert judge(sent(value), value)


def test_an_array_that_is_malformed_is_none():
    assert read_array(FORM).tolist() == NUMBERS.tolist()
    assert read_array({}) is read_array(FORM | {"dtype": "O"}) is read_array(FORM | {"shape": "23"}) is None


# --- probes and transcripts ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def hidden(monkeypatch):
    """A place to register hidden tests in."""
    monkeypatch.setattr("course_lib.grading.probing.PROBES", places := {})
    return places


def test_a_transcript_holds_a_line_for_each_hidden_test(hidden):
    @probe("99.1", "what it returns")
    def returns(answer, rng):
        return answer(1), np.zeros(1)

    @probe("99.1", "what it raises")
    def raises(answer, rng):
        return answer("x") + 1

    assert transcript(lambda x: x * 2, "99.1", None, 0) == [{"returned": [2, plain(np.zeros(1))]}, {"raised": "TypeError"}]


@pytest.mark.parametrize("error", [
    SystemExit(0), GeneratorExit(), MemoryError(), RecursionError(), StopIteration(), NotImplementedError(), BaseException("x"),
    type("X" * 20_000, (Exception,), {})(),
], ids=lambda error: type(error).__name__[:20])  # fmt: skip
def test_whatever_an_answer_raises_the_next_hidden_test_is_tried(hidden, error):
    def answer():
        raise error

    probe("99.1", "one")(lambda answer, rng: answer())
    probe("99.1", "two")(lambda answer, rng: 2)
    assert transcript(answer, "99.1", None, 0) == [{"raised": type(error).__name__[:LONGEST]}, {"returned": 2}]


def test_the_clock_of_nbval_may_interrupt_a_transcript(hidden):
    def answer():
        raise KeyboardInterrupt

    probe("99.1", "one")(lambda answer, rng: answer())
    with pytest.raises(KeyboardInterrupt):
        transcript(answer, "99.1", None, 0)


def test_a_value_that_breaks_when_it_is_looked_at_is_the_answers_own_mistake(hidden):
    class Hostile(list):
        def __len__(self):
            raise ValueError("no")

    probe("99.1", "one")(lambda answer, rng: answer)
    assert transcript(Hostile(), "99.1", None, 0) == [{"raised": "ValueError"}]


def test_the_random_numbers_are_the_same_for_all_and_new_for_each_test_exercise_and_seed(hidden):
    for id in ("99.1", "99.2"):
        for topic in ("one", "two"):
            probe(id, topic)(lambda answer, rng: rng.random())
    drawn = [line["returned"] for id in ("99.1", "99.2") for seed in (0, 1) for line in transcript(None, id, None, seed)]
    again = [line["returned"] for id in ("99.1", "99.2") for seed in (0, 1) for line in transcript(None, id, None, seed)]
    assert drawn == again
    assert len(set(drawn)) == 8


def test_an_answer_that_draws_numbers_does_not_change_those_of_the_next_test(hidden):
    probe("99.1", "one")(lambda answer, rng: answer(rng))
    probe("99.1", "two")(lambda answer, rng: rng.random())
    assert transcript(lambda rng: rng.random(100), "99.1", None, 0)[1] == transcript(lambda rng: None, "99.1", None, 0)[1]


def test_a_hidden_test_belongs_to_its_framework_or_part(hidden):
    @probe("99.1", "in both", framework="torch", tolerance=1e-3)
    @probe("99.1", "in both", framework="keras", extra=True)
    def both(answer, rng):
        return 1

    probe("99.2", "a part", part="mend")(both)
    assert {key: [(one.variant, one.extra, one.tolerance) for one in probes] for key, probes in hidden.items()} == {
        ("99.1", "keras"): [("keras", True, 1e-5)],
        ("99.1", "torch"): [("torch", False, 1e-3)],
        ("99.2", "mend"): [("mend", False, 1e-5)],
    }
    assert PROBES is not hidden


def test_probing_needs_nothing_of_the_course():
    modules = {getattr(one, "__module__", None) for one in vars(sys.modules["course_lib.grading.probing"]).values()}
    assert {name for name in modules if name and name.startswith("course_lib")} == {"course_lib.grading.probing"}


# --- marks --------------------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("extras", "results", "worth"), [
    ("-", [1], 1.0),
    ("-", [0], 0.0),
    ("--", [1, 0], 0.0),
    ("--++", [1, 1, 1, 1], 1.0),
    ("--++", [1, 1, 0, 0], 0.5),
    ("-+++", [1, 0, 0, 1], 0.5),
    ("-++", [1, 1, 0], 2 / 3),
    ("-+++", [0, 1, 1, 1], 0.0),
    ("+-+", [1, 0, 1], 0.0),
    ("+-+", [0, 1, 0], 1 / 3),
    ("--+++++++", [1, 1] + [1] * 7, 1.0),
])
def test_all_core_tests_are_needed_and_every_test_is_a_share(extras, results, worth):
    probes = [Probe("0", None, f"test {number}", extra == "+", TOLERANCE, None) for number, extra in enumerate(extras)]
    assert share(probes, [bool(result) for result in results]) == worth


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=12))
def test_a_share_is_between_nothing_and_all_and_one_more_right_test_never_costs(tests):
    probes = [Probe("0", None, f"test {number}", extra, TOLERANCE, None) for number, (extra, _) in enumerate(tests)]
    results = [result for _, result in tests]
    worth = share(probes, results)
    assert 0.0 <= worth <= 1.0
    assert (worth == 1.0) == all(results)
    for number in range(len(results)):
        assert share(probes, results[:number] + [True] + results[number + 1 :]) >= worth
