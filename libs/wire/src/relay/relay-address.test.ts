import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { address } from '../testing/arbitraries.ts'
import { codeOf } from '../testing/code-of.ts'
import { countUp } from '../testing/ss-codecs.ts'
import { formatNodeId } from './node-id.ts'
import {
  type CircuitAddress,
  formatCircuitAddress,
  formatRelayUrl,
  parseCircuitAddress,
  parseRelayUrl,
  RELAY_TRANSPORTS,
} from './relay-address.ts'

const [relay, peer] = [countUp(32, 1), countUp(32, 101)]
const [R, P] = [formatNodeId(relay), formatNodeId(peer)]

const nodeId = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter((bytes) => bytes.some((byte) => byte > 0))
const circuits: fc.Arbitrary<CircuitAddress> = fc.record({
  transport: fc.constantFrom(...RELAY_TRANSPORTS),
  address,
  relay: nodeId,
  peer: nodeId,
})

describe('the URL of a relay', () => {
  test.each([
    ['tls://relay.example:4001', { transport: 'tls', address: { host: 'relay.example', port: 4001 } }],
    ['tcp://[2001:db8::1]:1', { transport: 'tcp', address: { host: '2001:db8::1', port: 1 } }],
    [`wss://192.0.2.1:443/p2p/${R}`, { transport: 'wss', address: { host: '192.0.2.1', port: 443 }, relay }],
  ])('%s', (text, url) => {
    expect(parseRelayUrl(text)).toEqual(url)
    expect(formatRelayUrl(parseRelayUrl(text))).toBe(text)
  })

  test('may end in a slash', () => {
    expect(parseRelayUrl(`ws://a:1/p2p/${R}/`)).toEqual(parseRelayUrl(`ws://a:1/p2p/${R}`))
    expect(parseRelayUrl('ws://a:1/')).toEqual(parseRelayUrl('ws://a:1'))
  })

  test.each([
    ['', 'WIRE_SYNTAX'],
    ['relay.example:4001', 'WIRE_SYNTAX'],
    ['https://relay.example:4001', 'WIRE_SYNTAX'],
    ['TLS://relay.example:4001', 'WIRE_SYNTAX'],
    ['tls://relay.example:4001/', undefined],
    ['tls://relay.example:4001//', 'WIRE_SYNTAX'],
    ['tls://relay.example:4001/p2p', 'WIRE_SYNTAX'],
    [`tls://relay.example:4001/p2p/${R}/p2p-circuit/p2p/${P}`, 'WIRE_SYNTAX'],
    ['tls://relay.example:4001/p2p/abc', 'WIRE_VALUE'],
    [`tls://relay.example:4001/p2p/${R}\n`, 'WIRE_VALUE'],
    ['tls://relay.example', 'WIRE_ADDRESS'],
    ['tls://relay.example:04001', 'WIRE_ADDRESS'],
    ['tls://user@relay.example:4001', 'WIRE_ADDRESS'],
    ['tls://2001:db8::1:1', 'WIRE_ADDRESS'],
    [`tls://${'/'.repeat(1_000_000)}`, 'WIRE_SYNTAX'],
    [`tls://${'a'.repeat(1_000_000)}:1`, 'WIRE_SYNTAX'],
  ])('%s: %s', (text, code) => {
    expect(codeOf(() => parseRelayUrl(text))).toBe(code)
  })

  test('comes back as it was written', () => {
    const urls = fc.oneof(
      circuits.map(({ transport, address: place, relay: id }) => ({ transport, address: place, relay: id })),
      circuits.map(({ transport, address: place }) => ({ transport, address: place })),
    )
    fc.assert(
      fc.property(urls, (url) => {
        expect(parseRelayUrl(formatRelayUrl(url))).toEqual(url)
      }),
    )
  })
})

describe('the address of a peer behind a relay', () => {
  const end = `/p2p/${R}/p2p-circuit/p2p/${P}`
  const at = (transport: string, host: string): unknown => ({
    transport,
    address: { host, port: 4001 },
    relay,
    peer,
  })

  test.each([
    [`/ip4/192.0.2.1/tcp/4001${end}`, at('tcp', '192.0.2.1')],
    [`/ip6/2001:db8::1/tcp/4001/tls${end}`, at('tls', '2001:db8::1')],
    [`/dns/relay.example/tcp/4001/ws${end}`, at('ws', 'relay.example')],
    [`/dns/relay.example/tcp/4001/tls/ws${end}`, at('wss', 'relay.example')],
  ])('%s', (text, value) => {
    expect(parseCircuitAddress(text)).toEqual(value)
    expect(formatCircuitAddress(parseCircuitAddress(text))).toBe(text)
  })

  test.each(['dns4', 'dns6'])('may name its relay by %s', (kind) => {
    expect(parseCircuitAddress(`/${kind}/a.example/tcp/1/wss${end}`).transport).toBe('wss')
  })

  test.each([
    ['', 'WIRE_SYNTAX'],
    [`/p2p/${R}/p2p-circuit/p2p/${P}`, 'WIRE_SYNTAX'],
    [`/ip4/192.0.2.1/udp/4001${end}`, 'WIRE_SYNTAX'],
    [`/ip4/192.0.2.1/tcp/4001/quic${end}`, 'WIRE_SYNTAX'],
    [`/ip4/192.0.2.1/tcp/65536${end}`, 'WIRE_SYNTAX'],
    [`/ip4/192.0.2.1/tcp/04001${end}`, 'WIRE_SYNTAX'],
    [`/ip4/192.0.2.1/tcp/4001${end}/p2p-circuit/p2p/${P}`, 'WIRE_SYNTAX'],
    [`/ip4/192.0.2.1/tcp/4001${end}/`, 'WIRE_SYNTAX'],
    [`/ip4/192.0.2.1/tcp/4001/p2p/${R}/p2p-circuit/p2p/x`, 'WIRE_VALUE'],
    [`/ip4/192.0.2.1/tcp/4001/p2p/x/p2p-circuit/p2p/${P}`, 'WIRE_VALUE'],
    [`/ip4/relay.example/tcp/4001${end}`, 'WIRE_ADDRESS'],
    [`/ip4/::1/tcp/4001${end}`, 'WIRE_ADDRESS'],
    [`/ip6/192.0.2.1/tcp/4001${end}`, 'WIRE_ADDRESS'],
    [`/dns/192.0.2.1/tcp/4001${end}`, 'WIRE_ADDRESS'],
    [`/dns/a b/tcp/4001${end}`, 'WIRE_ADDRESS'],
    [`/ip4/${'1'.repeat(1_000_000)}`, 'WIRE_SYNTAX'],
  ])('is not %s: %s', (text, code) => {
    expect(codeOf(() => parseCircuitAddress(text))).toBe(code)
  })

  test('comes back as it was written', () => {
    fc.assert(
      fc.property(circuits, (circuit) => {
        expect(parseCircuitAddress(formatCircuitAddress(circuit))).toEqual(circuit)
      }),
    )
  })
})

test('any text is a value or a WireError', () => {
  const texts = fc.oneof(
    fc.string({
      unit: fc.constantFrom('/', ':', '[', ']', '1', '.', 'a', 'p2p', '/p2p/', 'tcp://', R),
      maxLength: 40,
    }),
    circuits.chain((circuit) => {
      const text = formatCircuitAddress(circuit)
      return fc.nat(text.length).map((cut) => text.slice(0, cut) + text.slice(cut + 1))
    }),
    fc.string(),
  )
  fc.assert(
    fc.property(texts, (text) => {
      codeOf(() => parseRelayUrl(text))
      codeOf(() => parseCircuitAddress(text))
    }),
    { numRuns: 1000 },
  )
})
