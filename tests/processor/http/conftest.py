"""Raw socket servers on loopback, so that a test says byte by byte how a vendor behaves."""

import socket
import struct
import threading
import time
from contextlib import suppress

import pytest

from connectors.kit.http import Signed
from processor.http.curl import CurlTransport
from processor.http.requests_threads import RequestsTransport
from processor.http.transport import Transport, TransportError
from testkit.certificates import loopback

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Connection:
    """One accepted connection, with what a test's server does to it."""

    def __init__(self, sock, number):
        self.sock, self.number, self._rest = sock, number, b""

    def read(self):
        """One request, byte for byte; b"" where the client closed."""
        while b"\r\n\r\n" not in self._rest:
            if not self._more():
                return b""
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        length = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0)
        while len(self._rest) < length:
            if not self._more():
                return b""
        body, self._rest = self._rest[:length], self._rest[length:]
        return head + b"\r\n\r\n" + body

    def _more(self):
        data = self.sock.recv(65536)
        self._rest += data
        return data

    def send(self, data):
        self.sock.sendall(data)

    def reset(self):
        """Close with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()


class Server:
    """Accepts connections and gives each to `behave` in a thread of its own."""

    def __init__(self, behave, context=None):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.requests, self.connections = [], 0
        self._behave, self._context, self._open = behave, context, []
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, path="/", host="127.0.0.1"):
        return f"{'https' if self._context else 'http'}://{host}:{self.port}{path}"

    def _accept(self):
        with suppress(OSError):
            while True:
                sock, _ = self.listener.accept()
                self.connections += 1
                self._open.append(sock)
                threading.Thread(target=self._serve, args=(sock, self.connections), daemon=True).start()

    def _serve(self, sock, number):
        with suppress(OSError):
            if self._context:
                sock = self._context.wrap_socket(sock, server_side=True)
                self._open.append(sock)
            with sock:
                self._behave(self, Connection(sock, number))

    def close(self):
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in self._open:
            with suppress(OSError):
                sock.close()


def answering(answer=OK):
    """Behaviour: every request gets `answer`."""

    def behave(server, connection):
        while request := connection.read():
            server.requests.append(request)
            connection.send(answer)

    return behave


@pytest.fixture
def serve():
    """Start servers; called with a behaviour, or with the bytes that answer every request."""
    servers = []

    def start(behave=OK, context=None):
        server = Server(answering(behave) if isinstance(behave, bytes) else behave, context)
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory):
    """A self-signed certificate for loopback: its file, and a server's context that shows it."""
    return loopback(tmp_path_factory.mktemp("tls"), now=time.time())


@pytest.fixture(params=[CurlTransport, RequestsTransport], ids=["curl", "requests"])
def make(request):
    """Make transports of one kind and close them in the end."""
    made = []

    def build(**options):
        made.append(request.param(**options))
        return made[-1]

    yield build
    for transport in made:
        transport.close()


@pytest.fixture
def transport(make) -> Transport:
    return make()


@pytest.fixture
def drain():
    """Wait for the next completions."""

    def wait_for(transport, count=1, seconds=10.0):
        done, end = [], time.monotonic() + seconds
        while len(done) < count and time.monotonic() < end:
            done += transport.wait(0.5)
        assert len(done) == count, f"{len(done)} of {count} calls ended within {seconds} s"
        return done

    return wait_for


@pytest.fixture
def call(drain):
    """One call from start to end; gives its answer."""

    def whole(transport, method, url, headers=(), body=None, *, timeout=5.0, **more):
        ticket = object()
        transport.start(Signed(method, url, headers, body), ticket, timeout=timeout, **more)
        (done,) = drain(transport)
        assert done.ticket is ticket
        return done.answer

    return whole


@pytest.fixture
def failed(call):
    """One call from start to end that must fail; gives its error."""

    def whole(*arguments, **options):
        answer = call(*arguments, **options)
        assert isinstance(answer, TransportError), f"answered {answer.status}"
        return answer

    return whole


@pytest.fixture
def closed_port():
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
