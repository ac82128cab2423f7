"""Run llama.cpp's own HTTP server, from the package xllamacpp, until standard input ends.

    python tests/servers/serve_llama_cpp.py MODEL.gguf [--ctx N] [--parallel N] [--kv-unified]

Its base URL is printed as the first line that begins with http.
"""

from __future__ import annotations

import argparse
import os
import sys


def main() -> None:
    import xllamacpp  # type: ignore[import-not-found, import-untyped, unused-ignore]

    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--api-key")
    parser.add_argument("--ctx", type=int, default=2048)
    parser.add_argument("--parallel", type=int, default=2)
    parser.add_argument("--kv-unified", action="store_true")
    arguments = parser.parse_args()

    params = xllamacpp.CommonParams()
    params.model.path = arguments.model
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = arguments.ctx
    params.n_parallel = arguments.parallel
    params.kv_unified = arguments.kv_unified
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    params.n_threads_http = 4
    params.model_alias = {"tiny"}
    params.warmup = False
    params.use_jinja = True
    if arguments.api_key:
        params.api_keys = [arguments.api_key]
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    os._exit(0)  # the server has threads that do not end


if __name__ == "__main__":
    main()
