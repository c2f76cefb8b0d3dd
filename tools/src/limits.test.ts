import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const read = (path: string): string => readFileSync(resolve(root, path), 'utf8')

/** Each row of docs/limits.md with its default, and where in the source that is said. */
const LIMITS: readonly (readonly [row: string, value: string, file: string, source: string])[] = [
  [
    'Handshake, from accept',
    '10 s',
    'service/src/session-config.ts',
    "handshakeMs: duration\n    .prefault('10')",
  ],
  ['HTTP request head', '16 KiB', 'wire/src/http-scan.ts', 'MAX_HEAD_BYTES: number = 16 * 1024'],
  ['HTTP request line', '8 KiB', 'wire/src/http-scan.ts', '8 * 1024'],
  ['HTTP header fields', '100', 'wire/src/http-scan.ts', 'MAX_FIELDS = 100'],
  ['`sumbit:` line', '1 KiB', 'wire/src/sumbit.ts', 'MAX_LINE_BYTES = 1024'],
  ['SOCKS5 user, password', '255 bytes each', 'wire/src/socks5.ts', '255'],
  ['Host name', '255 bytes', 'wire/src/address.ts', '255'],
  [
    'Dial, name resolution included',
    '10 s',
    'service/src/session-config.ts',
    "dialMs: duration\n    .prefault('10')",
  ],
  ['Addresses of one name', '16', 'net/src/dial.ts', 'MAX_ADDRESSES = 16'],
  [
    'Nothing passes either way',
    '3,600 s',
    'service/src/session-config.ts',
    "idleMs: duration\n    .prefault('1h')",
  ],
  ["A refusal's answer", '1 s', 'net/src/refuse.ts', 'DRAIN_MS = 1000'],
  ['Read buffer, dialled conn', '16–512 KiB', 'net/src/read-buffer.ts', '[16 * 1024, 64 * 1024, 512 * 1024]'],
  ['Read, limited conn', '64 KiB', 'net/src/relay.ts', 'LIMITED_READ = 64 * 1024'],
  ['Connections of one address in the handshake', '1,024', 'service/src/session-config.ts', 'prefault(1024)'],
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
  ['Log lines waiting for stdout', '4 MiB', 'service/src/log-writer.ts', 'maxChars = 4 * 1024 * 1024'],
  ['Drain after SIGTERM', '30 s', 'service/src/config.ts', "prefault('30')"],
  ['A setting', '64 KiB', 'service/src/config-sources.ts', 'VALUE_MAX_CHARS = 64 * 1024'],
  ['Name', '255 bytes', 'userstore/src/user.ts', 'USER_NAME_MAX_BYTES = 255'],
  ['Password', '1,024 bytes', 'userstore/src/password.ts', 'PASSWORD_MAX_BYTES = 1024'],
  ['Credentials', '64', 'userstore/src/user-check.ts', 'CREDENTIALS_MAX = 64'],
]

const rows = read('docs/limits.md')
  .split('\n')
  .filter((line) => line.startsWith('| ') && !/^\| (?:-|Limit )/.test(line))
  .map((line) => line.split('|').map((cell) => cell.trim()))

it.each(LIMITS)('%s: %s', (row, value, file, source) => {
  expect(rows.find(([, name]) => name === row)?.[2]).toBe(value)
  expect(read(`libs/${file}`)).toContain(source)
})

it('every default on the page is held to the source', () => {
  const ofUsers = /^`--|^`disable`/
  const named = rows.filter(([, , value = '']) => !ofUsers.test(value)).map(([, name]) => name)
  expect(named.filter((name) => !LIMITS.some(([row]) => row === name))).toEqual([])
})
