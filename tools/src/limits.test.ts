import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8')

const APP = '../apps/remote-proxy/src'
const SS = '../apps/ss-node/src'
const SOURCES = `${SS}/sources`
const UDP = '../apps/ss-node/src/udp'
const RELAY = '../apps/relay/src'

/** Each row of docs/limits.md with its default, and where in the source that is said. */
const LIMITS: readonly (readonly [row: string, value: string, file: string, source: string])[] = [
  ['Handshake, from accept, TLS included', '10 s', 'service/src/session-config.ts', "handshake = '10',"],
  ['TLS version', '1.2 or newer', 'net/src/tls-context.ts', "minVersion: 'TLSv1.2'"],
  ['PROXY header', '4 KiB', 'wire/src/proxy-protocol/v2.ts', 'MAX_HEADER_BYTES: number = 4 * 1024'],
  ['HTTP request head', '16 KiB', 'wire/src/http-scan.ts', 'MAX_HEAD_BYTES: number = 16 * 1024'],
  ['HTTP request line', '8 KiB', 'wire/src/http-scan.ts', '8 * 1024'],
  ['HTTP header fields', '100', 'wire/src/http-scan.ts', 'MAX_FIELDS = 100'],
  ['HTTP chunk size', '16 digits', 'wire/src/http-chunked.ts', 'MAX_SIZE_DIGITS = 16'],
  ['HTTP chunk extensions', '256 bytes', 'wire/src/http-chunked.ts', 'MAX_CHUNK_EXTENSION_BYTES = 256'],
  ['HTTP trailers', '16 KiB, 100', 'wire/src/http-chunked.ts', 'MAX_TRAILER_BYTES: number = 16 * 1024'],
  ['Rounds without HTTP credentials', '4', `${APP}/http.ts`, 'MAX_ROUNDS = 4'],
  ['Head of a later request', '10 s', `${APP}/door.ts`, 'handshakeMs: headMs'],
  ['Body of a request', '1 KiB in 60 s', `${APP}/forward/forward-client.ts`, 'BODY_WINDOW_MS = 60_000'],
  ['Between two requests', '60 s', `${APP}/config.ts`, "keepAliveMs: duration.prefault('60')"],
  [
    'Head of a response, from the end of the request',
    '5 min',
    `${APP}/config.ts`,
    "responseMs: duration.prefault('5m')",
  ],
  ['Kept conns to targets, of one client', '8', `${APP}/forward/idle-targets.ts`, 'MAX_IDLE = 8'],
  [
    'Kept conn, for a request that cannot be repeated',
    '5 s idle',
    `${APP}/forward/exchange.ts`,
    'FRESH_MS = 5000',
  ],
  ['Path in the log', '1,024 bytes', `${APP}/forward/request-log.ts`, 'MAX_PATH = 1024'],
  ['`sumbit:` line', '1 KiB', 'wire/src/sumbit.ts', 'MAX_LINE_BYTES = 1024'],
  ['SOCKS5 user, password', '255 bytes each', 'wire/src/socks5.ts', '255'],
  ['SOCKS4 user id', '511 bytes', 'wire/src/socks4.ts', 'MAX_USER_ID_BYTES = 511'],
  ['Host name', '255 bytes', 'wire/src/address.ts', '255'],
  [
    'Dial, name resolution included',
    '10 s',
    'service/src/session-config.ts',
    "dialMs: duration.prefault('10')",
  ],
  [
    'A connection that BIND waits for',
    '60 s',
    '../apps/remote-proxy/src/socks-config.ts',
    "bindMs: duration\n    .prefault('60')",
  ],
  ['Clients that wait by BIND', '1,024', '../apps/remote-proxy/src/bind.ts', 'MAX_WAITING = 1024'],
  ['Addresses of one name', '16', 'net/src/dial.ts', 'MAX_ADDRESSES = 16'],
  ['Name to look up', '254 bytes', 'net/src/dns/resolver.ts', '{1,254}'],
  [
    'Question to a name server',
    '2 s, 2 tries each',
    'net/src/dns/server-names.ts',
    'QUESTION_MS = 2000\nconst QUESTION_TRIES = 2',
  ],
  [
    "To reach an upstream's member",
    '4 s',
    'service/src/upstream-config.ts',
    "timeout: duration.prefault('4')",
  ],
  ['Answer of an upstream', '16 KiB', 'net/src/upstream/chain-dial.ts', 'MAX_ANSWER_BYTES = 16 * 1024'],
  ['Names remembered', '10,000', 'net/src/dns/resolver.ts', 'MAX_NAMES = 10_000'],
  [
    'A name remembered',
    '1 s to 1 h',
    'net/src/dns/resolver.ts',
    'MIN_TTL_MS = 1000\nconst MAX_TTL_MS = 3_600_000',
  ],
  [
    'A name remembered that the system has resolved',
    '30 s',
    'net/src/dns/system-names.ts',
    'SYSTEM_TTL_MS = 30_000',
  ],
  [
    'Lookups by the system at a time, and waiting',
    '2, 256',
    'net/src/dns/system-names.ts',
    'SYSTEM_PARALLEL = 2\nconst SYSTEM_WAITING = 256',
  ],
  [
    'Lookups by name servers at a time, and waiting',
    '256, 1,024',
    'net/src/dns/server-names.ts',
    'PARALLEL = 256\nconst WAITING = 1024',
  ],
  ['Name servers', '8', 'service/src/dns-config.ts', 'MAX_SERVERS = 8'],
  [
    'Upstreams, members of one, hops of one',
    '64, 64, 8',
    'service/src/upstream-config.ts',
    'MAX_HOPS = 8\nconst MAX_MEMBERS = 64\nconst MAX_UPSTREAMS = 64',
  ],
  [
    'Addresses of one name, through an upstream',
    '4',
    'service/src/access/access-dial.ts',
    'MAX_ADDRESSES = 4',
  ],
  ['Nothing passes either way', '3,600 s', 'service/src/session-config.ts', "idle = '1h',"],
  [
    'UDP association in which nothing passes',
    '5 min',
    '../apps/remote-proxy/src/socks-config.ts',
    "udpIdleMs: duration\n    .prefault('5m')",
  ],
  [
    'Datagrams waiting for their turn, each way',
    '50 ms, 256 KiB, 1,024',
    'service/src/datagram-queue.ts',
    'MAX_WAIT_MS = 50\nconst MAX_BYTES = 256 * 1024\nconst MAX_DATAGRAMS = 1024',
  ],
  ['Destinations of an association', '1,024', 'service/src/destinations.ts', 'MAX_DESTINATIONS = 1024'],
  [
    'Names being looked up for it, datagrams waiting for one',
    '32, 16, and 256 KiB together',
    'service/src/destinations.ts',
    'MAX_LOOKUPS = 32\n/** Datagrams for one destination that is being looked up. */\nconst MAX_WAITING = 16\n/** Over all lookups: 64 KiB a datagram add up. */\nconst MAX_WAITING_BYTES = 256 * 1024',
  ],
  ["A datagram's wait for a name", '1 s', 'service/src/destinations.ts', 'MAX_LOOKUP_MS = 1000'],
  ["A refusal's answer", '1 s', 'net/src/refuse.ts', 'DRAIN_MS = 1000'],
  ['Read buffer, dialled conn', '16–512 KiB', 'net/src/read-buffer.ts', '[CHUNK, 4 * CHUNK, 32 * CHUNK]'],
  ['Read, limited conn', '64 KiB', 'net/src/relay.ts', 'LIMITED_READ: number = 64 * 1024'],
  [
    "A program's request",
    '10 s',
    '../apps/remote-proxy/src/client/local-session.ts',
    'HANDSHAKE_MS = 10_000',
  ],
  [
    'All attempts to reach the server',
    '5 s',
    '../apps/remote-proxy/src/client/server-link.ts',
    'TRY_MS = 5000',
  ],
  [
    "The server's answer, over TLS",
    '60 s',
    '../apps/remote-proxy/src/client/server-request.ts',
    'ANSWER_MS = 60_000',
  ],
  ['Connections of one address in the handshake', '1,024', 'service/src/session-config.ts', 'prefault(1024)'],
  [
    'Failed sign-ins of one address in a row',
    '10',
    'service/src/session-config.ts',
    'authFailures: wholeNumber(0, 1000).prefault(10)',
  ],
  [
    'Failed sign-ins with one name in a row',
    '10 × that',
    'service/src/sign-in-guard.ts',
    'ADDRESSES_PER_NAME = 10',
  ],
  [
    'The longest wait after a failed sign-in',
    '5 min',
    'service/src/session-config.ts',
    "authBackoffMs: duration.prefault('5m')",
  ],
  [
    'Addresses and names whose failures are known',
    '100,000 each',
    'service/src/backoff.ts',
    'MAX_KEYS = 100_000',
  ],
  ['Grown read buffers together', '64 MiB', 'net/src/read-buffer.ts', 'BUDGET = 64 * 1024 * 1024'],
  ['Rate of all users, `up`, `down`, `total`', 'none', 'service/src/session-config.ts', 'rate.optional()'],
  ['File descriptors', 'system', 'net/src/net-error.ts', "EMFILE: 'DIAL_LOCAL_LIMIT'"],
  ['Connections waiting for accept', '4,096', 'net/src/listen.ts', 'backlog ?? 4096'],
  [
    'Password checks at a time, and waiting',
    '2, 256',
    'userstore/src/password-verifier.ts',
    'waiting ?? 256',
  ],
  ['Remembered passwords', '10,000', 'userstore/src/password-verifier.ts', 'max ?? 10_000'],
  ['A remembered password unused', '1 h', 'userstore/src/password-verifier.ts', 'unusedMs ?? HOUR_MS'],
  [
    'What an address moves before it counts for `--ips`',
    '0',
    'service/src/session-config.ts',
    "deviceBytes = '0'",
  ],
  [
    'An address counts for `--ips` after its last connection',
    '0 s',
    'service/src/session-config.ts',
    "deviceTtl = '0'",
  ],
  [
    'Addresses without a connection that count, of one user',
    '1,024',
    'service/src/devices.ts',
    'MAX_GONE = 1024',
  ],
  ['Users told by `/v1/users`', '10,000', 'service/src/user-status.ts', 'MAX_USERS = 10_000'],
  ['Lines waiting for the access log', '4 MiB', 'service/src/log-writer.ts', 'maxBytes = 4 * 1024 * 1024'],
  ['Log lines waiting for stdout', '4 MiB', 'service/src/log-writer.ts', 'maxBytes = 4 * 1024 * 1024'],
  ['Drain after SIGTERM', '30 s', 'service/src/config.ts', "prefault('30')"],
  ['Rules', '10,000', 'service/src/access/rule.ts', 'MAX_RULES = 10_000'],
  ['Upstreams that one rule names', '8', 'service/src/access/rule.ts', 'MAX_VIA = 8'],
  [
    'Characters of a regular expression',
    '256',
    'service/src/access/name-patterns.ts',
    'MAX_PATTERN_LENGTH = 256',
  ],
  [
    'Steps of all regular expressions',
    '2,000',
    'service/src/access/name-patterns.ts',
    'MAX_PATTERN_STEPS = 2000',
  ],
  ['A certificate or key file', '1 MiB', 'net/src/tls-files.ts', 'MAX_FILE_BYTES = 1024 * 1024'],
  ['A setting', '64 KiB', 'service/src/config-sources.ts', 'VALUE_MAX_CHARS = 64 * 1024'],
  ['Name', '255 bytes', 'userstore/src/user.ts', 'USER_NAME_MAX_BYTES = 255'],
  ['Password', '1,024 bytes', 'userstore/src/password.ts', 'PASSWORD_MAX_BYTES = 1024'],
  ['Imported name, password', '255 bytes each', 'userstore/src/seed-row.ts', 'SEED_TEXT_MAX_BYTES = 255'],
  ['Groups', '64', 'userstore/src/user-check.ts', 'GROUPS_MAX = 64'],
  ['Name of a group', '64 characters', 'userstore/src/user.ts', '{1,64}'],
  ['Credentials', '64', 'userstore/src/user-check.ts', 'CREDENTIALS_MAX = 64'],
  [
    'A file or list of users',
    '16 MiB',
    `${SOURCES}/userconfigs.ts`,
    'MAX_LIST_BYTES: number = 16 * 1024 * 1024',
  ],
  ['Users in a list', '100,000', `${SOURCES}/user-list.ts`, 'MAX_USERS = 100_000'],
  ['An answer of a panel', '20 s', `${SOURCES}/sources.ts`, 'REQUEST_MS = 20_000'],
  ['An answer to a post', '64 KiB', `${SOURCES}/panel-client.ts`, 'MAX_ANSWER_TO_POST = 64 * 1024'],
  ['The first list of a panel', '5 s', `${SOURCES}/sources.ts`, 'FIRST_MS = 5000'],
  ['The last post to a panel', '5 s', `${SOURCES}/sources.ts`, 'LAST_MS = 5000'],
  ['A post to a panel', '512 KiB', `${SOURCES}/usage-batch.ts`, 'MAX_BODY = 512 * 1024'],
  ['Addresses of a user in a post', '16', `${SOURCES}/usage-batch.ts`, 'MAX_ADDRESSES = 16'],
  ['Redirects of a panel', '3', `${SOURCES}/panel-client.ts`, 'MAX_REDIRECTS = 3'],
  [
    'Clock of a client, methods of 2022',
    '30 s',
    'wire/src/shadowsocks/packet-body.ts',
    'MAX_CLOCK_DIFFERENCE = 30',
  ],
  [
    'Packet ID behind the highest of its session',
    '8,160',
    'wire/src/shadowsocks/packet-window.ts',
    'WORD_BITS = 32\nconst WORDS = 256',
  ],
  [
    'A salt of a method of 2022 remembered',
    '62 s',
    'wire/src/shadowsocks/recent-salts.ts',
    'KEEP_MS = 62_000',
  ],
  ['Handshake of Shadowsocks, from accept', '60 s', `${SS}/config.ts`, "sessionSchemaOf({ handshake: '60',"],
  ['Nothing passes either way, Shadowsocks', '60 s', `${SS}/config.ts`, "idle: '60',"],
  ['A request of a 2022 method', '66 KiB', `${SS}/handshake.ts`, 'MAX_REQUEST_BYTES = 66 * 1024'],
  [
    'TCP connections of a user of Shadowsocks',
    '60',
    `${SS}/config.ts`,
    'connections: wholeNumber(1).prefault(60)',
  ],
  [
    'What an address moves before it is a device of Shadowsocks',
    '16 KB',
    `${SS}/config.ts`,
    "deviceBytes: '16KB'",
  ],
  ['A device of Shadowsocks counts after its last connection', '60 s', `${SS}/config.ts`, "deviceTtl: '60'"],
  [
    'Keys tried in vain for one client network',
    '1,000 a second, 20,000 at once',
    `${SS}/failure-guard.ts`,
    'TRIALS: Limit = { rate: 1000, burst: 20_000 }',
  ],
  ['Client networks whose tries are known', '65,536', `${SS}/failure-guard.ts`, 'MAX_NETWORKS = 65_536'],
  ['Searches for a key that wait', '1,024', `${SS}/sliced-search.ts`, 'MOST_WAITING = 1024'],
  ['Keys of servers', '1,000', `${SS}/identity-key.ts`, 'max(1000)'],
  [
    'Salts of methods of 2022 remembered',
    '1,000,000',
    'wire/src/shadowsocks/recent-salts.ts',
    'capacity = 1_000_000',
  ],
  [
    'Of these, those of one key',
    'four times as many as are free',
    'wire/src/shadowsocks/recent-salts.ts',
    'SHARE = 4',
  ],
  ['Windows of ended sessions, methods of 2022', '62 s, 16,384', `${UDP}/ended-windows.ts`, 'MOST = 16_384'],
  [
    'Salts of other methods remembered',
    '500,000',
    'wire/src/shadowsocks/salt-filter.ts',
    'capacity = 500_000',
  ],
  ['Shadowsocks secret', '1,024 characters', 'service/src/cli-shadowsocks.ts', 'SECRET_MAX_CHARS = 1024'],
  ['Owner of users, such as a panel', '32 characters', 'userstore/src/user.ts', '{0,31}'],
  ['Users of one owner', '100,000', 'userstore/src/sqlite-owners.ts', 'SYNC_MAX_USERS = 100_000'],
  [
    'Refused users of an owner that are told one by one',
    '1,000',
    'userstore/src/owner-sync.ts',
    'REFUSED_MAX = 1000',
  ],
  ['Users told to a program at a time', '250', 'userstore/src/pages.ts', 'PAGE_ENTRIES = 250'],
  ['Associations of a user', '1,024', `${UDP}/udp-config.ts`, 'associations: wholeNumber(1).prefault(1024)'],
  ['Associations of a port', '16,384', `${UDP}/associations.ts`, 'MOST_OF_A_PORT = 16_384'],
  ['Association that has only asked port 53', '17 s', `${UDP}/udp-association.ts`, 'DNS_IDLE_MS = 17_000'],
  ['Session of a method of 2022', '60 s', `${UDP}/packet-clients.ts`, 'LEAST_IDLE_MS = 60_000'],
  [
    'Keys tried for strangers by UDP, all together',
    '20,000 a second',
    `${UDP}/key-search.ts`,
    'const TRIALS: Limit = { rate: 20_000,',
  ],
  [
    'Of these, of one network, IPv4 /24 or IPv6 /48',
    '10,000 a second',
    `${UDP}/key-search.ts`,
    'NETWORK_TRIALS: Limit = { rate: 10_000,',
  ],
  [
    'Datagrams that wait for their key to be found',
    '1,024, and 2 MiB',
    `${UDP}/key-search.ts`,
    'MOST_WAITING = 1024 const MOST_WAITING_BYTES = 2 * 1024 * 1024',
  ],
  ['Those of one client', '16', `${UDP}/salted-clients.ts`, 'MOST_BEHIND = 16'],
  ['Reservations', '128', `${RELAY}/presets.ts`, 'reservations: 128,'],
  ['Reservations of one address, of IPv6 a /64', '8', `${RELAY}/presets.ts`, 'reservationsPerIp: 8,'],
  ['Circuits', '16', `${RELAY}/presets.ts`, 'circuits: 16,'],
  ['Circuits of a peer, as source and as destination', '4', `${RELAY}/presets.ts`, 'circuitsPerPeer: 4,'],
  ['Circuits that wait for one destination', '4', `${RELAY}/presets.ts`, 'pendingPerPeer: 4,'],
  ['Circuits that a peer asks for in a minute', '30', `${RELAY}/presets.ts`, 'connectsPerMinute: 30,'],
  ['Life of a reservation', '1 h', `${RELAY}/presets.ts`, 'reservationTtlMs: 60 * MINUTE_MS,'],
  ['Duration of a circuit', '2 min', `${RELAY}/presets.ts`, 'durationMs: 2 * MINUTE_MS,'],
  ['What a circuit carries each way', 'none', `${RELAY}/presets.ts`, 'dataBytes: 0,'],
  ['Rate of a circuit, each way', '1 MB/s', `${RELAY}/presets.ts`, 'rate: 1_000_000,'],
  ['Circuit in which nothing passes', '2 min', `${RELAY}/presets.ts`, 'idleMs: 2 * MINUTE_MS,'],
  [
    "From a request for a circuit to its destination's ACCEPT",
    '10 s',
    `${RELAY}/presets.ts`,
    'acceptMs: 10_000,',
  ],
  ['Connection without a circuit that says nothing', '2 min', `${RELAY}/config.ts`, "DAY_MS).prefault('2m')"],
  [
    'A control connection that says nothing, until it is asked',
    '30 s',
    `${RELAY}/config.ts`,
    "pingMs: duration.prefault('30')",
  ],
  ['Frame before the login', '512 octets', 'wire/src/relay/frame.ts', 'BEFORE_AUTH: 512'],
  ['Frame behind it', '4,096 octets', 'wire/src/relay/frame.ts', 'AFTER_AUTH: 4096'],
  ['Message of a WebSocket', '64 KiB', 'net/src/ws/frame.ts', 'MAX_MESSAGE: number = 64 * 1024'],
  ['Frames of a control connection in a second', '64', `${RELAY}/control-conn.ts`, 'MAX_FRAMES = 64'],
  ['Frames that a peer does not read', '64, and 5 s', `${RELAY}/control-conn.ts`, 'MAX_QUEUED = 64'],
  [
    'Times that a reservation may move to another connection',
    '3 in 10 s',
    `${RELAY}/reservations.ts`,
    'MAX_REPLACEMENTS = 3 const FIGHT_MS = 10_000',
  ],
  [
    'Peers whose requests for circuits are counted',
    '65,536',
    `${RELAY}/connect-rates.ts`,
    'MAX_PEERS = 65_536',
  ],
  [
    "Wait for another relay's answer where a peer is",
    '1 s',
    `${RELAY}/presence-claims.ts`,
    'LOOKUP_MS = 1000',
  ],
]

const rows = read('docs/limits.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:-|Limit )/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))

/** How the formatter breaks lines is not what this is about. */
const dense = (text: string): string => text.replaceAll(/\s+/g, '')

it.each(LIMITS)('%s: %s', (row, value, file, source) => {
  expect(rows.find(([, name]) => name === row)?.[2]).toBe(value)
  expect(dense(read(`libs/${file}`))).toContain(dense(source))
})

it('every default on the page is held to the source', () => {
  const ofUsers = /^`--|^`disable`/
  const named = rows.filter(([, , value = '']) => !ofUsers.test(value)).map(([, name]) => name)
  expect(named.filter((name) => !LIMITS.some(([row]) => row === name))).toEqual([])
})
