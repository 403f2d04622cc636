"""The course as students get it: all that they need, nothing that gives answers away, and nothing half-made."""

import ast
import importlib
import json
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import grading
from course_lib.errors import CourseError
from course_lib.grading import release as releasing
from course_lib.grading.build import ROOT, build, find_lessons
from course_lib.grading.lessons import BEGIN, END, STUB, read_lesson
from course_lib.grading.notebooks import make_notebook, to_text
from course_lib.grading.probing import PROBES
from course_lib.grading.release import CONTENTS, release

for module in pkgutil.iter_modules(grading.__path__):
    importlib.import_module(f"grading.{module.name}")

LESSON = """\
# %% [markdown]
# # 00 · Warm up

# %% [markdown] exercise="00.1" points=1
# How many lives, for 1 point? <summary>Hint 1</summary><summary>Hint 2</summary><summary>Hint 3</summary>

# %% exercise="00.1"
def lives_at_start(env):
    # SOLUTION BEGIN
    return env.reset(seed=0)[1]["lives"]
    # SOLUTION END

# %% check="00.1"
lives_at_start = checks.start.lives_at_start(lives_at_start)
"""
NOTEBOOK = "notebooks/00_warm_up.ipynb"
LINK = re.compile(r"\]\(([^)\s]+)\)")


@pytest.fixture(scope="module")
def students(tmp_path_factory):
    """Our own course, released."""
    target = tmp_path_factory.mktemp("release") / "students"
    release(target)
    return target


@pytest.fixture
def course(tmp_path):
    """A course of one lesson, with one file behind every pattern."""
    root = tmp_path / "course"
    for pattern in CONTENTS:
        path = root / pattern.replace("[a-z_]*", "some").replace("[a-z]*", "part").replace("[1-5]", "1").replace("*", "dqn")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"This is {path.name}.")
    (root / "lessons").mkdir()
    lesson = root / "lessons" / "00_warm_up.py"
    lesson.write_text(LESSON, encoding="utf-8")
    build(execute=False, root=root)
    solution = make_notebook(read_lesson(lesson), solved=True)
    for cell in solution.cells:
        if cell.cell_type == "code":
            cell.execution_count = 1
    (root / "solutions").mkdir()
    (root / "solutions" / "00_warm_up.ipynb").write_text(to_text(solution), encoding="utf-8")
    return root


@pytest.fixture
def checkout(course):
    """The same in git."""
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", course, *command], check=True)
    return course


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def texts_of(folder):
    """Every released text by its path; of notebooks what their cells say."""
    texts = {}
    for path in folder.rglob("*"):
        if path.suffix == ".ipynb":
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
            texts[path.relative_to(folder).as_posix()] = "\n".join("".join(cell["source"]) for cell in cells)
        elif path.is_file() and path.suffix not in (".safetensors", ".npz", ".gif", ".png"):
            texts[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
    return texts


def stripped(text):
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())


def run_there(folder, *arguments):
    """Run Python with a released folder in the project's place."""
    environment = os.environ | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


# --- our own course ---------------------------------------------------------------------------------------------------------------------


def test_students_get_these_folders_and_files_and_no_others(students):
    names = {path.name for path in students.iterdir()}
    assert names == {
        *("LICENSE", "Makefile", "README.md", "constraints.txt", "environment.yml", "pyproject.toml", "start.py"),
        *("course_lib", "data", "docs", "notebooks"),
        *("Dockerfile", ".dockerignore", ".devcontainer"),
    }
    hidden = {path.name for path in students.rglob("*") if path.name.startswith((".", "__pycache__")) or path.suffix in (".pyc", ".egg-info")}
    assert hidden == {".dockerignore", ".devcontainer"}
    assert {path.name for path in (students / "notebooks").iterdir()} == {f"{path.stem}.ipynb" for path in find_lessons(None, ROOT)}


def test_all_of_the_library_and_of_the_trained_agents_is_there(students):
    command = ["git", "-C", ROOT, "ls-files", "course_lib", "data/pretrained"]
    tracked = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert set(tracked.splitlines()) == {name for name in files_of(students) if name.startswith(("course_lib/", "data/pretrained/"))}


def solution_blocks(lesson):
    """What stands between each pair of solution markers of a lesson."""
    for cell in lesson.cells:
        for block in re.findall(rf"{BEGIN}\n(.*?){END}", cell.source, re.DOTALL):
            yield cell.label, stripped("\n".join(line for line in block.splitlines() if not line.strip().startswith(STUB)))


def test_no_released_file_holds_a_solution(students):
    texts = {name: stripped(text) for name, text in texts_of(students).items() if not name.startswith("course_lib/")}
    assert {"README.md", "docs/training.md", "notebooks/10_bug_museum.ipynb"} <= texts.keys()
    for lesson in map(read_lesson, find_lessons(None, ROOT)):
        solved = stripped(texts_of(ROOT / "solutions")[f"{lesson.name}.ipynb"])
        for label, block in solution_blocks(lesson):
            assert block in solved, label  # so this search finds what it looks for
            assert not [name for name, text in texts.items() if block in text], label
            for line in block.splitlines():
                elsewhere = [name for name, text in texts.items() if line in text and not name.endswith(".ipynb")]
                assert len(line) < 20 or not elsewhere, line


def test_released_notebooks_have_no_outputs(students):
    for path in (students / "notebooks").iterdir():
        code = [cell for cell in json.loads(path.read_text(encoding="utf-8"))["cells"] if cell["cell_type"] == "code"]
        assert code and not any(cell["outputs"] or cell["execution_count"] for cell in code)


def test_no_released_file_holds_or_names_a_hidden_test(students):
    """Names of a few words are plain English, so longer ones are searched, as they stand in the tests: in quotes."""
    wanted = {f'"{probe.topic}"' for probes in PROBES.values() for probe in probes if len(probe.topic.split()) > 3}
    assert len(wanted) > 50
    for path in (ROOT / "grading").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef) and node.decorator_list]
        wanted |= {ast.get_source_segment(text, node) for node in functions}
    for name, text in texts_of(students).items():
        assert not [one for one in wanted if one in text], name


def test_links_of_the_readme_the_notebooks_and_the_docs_lead_into_the_release(students):
    followed = 0
    for name, text in texts_of(students).items():
        for link in LINK.findall(text) if name.endswith((".md", ".ipynb")) else ():
            if not re.match(r"https?:|#|attachment:|mailto:", link):
                assert (students / name).parent.joinpath(link.partition("#")[0]).is_file(), f"{name}: {link}"
                followed += 1
    assert followed >= 2 * len(list((students / "notebooks").iterdir()))


def test_the_released_library_works_in_the_projects_place(students):
    looks = "doctor.python, doctor.packages, doctor.rom, doctor.video_encoder, doctor.trained_weights, doctor.kernel"
    troubles = f"[look().found for look in ({looks}) if not look().ok]"
    done = run_there(students, "-c", f"import course_lib; from course_lib import doctor; print(course_lib.__file__, *{troubles})")
    assert done.stdout.split() == [str(students / "course_lib" / "__init__.py")], done.stdout + done.stderr


def test_every_released_module_finds_what_it_imports(students):
    """None needs what stays behind; course_lib.grading.warm is a program that changes the process it runs in."""
    files = [path.relative_to(students) for path in (students / "course_lib").rglob("*.py")]
    modules = [".".join(file.with_suffix("").parts).removesuffix(".__init__") for file in files]
    modules.remove("course_lib.grading.warm")
    assert len(modules) > 70
    done = run_there(students, "-c", f"import importlib\nfor name in {sorted(modules)}: importlib.import_module(name)")
    assert done.returncode == 0, done.stderr


def test_learners_check_their_notebook_there(students, tmp_path):
    cells = read_lesson(ROOT / "lessons" / "03_huber_loss.py").cells
    (solved,) = (cell.solved for cell in cells if (cell.role, cell.exercise) == ("answer", "03.1"))
    notebook = json.loads((students / "notebooks" / "03_huber_loss.ipynb").read_text(encoding="utf-8"))
    next(one for one in notebook["cells"] if one["id"] == "03-1-answer")["source"] = solved
    (tmp_path / "mine.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    done = run_there(students, "-m", "course_lib.cli", "check", str(tmp_path / "mine.ipynb"))
    assert done.returncode == 0 and "1 of 5 done, 4 open, 0 to mend." in done.stdout, done.stdout + done.stderr


def test_the_released_project_installs(students, tmp_path):
    copy = shutil.copytree(students, tmp_path / "copy", ignore=shutil.ignore_patterns("data", "notebooks"))  # pip builds in the folder
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check", "-q", "--target", tmp_path / "installed"]
    done = subprocess.run([sys.executable, "-m", "pip", "install", *options, copy], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "installed" / "course_lib" / "cli.py").is_file() and (tmp_path / "installed" / "bin" / "course").is_file()


def test_the_readme_names_every_lesson(students):
    readme = (students / "README.md").read_text(encoding="utf-8")
    assert "- [03 · The Huber loss](notebooks/03_huber_loss.ipynb)" in readme and "course check notebooks/" in readme
    assert readme.count("(notebooks/") == len(find_lessons(None, ROOT))
    assert "{" not in readme and "solutions/" not in readme


# --- what goes in -----------------------------------------------------------------------------------------------------------------------


def test_two_releases_are_the_same(course, tmp_path):
    names = release(tmp_path / "one", course)
    release(tmp_path / "two", course)
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert names == sorted(files_of(tmp_path / "one")) and {"README.md", NOTEBOOK} <= set(names)


STRAY = [
    *("docs/exam.md", "notebooks/11_exam.ipynb", "notebooks/marks.csv", "data/pretrained/class.csv", "data/pretrained/dqn/notes.txt"),
    *("course_lib/notes.txt", "course_lib/.notes.py", "course_lib/.ipynb_checkpoints/notes.py", "course_lib/__pycache__/some.pyc"),
    *("report/index.html", "grading/start.py", "tests/mutants/start.py"),
]


@pytest.mark.parametrize("stray", STRAY)
def test_a_private_file_stays_behind(course, tmp_path, stray):
    expected = release(tmp_path / "before", course)
    (course / stray).parent.mkdir(parents=True, exist_ok=True)
    (course / stray).write_text("private")
    assert release(tmp_path / "after", course) == expected


def test_what_git_does_not_track_stays_behind(checkout, tmp_path):
    expected = release(tmp_path / "before", checkout)
    (checkout / "course_lib" / "notes.py").write_text("private = True")
    assert release(tmp_path / "after", checkout) == expected
    subprocess.run(["git", "-C", checkout, "add", "course_lib/notes.py"], check=True)
    assert "course_lib/notes.py" in release(tmp_path / "tracked", checkout)


def test_without_git_the_patterns_decide(course, tmp_path):
    (course / "course_lib" / "another.py").write_text("a = 1")
    assert "course_lib/another.py" in release(tmp_path / "students", course)


def test_a_link_out_of_the_course_is_not_followed(course, tmp_path):
    (tmp_path / "private.py").write_text("private")
    (course / "course_lib" / "link.py").symlink_to(tmp_path / "private.py")
    assert "course_lib/link.py" not in release(tmp_path / "students", course)


def test_a_git_that_fails_is_told_and_nothing_released(course, tmp_path):
    (course / ".git").mkdir()
    with pytest.raises(CourseError, match=r"git cannot say which files belong to the course \(fatal: .*\): mend that"):
        release(tmp_path / "students", course)
    assert not (tmp_path / "students").exists()


def test_a_course_that_lacks_something_is_not_released(course, tmp_path):
    (course / "LICENSE").unlink()
    with pytest.raises(CourseError, match="There is no LICENSE in .*release from a whole copy"):
        release(tmp_path / "students", course)


def test_a_release_is_not_released_again(students, tmp_path):
    with pytest.raises(CourseError, match="There are no lessons in"):
        release(tmp_path / "again", students)


# --- notebooks that are not ready -------------------------------------------------------------------------------------------------------


def test_a_notebook_with_answers_is_refused(course, tmp_path):
    path = course / NOTEBOOK
    path.write_text(path.read_text(encoding="utf-8").replace("raise NotImplementedError", "return 5"), encoding="utf-8")
    with pytest.raises(CourseError, match=rf"{NOTEBOOK} holds answers \(00.1\): keep a copy .* course build 00 --force"):
        release(tmp_path / "students", course)
    assert not (tmp_path / "students").exists()


def test_a_notebook_with_outputs_is_refused(course, tmp_path):
    path = course / NOTEBOOK
    path.write_text(path.read_text(encoding="utf-8").replace('"execution_count": null', '"execution_count": 3'), encoding="utf-8")
    with pytest.raises(CourseError, match=f"{NOTEBOOK} differ from lessons/; run: course build"):
        release(tmp_path / "students", course)


@pytest.mark.parametrize("broken", ["", "{", None])
def test_a_broken_or_missing_notebook_is_refused(course, tmp_path, broken):
    (course / NOTEBOOK).unlink()
    if broken is not None:
        (course / NOTEBOOK).write_text(broken)
    with pytest.raises(CourseError, match=f"{NOTEBOOK} differ from lessons/"):
        release(tmp_path / "students", course)


def test_a_lesson_that_has_changed_since_is_refused(course, tmp_path):
    path = course / "lessons" / "00_warm_up.py"
    path.write_text(path.read_text(encoding="utf-8").replace("How many lives", "How many balls"), encoding="utf-8")
    with pytest.raises(CourseError, match=f"{NOTEBOOK}, solutions/00_warm_up.ipynb differ from lessons/"):
        release(tmp_path / "students", course)


# --- where it goes ----------------------------------------------------------------------------------------------------------------------


def test_a_new_folder_and_an_empty_one_are_taken(course, tmp_path):
    (tmp_path / "empty").mkdir()
    for target in (tmp_path / "empty", tmp_path / "deep" / "new", course / "build" / "students"):
        assert release(target, course) == sorted(files_of(target))


def test_a_folder_that_is_not_empty_is_left_alone(course, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "thesis.tex").write_text("mine")
    for target in (tmp_path / "thesis", tmp_path / "thesis" / "thesis.tex", course):
        with pytest.raises(CourseError, match="is not empty: name a new or an empty folder"):
            release(target, course)
    assert files_of(tmp_path / "thesis") == {"thesis.tex": b"mine"}


@pytest.mark.parametrize("inside", ["notebooks/students", "course_lib/students/new", "data/pretrained/new", "docs/x"])
def test_a_release_does_not_go_into_what_it_copies(course, inside):
    before = files_of(course)
    with pytest.raises(CourseError, match="which belongs to the course: name a folder elsewhere"):
        release(course / inside, course)
    assert files_of(course) == before and not (course / inside).exists()


def test_the_folder_one_stands_in_is_filled(course, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert set(release(Path("."), course)) == set(files_of(tmp_path / "here")) == set(files_of(Path(".")))


@pytest.mark.parametrize("there_before", [True, False])
@pytest.mark.parametrize("trouble", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_release_leaves_nothing_half_made(course, tmp_path, monkeypatch, trouble, there_before):
    copy, copied = shutil.copyfile, []

    def interrupted(source, made):
        if len(copied) == 5:
            raise trouble
        copied.append(copy(source, made))

    place = tmp_path / "place"
    (place / "students" if there_before else place).mkdir(parents=True)
    monkeypatch.setattr(releasing.shutil, "copyfile", interrupted)
    with pytest.raises((CourseError, KeyboardInterrupt), match="^$|No space left on device"):
        release(place / "students", course)
    assert len(copied) == 5
    assert list(place.rglob("*")) == ([place / "students"] if there_before else [])
