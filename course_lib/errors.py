"""The one exception for what a person did wrong: the command line prints its sentence and ends with status 2."""


class CourseError(Exception):
    """Something a person can mend. Its text is one sentence that says what to do."""
