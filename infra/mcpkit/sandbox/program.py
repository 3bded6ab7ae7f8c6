"""A child that becomes another program: `python -m mcpkit.sandbox.program MEMORY CPU_SECONDS READABLE PROGRAM...`.

It jails itself, and what it becomes stays in the jail: limits, the filter of system calls, and what files may be read
are the process's own (execve(2)). `READABLE` are paths as a list in JSON; the rest is the program's command.
"""

import json
import os
import sys

from mcpkit.sandbox.jail import enter_to_execute


def main(memory: int, cpu_seconds: int, readable: list[str], command: list[str]) -> None:
    enter_to_execute(memory, cpu_seconds, command[0], readable)
    os.execve(command[0], command, dict(os.environ))  # noqa: S606 - without a shell, as it is to be


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4:])
