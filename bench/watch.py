"""python watch.py REPORT COMMAND…: runs a command, then writes what it cost to the file REPORT.

REPORT gets: exit status, wall clock seconds, processor seconds, peak MB, MB written to disks; of the command and the
children it waited for.
This imports next to nothing on purpose: the kernel counts the memory of the parent at the fork into the child's peak.
"""

import os
import sys
import time


def watch(report: str, command: list[str]) -> None:
    begun = time.monotonic()
    child = os.posix_spawnp(command[0], command, os.environ)
    _, status, usage = os.wait4(child, 0)
    seconds = time.monotonic() - begun
    cpu_seconds, peak_mb = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    # In blocks of 512 bytes, whatever the disk's are; counted when a page comes to need writing.
    written_mb = usage.ru_oublock * 512 / 1e6
    with open(report, "w") as stream:  # noqa: PTH123 - pathlib would be the largest thing here
        stream.write(f"{os.waitstatus_to_exitcode(status)} {seconds} {cpu_seconds} {peak_mb} {written_mb}")


if __name__ == "__main__":
    watch(sys.argv[1], sys.argv[2:])
