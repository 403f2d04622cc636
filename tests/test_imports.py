"""Who may load what: the library starts without torch and tensorflow, and each backend without the other's framework."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

FOLDER = Path(course_lib.__file__).parent
FRAMEWORKS = {"torch", "tensorflow", "keras"}
MODULES = sorted(".".join(file.relative_to(FOLDER.parent).with_suffix("").parts) for file in FOLDER.rglob("*.py"))
MODULES = [name.removesuffix(".__init__") for name in MODULES]


def frameworks_after(*modules: str) -> set[str]:
    """The frameworks that importing these modules loads, in a process of its own."""
    code = f"import sys, {', '.join(modules)}; print(*({FRAMEWORKS} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.returncode == 0, result.stderr
    return set(result.stdout.split())


def test_the_library_loads_no_framework():
    modules = [name for name in MODULES if ".backends." not in name or name == "course_lib.backends.common"]
    assert {"course_lib", "course_lib.checks", "course_lib.learners", "course_lib.cli"} <= set(modules)
    assert frameworks_after(*modules) == set()


def test_triton_comes_before_tensorflow(tmp_path):
    """The other way round, the first optimiser of PyTorch's CUDA build ends the process: its own triton meets TensorFlow's LLVM."""
    (tmp_path / "triton.py").write_text("import sys\n\nprint('tensorflow' in sys.modules)\n")
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import course_lib; print('triton' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120).stdout.split() == ["False", "True"]


def test_both_frameworks_learn_in_one_process():
    """With PyTorch's optimisers made last, as in lessons that do Keras first."""
    code = "import course_lib, keras, torch; torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1); print('alive')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["alive"], (done.returncode, done.stderr)


@pytest.mark.parametrize("backend, own", [("torch", {"torch"}), ("keras", {"tensorflow", "keras"})])
def test_a_backend_loads_its_own_framework_alone(backend, own):
    modules = [name for name in MODULES if name.startswith(f"course_lib.backends.{backend}")]
    assert len(modules) >= 4
    assert frameworks_after(*modules) == own


@pytest.mark.parametrize("backend", ["torch", "keras"])
def test_a_backend_imports_settings_and_batches_and_nothing_else_of_the_course(backend):
    allowed = {"course_lib.config", "course_lib.errors", "course_lib.replay", "course_lib.returns", "course_lib.backends.common"}
    for file in (FOLDER / "backends" / backend).glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                if name.startswith("course_lib") and not name.startswith(f"course_lib.backends.{backend}."):
                    assert name in allowed, f"{file.name} imports {name}"
