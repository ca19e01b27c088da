"""Faults planted on purpose: each must turn a test red."""
