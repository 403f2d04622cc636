"""Breakout from pixels: the library that the lessons import."""
