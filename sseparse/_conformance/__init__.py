"""Run any parser on the standard's corpora, and say by family what it gets right.

``_cases`` holds what is asked, ``_subject`` the process that answers, ``_judge`` compares, and
``_report`` tells. ``_worker`` is that process for a parser in Python, with the adapters of
``_peers``. The command ``sseparse conformance`` is the way in.
"""
