"""A Python client of the exchange: one mutual TLS channel, careful repeats, verified content.

    async with connect(load_profile(path)) as connection:
        sent = await send(connection, envelope, files=[OutgoingFile(...)])

The verbs live in `connection`, `sending`, `receiving` and `blobs`; nothing is loaded before it is
asked for, since commands that only read a profile must not wait for gRPC.
"""
