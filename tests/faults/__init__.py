"""Processes killed with -9 in the middle of the main job; afterwards all figures must add up."""
