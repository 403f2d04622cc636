"""What ends a command: `CourseError` with its sentence and status 2, `WorkerFailed` with a traceback and status 1."""


class CourseError(Exception):
    """Something a person can mend. Its text is one sentence that says what to do."""


class WorkerFailed(RuntimeError):
    """An actor-learner broke; the message holds its traceback."""
