"""Files and folders are written whole or not at all."""

import pytest

from course_lib.errors import CourseError
from course_lib.files import folder_made_whole, refuse_folder, written_whole


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


@pytest.mark.parametrize("there_before", [True, False])
def test_a_folder_is_there_when_it_is_complete(tmp_path, there_before):
    folder = tmp_path / "new" / "folder"
    if there_before:
        folder.mkdir(parents=True)
    with folder_made_whole(folder) as made:
        (made / "inner").mkdir()
        (made / "inner" / "file.txt").write_text("whole")
        assert not (folder / "inner").exists()
    assert (folder / "inner" / "file.txt").read_text() == "whole"
    assert [path.name for path in folder.parent.iterdir()] == ["folder"] and [path.name for path in folder.iterdir()] == ["inner"]


@pytest.mark.parametrize("there_before", [True, False])
@pytest.mark.parametrize("trouble", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_of_a_folder_nothing_half_made_is_left(tmp_path, trouble, there_before):
    folder = tmp_path / "folder"
    if there_before:
        folder.mkdir()
    with pytest.raises((CourseError, KeyboardInterrupt)), folder_made_whole(folder) as made:
        (made / "file.txt").write_text("ha")
        raise trouble
    assert list(tmp_path.rglob("*")) == ([folder] if there_before else [])


def test_a_folder_that_is_not_empty_is_refused(tmp_path):
    refuse_folder(tmp_path)
    refuse_folder(tmp_path / "new")
    (tmp_path / "thesis.tex").write_text("mine")
    for taken in (tmp_path, tmp_path / "thesis.tex"):
        with pytest.raises(CourseError, match="is not empty: name a new or an empty folder.$"):
            refuse_folder(taken)
