"""Between the wire's messages and the domain's values: the door where protobuf stops."""
