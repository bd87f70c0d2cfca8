"""One servicer a service of the contract: reads the wire, calls a use case, writes the wire."""

from __future__ import annotations

from typing import Any, TypeAlias

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"
