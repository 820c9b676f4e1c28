"""Measurements that anyone can run: each script prints what it ran, on what, and what came out."""
