import { hostname } from 'node:os'
import { ConfigError, type ConfigSchema, wholeNumber } from '@sluice/service'
import type { Credential, User } from '@sluice/userstore'
import { parseSsUri, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { linkCommand, type LinkSettings, userLink } from './link.ts'

const serverKey = ssKey(ssMethod('2022-blake3-aes-128-gcm')!, 'AAECAwQFBgcICQoLDA0ODw==')
const settings = {
  listen: '::',
  port: undefined,
  sip008Secret: undefined,
  identityKey: [{ port: 8022, key: serverKey }],
}
const flags = { server: 'ss.example.org', sip008: false }
const plain: Credential = { kind: 'ss', port: 8388, method: 'AES-256-GCM', secret: 'pä:ss' }
const keyed: Credential = {
  kind: 'ss',
  port: 8022,
  method: '2022-blake3-aes-128-gcm',
  secret: 'QEFCQ0RFRkdISUpLTE1OTw==',
}
const userOf = (...credentials: Credential[]): User => ({
  id: 'u1',
  name: 'alice',
  enabled: true,
  limits: {},
  credentials: [{ kind: 'password', hash: 'x' }, ...credentials],
})

it('gives a URI, and its QR code, for each Shadowsocks credential', () => {
  const { urls, lines } = userLink(userOf(plain, keyed), { ...settings, ...flags })
  expect(urls).toEqual({
    ss: 'ss://YWVzLTI1Ni1nY206cMOkOnNz@ss.example.org:8388#alice',
    ss2:
      'ss://2022-blake3-aes-128-gcm:AAECAwQFBgcICQoLDA0ODw%3D%3D%3AQEFCQ0RFRkdISUpLTE1OTw%3D%3D@ss.example.org:8022' +
      '#alice',
  })
  expect(lines.filter((line) => line.startsWith('ss:'))).toEqual(Object.values(urls))
  const code = lines.slice(2, lines.indexOf('', 2))
  expect(code.length).toBeGreaterThan(10)
  for (const line of code) expect(line).toMatch(new RegExp(`^[█▀▄ ]{${code[0]!.length}}$`))
})

it('names the server’s key only where users say who they are', () => {
  const elsewhere = { ...keyed, port: 8023 }
  const other = { ...keyed, method: '2022-blake3-aes-256-gcm' }
  const { urls } = userLink(userOf(elsewhere, other), { ...settings, ...flags })
  expect(Object.values(urls).map((uri) => parseSsUri(uri).secret)).toEqual([keyed.secret, keyed.secret])
})

it('puts who has no port on the one that all share', () => {
  const { port: _, ...shared } = plain
  const { urls } = userLink(userOf(shared), { ...settings, ...flags, port: 9000 })
  expect(parseSsUri(urls['ss']!).address).toEqual({ host: 'ss.example.org', port: 9000 })
  const act = () => userLink(userOf(plain, shared), { ...settings, ...flags })
  expect(act).toThrow(ConfigError)
  expect(act).toThrow('user "alice": aes-256-gcm has no port of its own: --port says which one all share')
})

it('says what is missing of who has no Shadowsocks credential', () => {
  expect(() => userLink(userOf(), { ...settings, ...flags })).toThrow(
    'user "alice": no Shadowsocks credential',
  )
})

it('gives a document whose ids stay', () => {
  const { urls, json, lines } = userLink(userOf(plain, keyed), { ...settings, ...flags, sip008: true })
  expect(urls).toEqual({})
  expect(JSON.parse(lines.join('\n'))).toEqual(json?.['sip008'])
  expect(json?.['sip008']).toMatchObject({
    version: 1,
    servers: [
      {
        server: 'ss.example.org',
        server_port: 8388,
        method: 'aes-256-gcm',
        password: 'pä:ss',
        remarks: 'alice',
      },
      { server_port: 8022, password: 'AAECAwQFBgcICQoLDA0ODw==:QEFCQ0RFRkdISUpLTE1OTw==' },
    ],
  })
  const ids = lines.join('\n').match(/[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}/g)
  expect(new Set(ids).size).toBe(2)
  const again = userLink(userOf(keyed, plain), { ...settings, ...flags, sip008: true })
  expect(again.lines.join('\n')).toContain(ids![0])
})

it('leaves out a code that nobody could scan', () => {
  const { lines } = userLink(userOf({ ...plain, secret: 'x'.repeat(3000) }), { ...settings, ...flags })
  expect(lines.slice(1)).toEqual(['', '(too long for a QR code)', ''])
})

const schema: ConfigSchema<LinkSettings> = z.object({
  listen: z.string().default('::'),
  port: wholeNumber(0, 65_535).optional(),
  identityKey: z.custom<LinkSettings['identityKey']>().default([]),
  sip008Secret: z.string().optional(),
})

it.each([
  [['--server=[2001:db8::1]'], '[2001:db8::1]:8388'],
  [['--server=ss.example.org', '--listen=10.0.0.1'], 'ss.example.org:8388'],
  [['--listen=10.0.0.1'], '10.0.0.1:8388'],
  [['--listen=0.0.0.0'], `${hostname()}:8388`],
  [[], `${hostname()}:8388`],
])('reads the flags %j', (argv, place) => {
  const { urls } = linkCommand(schema).link('alice', '', argv, userOf(plain))
  expect(urls['ss']).toBe(`ss://YWVzLTI1Ni1nY206cMOkOnNz@${place}#alice`)
})

it.each([['--server=a:1'], ['--server=a b'], ['--server=']])('and refuses %s', (written) => {
  expect(() => linkCommand(schema).link('alice', '', [written], userOf(plain))).toThrow(ConfigError)
})

it('tells where the ops port has the document, if it has', () => {
  const sip008Secret = 'a-secret-of-25-characters'
  const { json, lines } = userLink(userOf(plain), { ...settings, ...flags, sip008Secret })
  expect(json).toEqual({ sip008Path: expect.stringMatching(/^\/sip008\/alice\?token=[\w-]{24}$/) })
  expect(lines.at(-1)).toBe(`SIP008, on the ops port: ${String(json!['sip008Path'])}`)
  expect(userLink(userOf(plain), { ...settings, ...flags }).json).toBeUndefined()
})
