"""A server of candles laid out like Dukascopy's, with faults on demand, on this machine."""

import lzma
import threading
import time
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

CANDLE = np.dtype(
    [("time", ">u4"), ("open", ">u4"), ("close", ">u4"), ("low", ">u4"), ("high", ">u4"), ("volume", ">f4")]
)


def candles(seed):
    """One day of M1 candles as the server packs them."""
    rows = np.zeros(1440, CANDLE)
    close = 114_000 + np.random.default_rng(seed).normal(0, 6, 1440).cumsum().round().astype(int)
    opened = np.concatenate([[114_000], close[:-1]])
    rows["time"], rows["open"], rows["close"] = np.arange(1440) * 60, opened, close
    rows["low"], rows["high"] = np.minimum(opened, close) - 3, np.maximum(opened, close) + 3
    rows["volume"] = 10 + np.arange(1440) % 7
    return lzma.compress(rows.tobytes(), format=lzma.FORMAT_ALONE)


@contextmanager
def serving(*faults):
    """A server that answers the first requests with the faults, then as it should; yields its address and a log."""
    todo, asked = list(faults), []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            fault = todo.pop(0) if todo else None
            body = candles(int(self.path.split("/")[-2]))
            if isinstance(fault, int):
                self.send_response(fault)
                self.send_header("Retry-After", "7")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            if fault == "slow":
                time.sleep(0.8)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            bad = {"cut": body[: len(body) // 2], "broken": b"<html>" + body, "zeros": b"\0" * len(body)}
            body = bad.get(fault, body)[: len(body)]
            with suppress(OSError):  # the client gave up on a slow answer
                self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
