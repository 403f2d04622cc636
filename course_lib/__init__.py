"""Breakout from pixels: the library that the lessons import.

`import course_lib` registers `BreakoutDeterministic-v4` with gymnasium and loads neither torch nor tensorflow.
"""

import os
from contextlib import suppress

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow greets on stderr; a lesson stays silent
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # torch's waiting threads leave the cores to the emulators

with suppress(ImportError):
    import triton  # noqa: E402, F401  (PyTorch's CUDA builds load it with the first optimiser, and crash if TensorFlow was there before it)

from course_lib.learners import framework  # noqa: E402
from course_lib.quiet import quiet  # noqa: E402

__all__ = ["framework", "quiet"]

with suppress(ImportError):  # without the emulator recorded games can be watched, and `course doctor` must run and say what is missing
    from course_lib.atari import register_breakout

    register_breakout()
