"""Downloads that somebody begins, reads for a while, and then reads no more.

stalled.py HOST PORT LOGIN COUNT SOURCE: opens COUNT tunnels through the HTTP proxy from the address SOURCE to an origin
of its own, prints "stalled" once none of them reads any more, and ends with its input. The origin has more to send than
the small buffers between take, and yet so little that the kernel does not run out of memory for TCP.
"""
import base64
import selectors
import socket
import sys
import threading

host, port, login, count, source = sys.argv[1], int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), sys.argv[5]
SOCKET_BUFFER = 64 * 1024
READ_FIRST = 256 * 1024
SENT = bytes(1280 * 1024)


def pour(listener):
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    sent = {}
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                conn, _ = listener.accept()
                conn.setblocking(False)
                selector.register(conn, selectors.EVENT_WRITE)
                continue
            conn = key.fileobj
            sent[conn] = sent.get(conn, 0) + conn.send(memoryview(SENT)[sent.get(conn, 0) :])
            if sent[conn] == len(SENT):
                selector.unregister(conn)


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
listener.bind(("127.0.0.1", 0))
listener.listen(4096)
threading.Thread(target=pour, args=(listener,), daemon=True).start()

target = "127.0.0.1:%d" % listener.getsockname()[1]
basic = base64.b64encode(login.encode()).decode()
head = "CONNECT %s HTTP/1.1\r\nHost: %s\r\nProxy-Authorization: Basic %s\r\n\r\n" % (target, target, basic)
conns = []
for _ in range(count):
    conn = socket.socket()
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    conn.bind((source, 0))
    conn.connect((host, port))
    conn.sendall(head.encode())
    left = READ_FIRST
    while left > 0:
        chunk = conn.recv(65536)
        if not chunk:
            sys.exit("the proxy closed: %s" % target)
        left -= len(chunk)
    conns.append(conn)
print("stalled", flush=True)
sys.stdin.read()
