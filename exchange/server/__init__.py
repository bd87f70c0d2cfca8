"""The gRPC service: processes, the door with identity and errors, and one servicer a service."""
