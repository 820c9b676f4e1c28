"""With which statuses commands end; 0: it went well, or there was nothing to do."""

FAILED, BAD_ARGUMENTS, BRAKE = 1, 2, 3
# Two versions differ, as `diff` has it.
DIFFERENT = 1
# Something needs attention.
ATTENTION = 3
# By Ctrl-C, as shells have it: 128 and the number of the signal.
INTERRUPTED = 130
