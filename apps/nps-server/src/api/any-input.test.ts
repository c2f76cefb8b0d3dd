import { createHash } from 'node:crypto'
import {
  array,
  assert,
  asyncProperty,
  boolean,
  constant,
  constantFrom,
  dictionary,
  integer,
  oneof,
  string,
} from 'fast-check'
import { expect, test } from 'vitest'
import { openTestApi } from './testing/test-api.ts'

const KEY = 'a key of some scripts'

const word = oneof(
  string({ maxLength: 40 }),
  constantFrom(
    '',
    '0',
    '1',
    '2',
    '80',
    '9000',
    '127.0.0.1:22',
    '*.a.example',
    '-1',
    '1e9',
    'tcp',
    'secret',
    '__proto__',
  ),
)

test('whatever bodies say, none is a fault of ours', async () => {
  await using api = await openTestApi()
  await api.ask('POST /v1/clients', {})
  const value = oneof(word, integer(), boolean(), constant(null), array(word, { maxLength: 3 }))
  const key = constantFrom(
    ...[
      'remark',
      'enabled',
      'limits',
      'expiresAt',
      'allow',
      'deny',
      'user',
      'vkey',
      'clientId',
      'mode',
      'host',
    ],
    ...[
      'port',
      'targets',
      'password',
      'location',
      'scheme',
      'headers',
      'certFile',
      'health',
      'name',
      'scopes',
    ],
  )
  const body = dictionary(key, oneof(value, dictionary(word, value, { maxKeys: 2 })), { maxKeys: 6 })
  const base = constantFrom<object>({}, { clientId: 1, mode: 'tcp' }, { clientId: 1, host: 'a.example' })
  const line = constantFrom(
    ...['POST /v1/clients', 'PATCH /v1/clients/1', 'POST /v1/tunnels', 'PATCH /v1/tunnels/1'],
    ...['POST /v1/hosts', 'PATCH /v1/hosts/1', 'POST /v1/tokens'],
  )
  await assert(
    asyncProperty(line, base, body, async (asked, front, more) => {
      const { status, text } = await api.ask(asked, { ...front, ...more })
      expect(status, text).toBeLessThan(500)
    }),
    { numRuns: 300 },
  )
  expect(api.lines.filter((entry) => entry.includes('api.failed'))).toEqual([])
})

test('whatever forms say, none is a fault of ours', async () => {
  await using api = await openTestApi({ npsApi: KEY })
  await api.ask('POST /v1/clients', {})
  const name = constantFrom(
    ...[
      'id',
      'client_id',
      'type',
      'port',
      'server_ip',
      'target',
      'remark',
      'password',
      'local_path',
      'status',
      'u',
      'p',
    ],
    ...[
      'rate_limit',
      'flow_limit',
      'max_conn',
      'host',
      'scheme',
      'location',
      'header',
      'hostchange',
      'search',
      'sort',
    ],
    ...[
      'order',
      'offset',
      'limit',
      'vkey',
      'blackiplist',
      'ipwhite',
      'ipwhitelist',
      'expire_time',
      'max_tunnel',
    ],
  )
  const path = constantFrom(
    ...[
      '/client/list',
      '/client/getclient',
      '/client/add',
      '/client/edit',
      '/client/changestatus',
      '/index/gettunnel',
    ],
    ...[
      '/index/getonetunnel',
      '/index/add',
      '/index/edit',
      '/index/stop',
      '/index/hostlist',
      '/index/gethost',
    ],
    ...['/index/addhost', '/index/edithost'],
  )
  await assert(
    asyncProperty(path, dictionary(name, word, { maxKeys: 8 }), async (asked, form) => {
      const timestamp = String(Math.floor(Date.now() / 1000))
      const auth_key = createHash('md5')
        .update(KEY + timestamp)
        .digest('hex')
      const body = new URLSearchParams({ ...form, auth_key, timestamp })
      const response = await fetch(api.url + asked, { method: 'POST', body })
      const text = await response.text()
      expect(response.status, text).toBeLessThan(500)
      expect(() => JSON.parse(text) as unknown).not.toThrow()
    }),
    { numRuns: 300 },
  )
  expect(api.lines.filter((entry) => entry.includes('api.failed'))).toEqual([])
})
