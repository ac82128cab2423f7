"""The clients: requests, retries and connections, over the parsers of ``sseparse.completions``.

    _timeout, _requests ◄ _settings ◄ _calls ◄ _base
    _faults, _route ◄ _aiohttp
    _base, _completions, _events, _http            ◄ _client
    _base, _async_completions, _events, _aiohttp   ◄ _async_client

An exchange is a request and its answer. ``_http`` has exchanges over urllib3, for threads, and
``_aiohttp`` exchanges over aiohttp, for tasks. ``_client`` and ``_async_client`` send requests with
them, and give the reads to the parsers. ``_base`` has the code that both clients share.

The public names are in ``sseparse.completions``, which imports this package when one of them is
used.
"""
