"""The clients: requests, retries and connections, for the protocol in ``sseparse.completions``.

    _timeout, _requests ◄ _settings ◄ _calls ◄ _base
    _faults, _route ◄ _aiohttp
    _base, _completions, _events, _http            ◄ _client
    _base, _async_completions, _events, _aiohttp   ◄ _async_client

``_http`` is one exchange over urllib3, for a thread, and ``_aiohttp`` one over aiohttp, for a task.
``_client`` and ``_async_client`` send requests through them, and give the reads to the protocol.
``_base`` has what both clients share.

The public names are in ``sseparse.completions``, which imports this package when one of them is
asked for.
"""
