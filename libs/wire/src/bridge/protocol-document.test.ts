import { createHash, createPrivateKey, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { hex } from '../testing/hex.ts'
import {
  BRIDGE_ALPN,
  BRIDGE_EXPORTER_LABEL,
  BRIDGE_VERDICT,
  clientTranscript,
  decodeBridgeChallenge,
  decodeBridgeLogin,
  decodeBridgeVerdict,
  decodeStreamHeader,
  encodeStreamHeader,
  MAX_BRIDGE_JSON_BYTES,
  MAX_STREAM_HEADER_BYTES,
  readBridgeInfo,
  readBridgeTerms,
  serverTranscript,
  STREAM_STATUS,
  StreamDatagrams,
} from './index.ts'

// docs/protocols/nps-bridge.md is enough to write a client from, so what it shows has to be what is done here.

const page = readFileSync(new URL('../../../../docs/protocols/nps-bridge.md', import.meta.url), 'utf8')
const blocks = new Map(
  [...page.matchAll(/^```hex (\S+)\n(.*?)^```$/gms)].map(([, name, body]) => [name!, hex(body!)]),
)
const block = (name: string): Uint8Array => blocks.get(name)!

const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')
const keyOf = (octet: number): KeyObject => {
  const key = Buffer.concat([PKCS8, Buffer.alloc(32, octet)])
  return createPublicKey(createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
}
const rawOf = (key: KeyObject): Uint8Array =>
  new Uint8Array(key.export({ format: 'der', type: 'spki' }).subarray(-32))
const [client, server] = [keyOf(1), keyOf(2)]
const keying = new Uint8Array(32).fill(0xaa)

/** The rows below the heading of a table, as cells without quotes. */
const rowsOf = (first: string, second: string): string[][] => {
  const lines = page.split('\n').map(cellsOf)
  const start = lines.findIndex((cells) => cells[0] === first && cells[1] === second)
  const end = lines.findIndex((cells, index) => index > start && cells.length === 0)
  return lines.slice(start + 2, end)
}
const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.replaceAll('`', '').trim())

describe('the login that is shown', () => {
  const challenge = decodeBridgeChallenge(block('challenge'))!.value
  const login = decodeBridgeLogin(block('login'))!.value
  const verdict = decodeBridgeVerdict(block('verdict'))!.value

  test('is of the keys that are shown', () => {
    expect(rawOf(client)).toEqual(block('key-client'))
    expect(rawOf(server)).toEqual(block('key-server'))
    const fingerprint = createHash('sha256').update(block('key-server')).digest()
    expect(fingerprint).toEqual(Buffer.from(block('fingerprint')))
    const secret = Buffer.alloc(32, 1).toString('base64url')
    expect(page).toContain(`sluice-nps://${secret}.${fingerprint.toString('base64url')}@example.org:8025\n`)
    expect([login.publicKey, verdict.publicKey]).toEqual([block('key-client'), block('key-server')])
  })

  test('has good signatures', () => {
    expect(verify(null, clientTranscript(challenge, login, keying), client, login.signature)).toBe(true)
    const signed = serverTranscript(challenge, login, verdict, keying)
    expect(verify(null, signed, server, verdict.signature)).toBe(true)
  })

  test('has the JSON that the tables tell', () => {
    const members = rowsOf('Member', 'Type').map(([name]) => name)
    expect(Object.keys(readBridgeInfo(login.info))).toEqual(members)
    expect(Object.keys(JSON.parse(login.info) as object)).toEqual(members)
    const row = rowsOf('Code', 'Verdict')[0]!
    for (const name of Object.keys(readBridgeTerms(verdict.body))) expect(row[2]).toContain(name)
  })

  test('is as long as the tables tell', () => {
    for (const [heading, bytes, json] of [
      ['magic', block('challenge'), ''],
      ['version', block('login'), login.info],
      ['code', block('verdict'), verdict.body],
    ] as const) {
      const tables = page.split(/\n\n/).filter((part) => part.startsWith('| Octets'))
      const table = tables.find((part) => cellsOf(part.split('\n')[2]!)[1] === heading)!
      const sizes = table
        .split('\n')
        .slice(2)
        .map((line) => cellsOf(line)[0]!)
      const octets = sizes.map((size) => (size === 'length' ? json.length : Number(size)))
      expect(octets.reduce((sum, size) => sum + size, 0)).toBe(bytes.length)
    }
  })
})

test('the names and limits are those of the code', () => {
  for (const name of [BRIDGE_ALPN, BRIDGE_EXPORTER_LABEL]) expect(page).toContain(`\`${name}\``)
  expect([MAX_BRIDGE_JSON_BYTES, MAX_STREAM_HEADER_BYTES]).toEqual([1024, 4096])
  expect(Object.fromEntries(rowsOf('Code', 'Verdict').map(([code, name]) => [name, Number(code)]))).toEqual(
    BRIDGE_VERDICT,
  )
  expect(
    Object.fromEntries(rowsOf('Status', 'Name').map(([status, name]) => [name, Number(status)])),
  ).toEqual(STREAM_STATUS)
})

test('each type of stream has the members that the table tells', () => {
  const all = {
    ...{ target: '1', visitor: 'a', proxy: { version: 1, to: 'a' }, path: '/', strip: '' },
    password: '0'.repeat(32),
  }
  const rows = rowsOf('type', 'Of')
  expect(rows).toHaveLength(7)
  for (const [type, , members] of rows) {
    const header = { ...all, type }
    const { value } = decodeStreamHeader(encodeStreamHeader(header as never))!
    expect(new Set(Object.keys(value))).toEqual(
      new Set(['type', ...(members!.match(/\w+/g) ?? [])].filter((word) => word !== 'maybe')),
    )
  }
})

test('the streams that are shown', () => {
  const tcp = block('stream-tcp')
  const { value, size } = decodeStreamHeader(tcp)!
  expect([value, size]).toEqual([
    { type: 'tcp', target: '127.0.0.1:22', visitor: '192.0.2.7:50000' },
    tcp.length,
  ])
  const taken: string[] = []
  const reader = new StreamDatagrams((datagram) => void taken.push(Buffer.from(datagram).toString('latin1')))
  reader.push(block('datagram'))
  reader.push(block('packet'))
  expect(taken).toEqual(['hello', '\x01\xc0\x00\x02\x07\x005hello'])
})
