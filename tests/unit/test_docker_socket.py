"""Asking a daemon through a real Unix socket: one that answers, and the many ways of not answering."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gpudoctor.facts.observed import Absent, Known, Unknown
from gpudoctor.probes import docker_socket

INFO = b'{"ServerVersion": "28.5.2", "Runtimes": {"runc": {}, "nvidia": {}}, "CgroupDriver": "systemd"}'


def answer(body: bytes, head: bytes = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n") -> bytes:
    return head + body


@contextmanager
def serving(path: Path, behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """A server of our own on a Unix socket; its thread ends with the test."""
    over = threading.Event()
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.bind(str(path))
    server.listen(4)

    def run() -> None:
        try:
            client, _ = server.accept()
        except OSError:
            return
        with client:
            client.recv(4096)
            try:
                behave(client, over)
            except OSError:
                return

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield str(path)
    finally:
        over.set()
        server.close()
        thread.join(5)


def test_an_answer_is_read_whole(tmp_path: Path) -> None:
    with serving(tmp_path / "s", lambda client, _: client.sendall(answer(INFO))) as path:
        said = docker_socket.info(path)
    assert isinstance(said, Known) and said.value["ServerVersion"] == "28.5.2"
    assert said.via == f"GET /info on {path}"


def test_an_answer_in_chunks_is_understood(tmp_path: Path) -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (
        len(INFO),
        INFO,
    )
    with serving(tmp_path / "s", lambda client, _: client.sendall(chunked)) as path:
        assert isinstance(docker_socket.info(path), Known)


def test_a_daemon_that_hangs_costs_the_deadline_and_no_more(tmp_path: Path) -> None:
    with serving(tmp_path / "s", lambda _, over: over.wait(30) and None) as path:
        began = time.monotonic()
        said = docker_socket.info(path, 0.2)
        assert time.monotonic() - began < 2
    assert isinstance(said, Unknown) and "0.2 s" in said.reason


def test_a_daemon_that_drips_does_not_outlive_the_deadline(tmp_path: Path) -> None:
    """Each piece in time, the whole never: a deadline per read would wait for ever."""

    def drip(client: socket.socket, over: threading.Event) -> None:
        while not over.wait(0.02):
            client.sendall(b"H")

    with serving(tmp_path / "s", drip) as path:
        began = time.monotonic()
        said = docker_socket.info(path, 0.3)
        assert time.monotonic() - began < 2
    assert isinstance(said, Unknown)


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"\x00\xff" * 50,
        answer(b"{"),
        answer(b"[]"),
        answer(b"[" * 100_000),
        answer(b'{"message":"no"}', b"HTTP/1.0 503 Service Unavailable\r\n\r\n"),
        b"HTTP/1.0 200 OK\r\nContent-Length: 999\r\n\r\n{}",
    ],
)
def test_another_language_is_unknown_and_never_an_exception(tmp_path: Path, reply: bytes) -> None:
    with serving(tmp_path / "s", lambda client, _: client.sendall(reply)) as path:
        assert isinstance(docker_socket.info(path), Unknown)


def test_nobody_listens(tmp_path: Path) -> None:
    assert isinstance(docker_socket.info(str(tmp_path / "none")), Absent)
    left_behind = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left_behind.bind(str(tmp_path / "s"))
    left_behind.close()
    assert isinstance(docker_socket.info(str(tmp_path / "s")), Absent)


def test_a_file_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("x")
    assert not isinstance(docker_socket.info(str(tmp_path / "s")), Known)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open every socket")
def test_a_closed_socket_asks_for_root(tmp_path: Path) -> None:
    with serving(tmp_path / "s", lambda *_: None) as path:
        os.chmod(path, 0)
        said = docker_socket.info(path)
    assert isinstance(said, Unknown) and said.would_help == "root"
