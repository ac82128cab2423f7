"""The clients: requests, retries and connections, for the protocol in ``sseparse.completions``.

    _settings ◄ _requests ◄ _client ► _retries
                            _client ► _http

The public names are in ``sseparse.completions``, which imports this package when one of them is
asked for.
"""
