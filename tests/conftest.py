"""What all tests share. Ctrl-C reaches Python in every test, also where the suite was started in the background: shells tell what they start
there to ignore it."""

import signal
import threading

import pytest

if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_report_header() -> str:
    """Whether the browser tests will run; pytest shows it above all tests."""
    from tests.browser import lab

    reason = lab.missing()
    return f"browser tests: skipped, {reason}" if reason else f"browser tests: with {lab.find_chromium()}, screenshots in build/browser"


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
