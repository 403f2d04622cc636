"""Files are written whole or not at all."""

import pytest

from course_lib.errors import CourseError
from course_lib.files import written_whole


def test_a_file_takes_its_place_at_the_end(tmp_path):
    path = tmp_path / "new" / "file.txt"
    with written_whole(path) as unfinished:
        unfinished.write_text("whole")
        assert not path.exists() and unfinished.suffix == ".txt"
    assert path.read_text() == "whole" and list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_what_stood_there_survives(tmp_path, trouble):
    path = tmp_path / "file.txt"
    path.write_text("before")
    with pytest.raises((CourseError, KeyboardInterrupt)), written_whole(path) as unfinished:
        unfinished.write_text("ha")
        raise trouble
    assert path.read_text() == "before" and list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CourseError, match="^Could not write .*file/x.txt"), written_whole(tmp_path / "file" / "x.txt"):
        raise AssertionError("never reached")
