"""Programs that die in the middle: at the n-th thing that they do to a directory, for every n."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

# Each try is a fork of one warm process that ends itself from an audit hook: no clean-up runs.
_DYING = """
import os, pickle, shutil, sys
from importlib import import_module
from pathlib import Path

ground = Path(sys.argv[1])
module, name, arguments = pickle.loads(sys.stdin.buffer.read())
work = getattr(import_module(module), name)

for steps in range(1, 100):
    directory = ground / f"{steps:02}"
    shutil.copytree(ground / "before", directory)
    child = os.fork()
    if child == 0:
        left = steps
        def watch(event, values):
            global left
            named = values and str(values[0]).startswith(str(directory))
            if named and event in ("open", "os.rename", "os.remove"):
                left -= 1
                if left == 0:
                    os._exit(9)
        sys.addaudithook(watch)
        work(directory, *arguments)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        sys.exit(0)
sys.exit("it never came to an end")
"""


def died_at_every_step(ground: Path, work: tuple[str, str], *arguments: object) -> list[Path]:
    """Run module.function(directory, *arguments) on copies of ground/before; the directories left.

    In the first one it died at the first step, in the last one it came to its end.
    """
    subprocess.run(
        [sys.executable, "-c", _DYING, str(ground)],
        input=pickle.dumps((*work, arguments)),
        check=True,
        timeout=60,
    )
    return sorted(each for each in ground.iterdir() if each.name.isdecimal())
