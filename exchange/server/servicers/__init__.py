"""One servicer a service of the contract: reads the wire, calls a use case, writes the wire."""

from typing import Any

import grpc

Context = grpc.aio.ServicerContext[Any, Any]
