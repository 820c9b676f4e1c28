"""Bad input gets a clear answer, and nothing is lost: each case of it, as docs/errors.md lists them.

`python -m tests.bad_input` writes that page from the cases; tests/test_bad_input.py compares it with what is really
answered, so it cannot lie.
"""
