"""Standard error is silent inside, and whole again after."""

import os

import pytest

from course_lib import quiet


def test_c_level_writes_are_dropped_and_come_back(capfd):
    with quiet():
        os.write(2, b"greeting")
    os.write(2, b"trouble")
    assert capfd.readouterr().err == "trouble"


def test_an_exception_restores_standard_error(capfd):
    with pytest.raises(ZeroDivisionError), quiet():
        1 / 0
    os.write(2, b"trouble")
    assert capfd.readouterr().err == "trouble"
