"""The guides of docs/, done to a copy of the tree: what they say works, or a test is red."""
