"""Scenarios: their language, their runs and their reports."""
