"""A client of the queued proxy's original, written from docs/protocols/https-proxy-compat.md alone.

    compat_client.py HOST PORT [PIECE [COUNT]] < REQUEST

Sends the JSON on standard input, in pieces of PIECE octets (all at once unless given), COUNT times on one connection
(once unless given). Prints the JSON of each answer as a line, or "closed" where the other end closes without one.
"""
import json, os, socket, struct, sys


def masked(key, data):
    size = len(data)
    pad = (key * (size // len(key) + 1))[:size]
    return (int.from_bytes(data, 'big') ^ int.from_bytes(pad, 'big')).to_bytes(size, 'big')


def request(data):
    nonce, key = os.urandom(4), os.urandom(33 + os.urandom(1)[0] % 168)
    magic = nonce + bytes(((octet ^ 0x5A) + index * 0x17) % 256 for index, octet in enumerate(nonce))
    payload = bytes([len(key)]) + key + masked(key, data)
    return magic + struct.pack('!I', len(payload)) + payload


def octets(conn, size):
    data = bytearray()
    while len(data) < size:
        chunk = conn.recv(min(65536, size - len(data)))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)


def answer(conn):
    payload = octets(conn, struct.unpack('!I', octets(conn, 4))[0])
    size = payload[0]
    return json.loads(masked(payload[1 : 1 + size], payload[1 + size :]))


def main(host, port, piece='0', count='1'):
    data = sys.stdin.buffer.read()
    conn = socket.create_connection((host, int(port)), timeout=20)
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for _ in range(int(count)):
        frame = request(data)
        size = int(piece) or len(frame)
        try:
            for at in range(0, len(frame), size):
                conn.sendall(frame[at : at + size])
            print(json.dumps(answer(conn)), flush=True)
        except (EOFError, ConnectionError):
            print('closed', flush=True)
            break


main(*sys.argv[1:])
