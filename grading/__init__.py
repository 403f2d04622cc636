"""Hidden tests, one module a lesson, for instructors only: `course release` leaves this folder out.

A module's text is sent into the process of each answer when that answer is graded. So it holds no right results, only what to try, and it
imports NumPy, the standard library, `course_lib.grading.probing`, and, inside functions, the framework of a probe.
"""
