"""The benchmark of the clients, over real sockets: ``python -m benchmarks.client``."""
