"""A peer of the relay protocol, written from docs/protocols/relay.md alone: login, reservation, circuits, end to end.

    relay_peer.py listen HOST PORT [plain]      holds a reservation, takes one circuit and sends back what comes
    relay_peer.py dial HOST PORT ID [plain]     a circuit to ID for standard input and output
    relay_peer.py forge HOST PORT KEY           says to have the public key KEY (hex)
    relay_peer.py steal HOST PORT               accepts a circuit that nobody has offered it

Over TLS, except where SCHEME=tcp is in the environment. Each line that it prints is a word and a value.
"""
import hashlib, hmac, os, socket, ssl, struct, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

ALPHABET = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'
STATUS_AT_1 = {0x05, 0x0C, 0x0D, 0x14, 0x15, 0x43}


def say(word, value=''):
    print(word, value, flush=True)


def raw(key):
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def sha256(data):
    return hashlib.sha256(data).digest()


def base58(data):
    number, text = int.from_bytes(data, 'big'), ''
    while number:
        number, digit = divmod(number, 58)
        text = ALPHABET[digit] + text
    return '1' * (len(data) - len(data.lstrip(b'\0'))) + text


def from_base58(text):
    number = 0
    for letter in text:
        number = number * 58 + ALPHABET.index(letter)
    return number.to_bytes(32, 'big')


class Conn:
    """A stream of frames, then of octets."""

    def __init__(self, host, port):
        self.socket = socket.create_connection((host, int(port)), timeout=15)
        if os.environ.get('SCHEME', 'tls') == 'tls':
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self.socket = context.wrap_socket(self.socket)

    def octets(self, size):
        data = b''
        while len(data) < size:
            chunk = self.socket.recv(size - len(data))
            if not chunk:
                raise EOFError(f'ended behind {data.hex()}')
            data += chunk
        return data

    def send(self, kind, body=b'', status=0):
        frame = struct.pack('!BBH', kind, status, len(body)) + body
        self.socket.sendall(frame)
        return frame

    def frame(self):
        """Type, status, body; the whole of it too."""
        head = self.octets(4)
        kind, status, size = struct.unpack('!BBH', head)
        if kind == 0x02:
            addresses = []
            for _ in range(size):
                addresses.append(self.octets(struct.unpack('!H', self.octets(2))[0]).decode())
            return kind, status, addresses, head
        body = self.octets(size)
        return kind, status if kind in STATUS_AT_1 else 0, body, head + body

    def expect(self, kind):
        while True:
            found, status, body, _ = self.frame()
            if found == 0x12 and kind != 0x12:
                self.send(0x13, body)
            elif found != kind:
                raise ValueError(f'frame {found:#x}, status {status}: {body!r}')
            else:
                return status, body

    def end(self):
        """A clean end. Over TLS this module can only end both directions."""
        if isinstance(self.socket, ssl.SSLSocket):
            self.socket = self.socket.unwrap()
        self.socket.shutdown(socket.SHUT_WR)

    def login(self, identity, shown=None):
        public = shown or raw(identity.public_key())
        hello = self.send(0x40, struct.pack('!BBH', 1, 1, 0) + public + os.urandom(32))
        kind, status, body, challenge = self.frame()
        if kind == 0x43:
            return status
        relay = body[4:36]
        proof = b'sluice-relay/1 relay\0' + sha256(hello + challenge[:-64]) + bytes(32)
        Ed25519PublicKey.from_public_bytes(relay).verify(body[-64:], proof)
        self.relay = sha256(relay)
        self.send(0x42, identity.sign(b'sluice-relay/1 client\0' + sha256(hello + challenge) + bytes(32)))
        return self.expect(0x43)[0]


class Noise:
    """Noise_XX_25519_AESGCM_SHA256 over a circuit, both proven."""

    NAME = b'Noise_XX_25519_AESGCM_SHA256'

    def __init__(self, conn, identity, is_source, ours, theirs):
        self.conn, self.identity, self.is_source, self.theirs = conn, identity, is_source, theirs
        self.hash = self.chain = self.NAME + bytes(32 - len(self.NAME))
        self.mix_hash(b'sluice-relay/1\0' + (ours + theirs if is_source else theirs + ours))
        self.key, self.count = None, 0
        self.static, self.ephemeral = X25519PrivateKey.generate(), X25519PrivateKey.generate()

    def mix_hash(self, data):
        self.hash = sha256(self.hash + data)

    def hkdf(self, data):
        secret = hmac.digest(self.chain, data, 'sha256')
        first = hmac.digest(secret, b'\1', 'sha256')
        return first, hmac.digest(secret, first + b'\2', 'sha256')

    def mix_key(self, private, public):
        self.chain, key = self.hkdf(private.exchange(X25519PublicKey.from_public_bytes(public)))
        self.key, self.count = AESGCM(key), 0

    def nonce(self):
        self.count += 1
        return bytes(4) + struct.pack('!Q', self.count - 1)

    def seal(self, data):
        sealed = self.key.encrypt(self.nonce(), data, self.hash)
        self.mix_hash(sealed)
        return sealed

    def open(self, sealed):
        data = self.key.decrypt(self.nonce(), sealed, self.hash)
        self.mix_hash(sealed)
        return data

    def write(self, message):
        self.conn.socket.sendall(struct.pack('!H', len(message)) + message)

    def read(self):
        return self.conn.octets(struct.unpack('!H', self.conn.octets(2))[0])

    def proof(self):
        said = b'sluice-relay/1 noise\0' + bytes([0 if self.is_source else 1]) + raw(self.static.public_key())
        return raw(self.identity.public_key()) + self.identity.sign(said)

    def check(self, payload, static):
        if sha256(payload[:32]) != self.theirs:
            raise ValueError('somebody else is there')
        said = b'sluice-relay/1 noise\0' + bytes([1 if self.is_source else 0]) + static
        Ed25519PublicKey.from_public_bytes(payload[:32]).verify(payload[32:], said)

    def handshake(self):
        mine = raw(self.ephemeral.public_key())
        if self.is_source:
            self.mix_hash(mine)
            self.mix_hash(b'')
            self.write(mine)
            message = self.read()
            other = message[:32]
            self.mix_hash(other)
            self.mix_key(self.ephemeral, other)
            static = self.open(message[32:80])
            self.mix_key(self.ephemeral, static)
            self.check(self.open(message[80:]), static)
            sealed = self.seal(raw(self.static.public_key()))
            self.mix_key(self.static, other)
            self.write(sealed + self.seal(self.proof()))
        else:
            other = self.read()
            self.mix_hash(other)
            self.mix_hash(b'')
            self.mix_hash(mine)
            self.mix_key(self.ephemeral, other)
            sealed = self.seal(raw(self.static.public_key()))
            self.mix_key(self.static, other)
            self.write(mine + sealed + self.seal(self.proof()))
            message = self.read()
            static = self.open(message[:48])
            self.mix_key(self.ephemeral, static)
            self.check(self.open(message[48:]), static)
        first, second = (AESGCM(key) for key in self.hkdf(b''))
        self.sealing, self.opening = (first, second) if self.is_source else (second, first)
        self.sent = self.got = 0

    def send(self, data):
        """Nothing is the end."""
        self.write(self.sealing.encrypt(bytes(4) + struct.pack('!Q', self.sent), data, None))
        self.sent += 1

    def receive(self):
        data = self.opening.decrypt(bytes(4) + struct.pack('!Q', self.got), self.read(), None)
        self.got += 1
        return data


class Plain:
    """A circuit without end to end encryption; over TCP, since this module cannot end one direction of TLS."""

    def __init__(self, conn):
        self.socket, self.end = conn.socket, conn.end

    def send(self, data):
        self.socket.sendall(data) if data else self.end()

    def receive(self):
        return self.socket.recv(65536)


def circuit(conn, identity, body, is_source, is_plain):
    peer, key = body[16:48], body[48:80]
    if sha256(key) != peer:
        raise ValueError('a key of somebody else')
    say('peer', base58(peer))
    if is_plain:
        return Plain(conn)
    noise = Noise(conn, identity, is_source, sha256(raw(identity.public_key())), peer)
    noise.handshake()
    return noise


def listen(host, port, *more):
    identity = Ed25519PrivateKey.generate()
    control = Conn(host, port)
    say('welcome', control.login(identity))
    control.socket.sendall(bytes([1, 0, 0, 0]))
    status, addresses = control.expect(0x02)
    say('reserved', status)
    voucher = control.expect(0x50)[1][-136:]
    if voucher[:32] != control.relay or voucher[32:64] != sha256(raw(identity.public_key())):
        raise ValueError('a voucher of others')
    say('address', addresses[0])
    say('id', base58(sha256(raw(identity.public_key()))))
    offer = control.expect(0x0A)[1]
    if sha256(offer[48:80]) != offer[16:48]:
        raise ValueError('a source of another key')
    conn = Conn(host, port)
    conn.login(identity)
    conn.send(0x0B, offer[:16] + offer[80:112])
    status, body = conn.expect(0x05)
    say('accepted', status)
    stream = circuit(conn, identity, body, False, 'plain' in more)
    total = 0
    while data := stream.receive():
        total += len(data)
        stream.send(data)
    stream.send(b'')
    if 'plain' not in more:
        conn.end()
    status, body = control.expect(0x0D)
    say('closed', f'{status} {total}')


def dial(host, port, peer, *more):
    identity = Ed25519PrivateKey.generate()
    conn = Conn(host, port)
    say('welcome', conn.login(identity))
    conn.socket.sendall(bytes([4, 32]) + from_base58(peer))
    status, body = conn.expect(0x05)
    say('connected', status)
    if status != 0:
        return
    stream = circuit(conn, identity, body, True, 'plain' in more)
    stream.send(sys.stdin.buffer.read())
    stream.send(b'')
    digest = hashlib.sha256()
    while data := stream.receive():
        digest.update(data)
    if 'plain' not in more:
        conn.end()
    say('sha256', digest.hexdigest())


def forge(host, port, key):
    say('welcome', Conn(host, port).login(Ed25519PrivateKey.generate(), bytes.fromhex(key)))


def steal(host, port):
    conn = Conn(host, port)
    conn.login(Ed25519PrivateKey.generate())
    conn.send(0x0B, os.urandom(48))
    say('accepted', conn.expect(0x05)[0])


{'listen': listen, 'dial': dial, 'forge': forge, 'steal': steal}[sys.argv[1]](*sys.argv[2:])
