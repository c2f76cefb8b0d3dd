import { randomBytes } from 'node:crypto'
import { BufferPool, type Conn, type Lane, Reader, Relay } from '@sluice/net'
import { nodeIdOf } from '@sluice/wire/relay'
import { describe, it } from 'vitest'
import type { PeerIdentity } from '../peer/identity.ts'
import { PeerError } from '../peer/peer-error.ts'
import { pass, rawCircuit, type RawCircuit } from '../testing/raw-circuit.ts'
import { testIdentity } from '../testing/test-identity.ts'
import type { NoiseConn } from './noise-conn.ts'
import { secure } from './secure.ts'

const pool = new BufferPool()
const [ours, theirs] = [testIdentity(), testIdentity()]
const idOf = ({ publicKey }: PeerIdentity): Uint8Array => nodeIdOf(publicKey)
const reader = (conn: Conn): Reader => new Reader(conn, 1024)

const both = ({ source, destination }: RawCircuit): Promise<[NoiseConn, NoiseConn]> =>
  Promise.all([
    secure(reader(source), { role: 'initiator', identity: ours, expected: idOf(theirs), pool }),
    secure(reader(destination), { role: 'responder', identity: theirs, expected: idOf(ours), pool }),
  ])

/** All that a conn brings until its end, or why it has none. */
const collect = (conn: Conn): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    conn.attach({
      onData: (chunk) => void parts.push(Buffer.from(chunk)),
      onEnd: () => resolve(Buffer.concat(parts)),
      onDrain: () => {},
      onClose: (error) => reject(error ?? new Error('closed')),
    })
    conn.resume()
  })

const lane = (): Lane => ({ limiter: undefined, onGrant: () => {}, count: () => {} })

describe.concurrent('a circuit', () => {
  it('carries megabytes both ways, each way with an end of its own', async ({ expect }) => {
    using circuit = await rawCircuit()
    pass(circuit)
    const [source, destination] = await both(circuit)
    expect([source.publicKey, destination.publicKey]).toEqual([theirs.publicKey, ours.publicKey])
    using plain = await rawCircuit()
    plain.near.pipe(plain.near)
    // The loop that all doors share lends, pauses and half-closes as they do.
    const echo = new Relay(destination, plain.source, { up: lane(), down: lane() }).run()
    const bytes = randomBytes(5_000_000)
    const got = collect(source)
    source.write(bytes)
    source.end()
    expect((await got).equals(bytes)).toBe(true)
    await echo
  })

  it('shows the relay nothing of what it carries', async ({ expect }) => {
    using circuit = await rawCircuit()
    const seen: Buffer[] = []
    circuit.near.on('data', (chunk: Buffer) => seen.push(chunk))
    pass(circuit)
    const [source, destination] = await both(circuit)
    const got = collect(destination)
    source.write(Buffer.from('attack at dawn'))
    source.end()
    expect((await got).toString()).toBe('attack at dawn')
    expect(Buffer.concat(seen).includes('dawn')).toBe(false)
    expect(Buffer.concat(seen).includes(Buffer.from(ours.publicKey))).toBe(false)
  })

  it('that a relay ends early never looks done', async ({ expect }) => {
    using circuit = await rawCircuit()
    circuit.far.pipe(circuit.near)
    circuit.near.pipe(circuit.far, { end: false })
    const [source, destination] = await both(circuit)
    const got = collect(destination)
    got.catch(() => {})
    source.write(Buffer.alloc(100_000, 'x'))
    circuit.near.once('data', () => circuit.far.end())
    await expect(got).rejects.toMatchObject({ code: 'PEER_TRUNCATED' })
  })

  it('tells the reset of a peer as one', async ({ expect }) => {
    using circuit = await rawCircuit()
    circuit.near.on('close', () => circuit.far.resetAndDestroy())
    pass(circuit)
    const [source, destination] = await both(circuit)
    const got = collect(destination)
    source.reset()
    await expect(got).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it.for([
    ['another peer than the expected one', Buffer.alloc(0), 'PEER_NOISE'],
    ['a message that is too long', Buffer.of(0, 193), 'PEER_NOISE'],
    ['nonsense', Buffer.concat([Buffer.of(0, 192), Buffer.alloc(192, 1)]), 'PEER_NOISE'],
  ] as const)('is reset where there is %s', async ([, bytes, code], { expect }) => {
    using circuit = await rawCircuit()
    const expected = idOf(bytes.length === 0 ? testIdentity() : theirs)
    const first = secure(reader(circuit.source), { role: 'initiator', identity: ours, expected, pool })
    if (bytes.length === 0) {
      pass(circuit)
      const second = secure(reader(circuit.destination), {
        role: 'responder',
        identity: theirs,
        expected: idOf(ours),
        pool,
      })
      second.catch(() => {})
    } else circuit.near.write(bytes)
    await expect(first).rejects.toMatchObject({ code })
    await expect.poll(() => circuit.near.destroyed).toBe(true)
  })

  it('that ends in the middle of the handshake was broken off', async ({ expect }) => {
    using circuit = await rawCircuit()
    circuit.near.end()
    const first = secure(reader(circuit.source), {
      role: 'initiator',
      identity: ours,
      expected: idOf(theirs),
      pool,
    })
    await expect(first).rejects.toMatchObject({ code: 'PEER_RESET' })
  })

  it('has the deadline of its caller', async ({ expect }) => {
    using circuit = await rawCircuit()
    const own = reader(circuit.source)
    const first = secure(own, { role: 'initiator', identity: ours, expected: idOf(theirs), pool })
    own.fail(new PeerError('RELAY_TIMEOUT', 'too slow'))
    await expect(first).rejects.toMatchObject({ code: 'RELAY_TIMEOUT' })
    await expect.poll(() => circuit.near.destroyed).toBe(true)
  })
})
