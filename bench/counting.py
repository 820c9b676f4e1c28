"""Runs a `manage.py` command and counts its database statements, by all of its threads: they are the last line printed.

python bench/counting.py sync NAME
"""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

statements = 0


def count() -> None:
    """Counts from now on, below all that wraps a cursor."""
    from django.db.backends.utils import CursorWrapper

    def counted(method: Any) -> Any:
        def call(self: CursorWrapper, *arguments: Any, **named: Any) -> Any:
            global statements
            statements += 1
            return method(self, *arguments, **named)

        return call

    for name in ("execute", "executemany"):
        setattr(CursorWrapper, name, counted(getattr(CursorWrapper, name)))


def main(words: list[str]) -> None:
    import manage

    count()
    sys.argv = ["manage.py", *words]
    try:
        manage.main()
    finally:
        print(f"statements: {statements}")


if __name__ == "__main__":
    main(sys.argv[1:])
