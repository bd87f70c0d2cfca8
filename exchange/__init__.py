"""The exchange: who may send what to whom, what has happened, and the ways in."""

import os

# gRPC's fork handlers start its threads in every child, before the child becomes the program that
# it was made for: one in thirty then dies of it. We only ever fork to execute, which needs no
# handlers. Read once, when grpc is first imported, which only this package does.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
