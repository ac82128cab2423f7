"""The clients: requests, retries and connections, for the protocol in ``sseparse.completions``.

    _timeout, _requests ◄ _settings ◄ _completions, _client
    _http, _retries, _events                       ◄ _client

``_http`` is one exchange over urllib3. ``_client`` sends requests through it, and gives the
reads to the protocol.

The public names are in ``sseparse.completions``, which imports this package when one of them is
asked for.
"""
