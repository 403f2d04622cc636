"""Checks of a lesson."""
