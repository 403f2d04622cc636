"""Ctrl-C reaches Python in every test, also where the suite was started in the background: shells tell what they start there to ignore it."""

import signal
import threading

if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.default_int_handler)
