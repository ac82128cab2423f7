"""Run any parser on the standard's corpora, and report the results by family.

``_cases`` reads and makes the streams. ``_subject`` starts the process of the parser and sends it
the streams. ``_judge`` compares the answers, and ``_report`` writes the results. For a parser in
Python, that process runs ``_worker``, with the adapters of ``_peers``. The command ``sseparse
conformance`` uses ``_run``.
"""
