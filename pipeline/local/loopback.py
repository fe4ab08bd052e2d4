"""A WSGI application served on 127.0.0.1, on a port that the system chooses."""

from __future__ import annotations

import logging
from threading import Thread
from typing import TYPE_CHECKING, Any

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class QuietHandler(WSGIRequestHandler):
    """Answers without a log line a request, and without the 40 ms that Nagle's algorithm adds to small answers."""

    disable_nagle_algorithm = True
    wbufsize = 65536

    def log_request(self, *_args: Any, **_kwargs: Any) -> None:
        """Say nothing: one line a request drowns what the reader is looking for."""


class LoopbackServer:
    """Serves one application from its own thread between `start` and `stop`, to this machine only."""

    def __init__(self, application: WSGIApplication) -> None:
        self._application = application
        self._server: BaseWSGIServer | None = None
        self._thread: Thread | None = None

    def start(self) -> str:
        """Serve, and return the address without a slash at its end."""
        # werkzeug greets with a line of its own unless its logger has a level
        logging.getLogger("werkzeug").setLevel(logging.WARNING)
        self._server = make_server("127.0.0.1", 0, self._application, threaded=True, request_handler=QuietHandler)
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def stop(self) -> None:
        """Stop serving and free the port; does nothing to a server that isn't running."""
        if self._server is None or self._thread is None:
            return
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
        self._server = self._thread = None
