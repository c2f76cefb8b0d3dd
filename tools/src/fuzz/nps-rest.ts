import { createHash } from 'node:crypto'
import type { Dice } from './dice.ts'
import { mutate } from './mutation.ts'
import type { NpsPrepared } from './nps-world.ts'

type World = Pick<NpsPrepared, 'victim' | 'ports' | 'token' | 'readToken' | 'npsKey'>
type Value = string | number | boolean | null | readonly Value[] | { readonly [key: string]: Value }

const KINDS = ['clients', 'tunnels', 'hosts', 'tokens'] as const
const GETS = [
  '/v1/clients',
  '/v1/hosts?limit=2',
  '/v1/tunnels/1',
  '/v1/audit',
  '/v1/session',
  '/v1/openapi.json',
  '/',
  '/x',
]
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'get']
const KEYS = [
  ...['remark', 'enabled', 'limits', 'expiresAt', 'allow', 'deny', 'user', 'vkey', 'host', 'port', 'targets'],
  ...[
    'password',
    'location',
    'scheme',
    'headers',
    'certFile',
    'health',
    'name',
    'scopes',
    'totp',
    'selection',
    '__proto__',
  ],
]
const ACTIONS = [
  ...['/client/list', '/client/getclient', '/client/add', '/client/edit', '/client/changestatus'],
  ...['/index/gettunnel', '/index/getonetunnel', '/index/add', '/index/edit', '/index/stop', '/index/del'],
  ...['/index/hostlist', '/index/gethost', '/index/addhost', '/index/edithost', '/auth/gettime', '/nothing'],
]
const FORM_KEYS = [
  ...['type', 'port', 'server_ip', 'target', 'remark', 'password', 'local_path', 'status', 'u', 'p', 'host'],
  ...[
    'rate_limit',
    'flow_limit',
    'max_conn',
    'scheme',
    'location',
    'header',
    'hostchange',
    'search',
    'order',
  ],
]
const TEXTS = [
  '',
  '0',
  '1',
  '-1',
  '1e9',
  'tcp',
  'udp',
  'secret',
  'file',
  '127.0.0.1',
  '*.a.example',
  'é\u0000',
  '{}',
]
/** Of a record that is not there. */
const NOBODY = 99_999

/**
 * One to three requests to the API, ours or that of nps. Damaged as a whole are those alone that may look but change nothing:
 * of the others it is what they say of records that others have no need of.
 */
export const apiMessages = (dice: Dice, world: World): Uint8Array[] =>
  Array.from({ length: 1 + dice.below(3) }, () => dice.pick([look, change, change, form])(dice, world))

/** Of nobody. */
const SESSION = `Cookie: sluice-session=${'x'.repeat(43)}\r\nSluice-Session: y\r\nSluice-Code: 000000\r\n`

const look = (dice: Dice, { readToken }: World): Uint8Array => {
  const path = dice.once(4) ? dice.pick(ACTIONS) : dice.pick(GETS)
  return mutate(
    dice,
    message(
      `${dice.pick(METHODS)} ${path}`,
      dice.once(8) ? SESSION : bearer(readToken),
      JSON.stringify(bodyOf(dice, {})),
    ),
  )
}

const change = (dice: Dice, { token, victim, ports }: World): Uint8Array => {
  const kind = dice.pick(KINDS)
  const id = dice.once(2) && kind === 'clients' ? victim.id : NOBODY
  const [line, must] = dice.pick<readonly [string, Record<string, Value>]>([
    [`PATCH /v1/${kind}/${id}`, {}],
    [`DELETE /v1/${kind}/${NOBODY}`, {}],
    [`POST /v1/${kind}/${NOBODY}/flow/reset`, {}],
    ['POST /v1/tunnels', tunnelOf(dice, { ports, victim })],
    ['POST /v1/hosts', { clientId: victim.id, host: `h${dice.below(50)}.example` }],
    ['POST /v1/clients', {}],
    ['POST /v1/tokens', {}],
  ])
  const body = Buffer.from(JSON.stringify(bodyOf(dice, must)))
  return message(line, bearer(token), dice.once(3) ? mutate(dice, body).subarray(0, 60_000) : body)
}

const tunnelOf = (dice: Dice, { ports, victim }: Pick<World, 'ports' | 'victim'>): Record<string, Value> => ({
  clientId: victim.id,
  mode: dice.pick(['tcp', 'udp', 'socks5', 'httpProxy', 'mixed', 'secret', 'p2p', 'file']),
  host: '127.0.0.1',
  port: dice.pick([ports.spare, ports.spare2, ports.spare3]),
})

const form = (dice: Dice, { npsKey, victim }: World): Uint8Array => {
  const timestamp = String(Math.floor(Date.now() / 1000) - dice.below(10))
  const auth_key = createHash('md5')
    .update(npsKey + timestamp)
    .digest('hex')
  const values = Array.from({ length: dice.below(8) }, () => [dice.pick(FORM_KEYS), dice.pick(TEXTS)])
  const id = String(dice.once(2) ? victim.id : NOBODY)
  const path = dice.pick(ACTIONS)
  // Ids of tunnels and hosts are others.
  const own = path.startsWith('/client/') ? { id } : { id: String(NOBODY), client_id: id }
  const all = { server_ip: '127.0.0.1', ...Object.fromEntries(values), ...own, auth_key, timestamp }
  return message(
    `POST ${path}`,
    'Content-Type: application/x-www-form-urlencoded\r\n',
    new URLSearchParams(all).toString(),
  )
}

/** The victim has to be able to come. */
const bodyOf = (dice: Dice, must: Record<string, Value>): Value => ({
  ...Object.fromEntries(Array.from({ length: dice.below(5) }, () => [dice.pick(KEYS), valueOf(dice)])),
  ...must,
})

const valueOf = (dice: Dice): Value => {
  if (dice.once(3)) return dice.pick(TEXTS)
  return dice.pick<Value>([
    null,
    true,
    0,
    80,
    -1,
    1e15,
    ['127.0.0.1:80'],
    ['10.0.0.0/8'],
    { type: 'tcp' },
    [[]],
    { up: 1 },
  ])
}

const bearer = (token: string): string =>
  `Authorization: Bearer ${token}\r\nContent-Type: application/json\r\n`

const message = (line: string, fields: string, body: string | Uint8Array): Uint8Array => {
  const bytes = Buffer.from(body)
  const head = `${line} HTTP/1.1\r\nHost: a\r\n${fields}Content-Length: ${bytes.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), bytes])
}
