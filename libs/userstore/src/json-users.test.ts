import { expect, test } from 'vitest'
import { formatUsers, parseUsers } from './json-users.ts'
import { decoyHash } from './password.ts'
import type { User } from './user.ts'

const HASH = decoyHash(10)
const TOKEN = '0123456789abcdef'.repeat(4)
const NODE_ID = 'JEKNVnkbo3jma5nREBBJCDoXFVeKkD56V3xKrvRmWxFG'
const parse = (value: unknown) =>
  parseUsers(typeof value === 'string' ? value : JSON.stringify(value), '/etc/users.json', () => HASH)

test('a file as people write it', () => {
  const text = `{ "users": [
    { "name": "ada", "password": "in clear", "up": 1000, "quota": 5000, "quotaPeriod": "month", "expires": "2027-01-31" },
    { "name": "bob", "enabled": false, "ips": null, "expires": null, "credentials": [{ "kind": "token", "hash": "${TOKEN}" }] }
  ] }`
  expect(parse(text)).toEqual([
    {
      name: 'ada',
      enabled: true,
      expiresAt: Date.UTC(2027, 0, 31),
      limits: { up: 1000, quotaBytes: 5000, quotaPeriod: 'month' },
      credentials: [{ kind: 'password', hash: HASH }],
    },
    { name: 'bob', enabled: false, limits: { ips: null }, credentials: [{ kind: 'token', hash: TOKEN }] },
  ])
})

const user = (id: string, rest: Partial<User>): User => ({
  id,
  name: id,
  enabled: true,
  limits: {},
  credentials: [],
  ...rest,
})

test('what is written is read again', () => {
  const limits = { up: 1, down: 2, total: 3, burst: 4, connections: 5, ips: 6, quotaBytes: 7 }
  const users = [
    user('plain', {}),
    user('full', {
      enabled: false,
      expiresAt: 1_234_567_890_123,
      limits: { ...limits, quotaPeriod: 'day', quotaAnchorDay: 8, quotaZone: 'UTC' },
      groups: ['staff'],
      source: '2001:db8::7',
      credentials: [
        { kind: 'password', hash: HASH },
        { kind: 'nodeId', nodeId: NODE_ID },
      ],
    }),
    user('two', {
      credentials: [
        { kind: 'token', hash: TOKEN },
        { kind: 'password', hash: HASH },
      ],
    }),
  ]
  const text = formatUsers(users)
  expect(parse(text).map((parsed, n) => ({ id: users[n]?.id, ...parsed }))).toEqual(users)
  expect(JSON.parse(text).users[1]).toMatchObject({
    quota: 7,
    expires: '2009-02-13T23:31:30.123Z',
    passwordHash: HASH,
  })
})

const one = (entry: object) => ({ users: [{ name: 'ada' }, { name: 'bob', ...entry }] })

test.each<[value: unknown, message: string]>([
  ['', 'text: wanted valid JSON'],
  ['{"users": [,]}', 'text: wanted valid JSON'],
  ['{"users": [\n {"name": "x" "up": 1}]}', 'line 2 column 15: wanted valid JSON'],
  [[], 'text: wanted an object'],
  [{}, 'users: wanted a list'],
  [{ users: [], user: [] }, 'user: wanted no key but users'],
  [{ users: [1] }, 'users[0]: wanted an object'],
  [
    { users: [{}] },
    'users[0].name: wanted 1 to 255 bytes without colon, blank or control character, got nothing',
  ],
  [
    one({ name: 'a b' }),
    'users[1].name: wanted 1 to 255 bytes without colon, blank or control character, got "a b"',
  ],
  [one({ name: 'ada' }), 'users[1].name: wanted each name once, got "ada"'],
  [one({ up: '1MB' }), 'users[1].up: wanted a whole number above 0, got "1MB"'],
  [one({ quota: 0 }), 'users[1].quota: wanted a whole number above 0, got 0'],
  [one({ enabled: 1 }), 'users[1].enabled: wanted true or false, got 1'],
  [one({ quotaPeriod: 'year' }), "users[1].quotaPeriod: wanted 'day', 'week' or 'month', got \"year\""],
  [
    one({ source: '::' }),
    'users[1].source: wanted an IP address of this machine, without zone and no wildcard, got "::"',
  ],
  [one({ credentials: {} }), 'users[1].credentials: wanted a list of at most 64'],
])('%j is refused', (value, message) => {
  expect(() => parse(value)).toThrow(
    expect.objectContaining({ code: 'STORE_FORMAT', message: `/etc/users.json: ${message}` }),
  )
})

test.each([
  [{ upp: 1 }, 'users[1].upp: wanted one of name, enabled, '],
  [{ expires: 'soon' }, 'users[1].expires: wanted a date, such as '],
  [{ expires: 1 }, 'users[1].expires: wanted a date, such as '],
  [{ expires: '2027-13-01' }, 'users[1].expires: wanted a date, such as '],
  [{ groups: 'staff' }, 'users[1].groups: wanted a list of at most 64 different names '],
  [{ credentials: [{ kind: 'pin' }] }, 'users[1].credentials[0].kind: wanted one of password, ss, '],
  [
    { credentials: [{ kind: 'vkey', hash: 'v', key: 'v' }] },
    'users[1].credentials[0].key: wanted no such key',
  ],
])('%j is refused, with its key', (entry, message) => {
  expect(() => parse(one(entry))).toThrow(message)
})

test.each<[value: unknown]>([
  ['{"users": [{"name": "ada", "password": s3cret}]}'],
  [one({ password: 's3cret', passwordHash: HASH })],
  [one({ password: 's3cret'.repeat(200) })],
  [one({ password: ['s3cret'] })],
  [one({ passwordHash: 's3cret' })],
  [one({ credentials: [{ kind: 'ss', method: 's3cret'.repeat(20), secret: 's3cret' }] })],
])('%j is refused, and no secret told', (value) => {
  expect(() => parse(value)).toThrow(
    expect.objectContaining({
      code: 'STORE_FORMAT',
      message: expect.not.stringContaining('s3cret') as unknown,
    }),
  )
})
