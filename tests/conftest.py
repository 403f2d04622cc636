"""What all tests share. Ctrl-C reaches Python in every test, also where the suite was started in the background: shells tell what they start
there to ignore it."""

import signal
import threading

import pytest

if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def no_windows(monkeypatch):
    """Figures in the course's style, which stay open until the test ends and show no window."""
    import matplotlib.pyplot as plt

    from course_lib.figures import use_course_style

    monkeypatch.setattr(plt, "show", lambda: None)
    with plt.rc_context():
        use_course_style()
        yield
    plt.close("all")
