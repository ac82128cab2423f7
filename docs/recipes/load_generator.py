"""Ask a server at a given rate, however slowly it answers, and print times and failures.

python load_generator.py http://127.0.0.1:8080/v1 --model tiny --rate 5 --requests 100 --poisson
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from collections import Counter
from time import perf_counter_ns

from sseparse.completions import AsyncClient, ExchangeError, Timeout


class Results:
    """The times, in ms, and the failures of all requests."""

    def __init__(self) -> None:
        self.late: list[float] = []  # sent after it was due: the generator itself is too slow
        self.first: list[float] = []  # from the call to the first token
        self.gaps: list[float] = []  # from one chunk with tokens to the next
        self.failures: Counter[str] = Counter()

    def __str__(self) -> str:
        lines = [f"{'ms':<8}{'median':>10}{'p90':>10}{'p99':>10}{'longest':>10}{'number':>10}"]
        for name in ("late", "first", "gaps"):
            number = len(vars(self)[name])
            times = sorted(vars(self)[name]) or [float("nan")]
            shares = [times[int(len(times) * share)] for share in (0.5, 0.9, 0.99)]
            columns = "".join(f"{time:>10.1f}" for time in [*shares, times[-1]])
            lines.append(f"{name:<8}{columns}{number:>10}")
        failed = ", ".join(f"{name} {number}" for name, number in self.failures.items())
        return "\n".join([*lines, f"failures: {failed or 'none'}", ""])


async def ask(client: AsyncClient, model: str, prompt: str, results: Results) -> None:
    """Ask once, and note when tokens arrived."""
    messages = [{"role": "user", "content": prompt}]
    before = 0
    try:
        stream = await client.chat.completions.create(model=model, messages=messages, stream=True)
        async with stream:
            async for chunk in stream:
                if any(choice.delta.content or choice.delta.reasoning for choice in chunk.choices):
                    times = results.gaps if before else results.first
                    times.append((chunk.arrival_ns - (before or stream.timing.call_ns)) / 1e6)
                    before = chunk.arrival_ns
    except ExchangeError as error:
        results.failures[type(error).__name__] += 1


async def load(options: argparse.Namespace) -> Results:
    """Send each request when it is due, and wait for all answers."""
    results = Results()
    limits = Timeout(deadline=600)
    async with AsyncClient(base_url=options.base_url, timeout=limits, max_retries=0) as client:
        tasks, due_ns = [], perf_counter_ns()
        for _ in range(options.requests):
            await asyncio.sleep((due_ns - perf_counter_ns()) / 1e9)
            results.late.append((perf_counter_ns() - due_ns) / 1e6)
            tasks.append(asyncio.create_task(ask(client, options.model, options.prompt, results)))
            wait = random.expovariate(options.rate) if options.poisson else 1 / options.rate
            due_ns += int(wait * 1e9)
        await asyncio.gather(*tasks)
    return results


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("base_url")
    parser.add_argument("--model", default="")
    parser.add_argument("--prompt", default="Say hello.")
    parser.add_argument("--rate", type=float, default=1.0, help="requests per second")
    parser.add_argument("--requests", type=int, default=10)
    parser.add_argument("--poisson", action="store_true", help="at random times, not equal ones")
    sys.stdout.write(str(asyncio.run(load(parser.parse_args()))))
