"""A process that speaks gRPC can start other programs, under another account too."""

import subprocess
import sys

import pytest

PROGRAM = """
import subprocess
from concurrent import futures
from importlib import import_module

import_module("exchange")
grpc = import_module("grpc")
server = grpc.server(futures.ThreadPoolExecutor(2))
port = server.add_insecure_port("127.0.0.1:0")
server.start()
channels = [grpc.insecure_channel(f"127.0.0.1:{port}") for _ in range(4)]
for channel in channels:
    grpc.channel_ready_future(channel).result(10)
# Naming another account forks in earnest; otherwise the parent lends all it has to the child.
subprocess._USE_VFORK = WANTED
ended = set()
for _ in range(200):
    child = subprocess.run(["true"], capture_output=True, text=True)
    ended.add((child.returncode, child.stdout, child.stderr))
print(ended)
"""


@pytest.mark.parametrize("use_vfork", [False, True], ids=["in earnest", "as usual"])
def test_programs_start_unharmed_from_a_process_that_serves_grpc(*, use_vfork: bool) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("WANTED", str(use_vfork))],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout.strip() == "{(0, '', '')}", ran.stderr
