"""`make audit`: whether what we depend on is pinned by its digest, was not withdrawn, and is not known to be unsafe.

The first needs nothing. Whether a release was withdrawn (“yanked”) is asked of the package index that pip uses; known
vulnerabilities are looked for by pip-audit, where that is installed and its service answers. What could not be asked is
said, and is no failure: the check can be made where there is no network.
"""

import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILES = [ROOT / "requirements.txt", ROOT / "requirements-dev.txt"]
PIN = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(\[[\w,.-]+\])?==(?P<version>[^\s;]+)")
# How pip warns of one, also where it is told to be quiet.
YANKED = re.compile(r"yanked version: '([\w.-]+)' candidate \(version ([^ ]+) ")
# In seconds.
PATIENCE = 300


def main() -> int:
    wrong = [f"{file.name}: {line}" for file in FILES for line in unpinned(file.read_text())]
    if not wrong:
        print("pinned      every requirement has one version, and digests of its files")
    for file in FILES:
        wrong += withdrawn(file)
    wrong += unsafe()
    for line in wrong:
        print(f"WRONG       {line}")
    return 1 if wrong else 0


def requirements(text: str) -> Iterator[str]:
    """Each requirement of a file, with all that stands on the lines that continue it."""
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip() and not line.lstrip().startswith("#"):
            yield line.strip()


def unpinned(text: str) -> Iterator[str]:
    """What is wrong with the requirements of a file."""
    for one in requirements(text):
        if not PIN.match(one):
            yield f"“{one.split()[0]}” has no one version"
        elif not re.search(r"--hash=sha256:[0-9a-f]{64}\b", one):
            yield f"“{one.split()[0]}” has no digest"


def withdrawn(file: Path) -> list[str]:
    """The releases of a file that their makers withdrew. pip asks, and installs nothing."""
    words = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--require-hashes", "--report", "-"]
    asked = _run("pip", "--disable-pip-version-check", *words, "--quiet", "-r", str(file))
    if asked is None or asked.returncode:
        why = asked.stderr.strip().splitlines()[-1] if asked and asked.stderr.strip() else "it took too long"
        print(f"withdrawn?  could not be asked for {file.name}: {why}")
        return []
    print(f"withdrawn?  {len(json.loads(asked.stdout)['install'])} releases of {file.name} were asked about")
    return [f"{name} {version} was withdrawn" for name, version in YANKED.findall(asked.stderr)]


def unsafe() -> list[str]:
    """What pip-audit has to say."""
    if importlib.util.find_spec("pip_audit") is None:
        print("unsafe?     could not be asked: pip-audit is not installed here")
        return []
    asked = _run("pip_audit", "--disable-pip", "--require-hashes", "--format", "json", "-r", str(FILES[0]))
    if asked is None or not asked.stdout.strip():
        print("unsafe?     could not be asked: pip-audit's service does not answer")
        return []
    found = json.loads(asked.stdout)["dependencies"]
    print(f"unsafe?     {len(found)} releases were asked about")
    return [f"{one['name']} {one['version']}: {vuln['id']}" for one in found for vuln in one.get("vulns", [])]


def _run(module: str, *words: str) -> "subprocess.CompletedProcess[str] | None":
    """None where it took too long."""
    try:
        return subprocess.run(
            [sys.executable, "-m", module, *words], capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return None


if __name__ == "__main__":
    sys.exit(main())
