import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { connect as tlsConnect, type TLSSocket } from 'node:tls'
import {
  encodeRelayFrame,
  type RelayFrame,
  type RelayStatus,
  type RelayTransport,
  RELAY_STATUS,
} from '@sluice/wire/relay'
import { moreHandles, openHandles } from '@sluice/service/testing'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ClientOptions, WebSocket } from 'ws'
import { FRAME_SAMPLES, malformedFrames } from './testing/frame-samples.ts'
import { TestPeer } from './testing/test-peer.ts'
import { openTestRelay, type TestRelay } from './testing/test-relay.ts'
import { SUBPROTOCOL } from './transport.ts'

// What nobody should send, over the door as it is. What a decoder alone makes of it stands beside the decoders.

const TRANSPORTS: readonly RelayTransport[] = ['tcp', 'tls', 'ws', 'wss']
const { MALFORMED_MESSAGE, UNEXPECTED_MESSAGE } = RELAY_STATUS

let relay: TestRelay
/** What a relay keeps open to which nobody has come. */
let idle: ReturnType<typeof openHandles>
beforeAll(async () => {
  relay = await openTestRelay([], '--listen', 'any://127.0.0.1:0', '--preset', 'private')
  idle = openHandles()
})
afterAll(() => relay[Symbol.asyncDispose]())

/** How far a peer has come, and in which frame it is told what is wrong there. */
interface Phase {
  readonly answer: 'unwelcome' | 'notice' | 'connectRefused'
  readonly maxBody: number
  reach(peer: TestPeer): Promise<void>
  /** What has its place there. */
  readonly welcome: readonly string[]
}

const REQUESTS = ['reserve', 'connect', 'accept']
const PHASES: Readonly<Record<string, Phase>> = {
  'before HELLO': {
    answer: 'unwelcome',
    maxBody: 512,
    reach: () => Promise.resolve(),
    welcome: ['hello', ...REQUESTS],
  },
  'in the place of AUTH': {
    answer: 'unwelcome',
    maxBody: 512,
    reach: async (peer) => void (await peer.greet(peer.hello())),
    welcome: ['auth'],
  },
  'behind WELCOME': {
    answer: 'notice',
    maxBody: 4096,
    reach: async (peer) => void (await peer.login()),
    welcome: ['ping', ...REQUESTS],
  },
  'on a control connection': {
    answer: 'notice',
    maxBody: 4096,
    reach: async (peer) => {
      await peer.login()
      await peer.reserve()
    },
    welcome: ['reserve', 'connect', 'release', 'reject', 'ping', 'pong'],
  },
  'of a source that was told no': {
    answer: 'connectRefused',
    maxBody: 4096,
    reach: async (peer) => {
      await peer.login()
      peer.send({ type: 'connect', destination: randomBytes(32) })
      await peer.frame('connectRefused')
    },
    welcome: ['connect'],
  },
}

/** Where decoders are told what they may take; what goes on above them does not know the transport. */
const TURNS: ReadonlySet<string> = new Set(['before HELLO', 'on a control connection'])
const places = TRANSPORTS.flatMap((transport) =>
  Object.entries(PHASES)
    .filter(([name]) => transport === 'tcp' || TURNS.has(name))
    .map(([name, phase]) => [transport, name, phase] as const),
)

/** Frames whose first octet is a letter are HTTP where a conn begins with them. */
const isHttp = (transport: RelayTransport, name: string, [first]: Buffer): boolean =>
  name === 'before HELLO' && !transport.startsWith('ws') && first! >= 0x41 && first! <= 0x5a

const tell = async (
  transport: RelayTransport,
  phase: Phase,
  [what, bytes]: readonly [string, Buffer],
  status: RelayStatus,
): Promise<void> => {
  using peer = await TestPeer.dial(relay.at, { transport })
  await phase.reach(peer)
  peer.write(bytes)
  expect(await peer.read(), what).toMatchObject({ type: phase.answer, status })
  expect(await peer.over(), what).toBe('end')
}

describe.each(places)('%s, %s', (transport, place, phase) => {
  it('what is malformed is told so, and is the end', async () => {
    const all = malformedFrames(phase.maxBody).filter(([, bytes]) => !isHttp(transport, place, bytes))
    expect(all.length).toBeGreaterThan(60)
    await Promise.all(all.map((each) => tell(transport, phase, each, MALFORMED_MESSAGE)))
  })

  it('what has its place elsewhere is told so, and is the end', async () => {
    const others = FRAME_SAMPLES.filter(
      ({ name, bytes }) => !phase.welcome.includes(name) && !isHttp(transport, place, bytes),
    )
    expect(others.length).toBeGreaterThan(9)
    const tries = others.map(({ name, bytes }) => tell(transport, phase, [name, bytes], UNEXPECTED_MESSAGE))
    await Promise.all(tries)
  })
})

describe('RESERVE with octets that are not 0', () => {
  it.each(['tls', 'wss'] as const)('of a peer without HELLO is refused, over %s', async (transport) => {
    using peer = await TestPeer.dial(relay.at, { transport, certificate: true })
    peer.write(Buffer.of(1, 0, 0, 1))
    expect(await peer.read()).toMatchObject({ type: 'reserveResponse', status: MALFORMED_MESSAGE })
    expect(await peer.over()).toBe('end')
  })
})

describe('statuses that nobody knows', () => {
  it.each([0, 14, 31, 38, 255])('a REJECT with %i is a no', async (status) => {
    using control = await TestPeer.login(relay.at)
    await control.reserve()
    using source = await TestPeer.login(relay.at)
    source.send({ type: 'connect', destination: control.id })
    const { circuitId } = await control.frame('incoming')
    control.send({ type: 'reject', status, circuitId, reason: 'why not' })
    expect(await source.frame('connectRefused')).toMatchObject({
      status: RELAY_STATUS.REJECTED,
      reason: 'why not',
    })
  })
})

/** A client that is not ours. @returns what it was sent, octets in a row, and the code of its close */
const foreign = async (
  send: (client: WebSocket, below: Socket) => void,
  options: ClientOptions = {},
): Promise<{ code: number; told: Buffer }> => {
  const { host, port } = relay.at
  const client = new WebSocket(`ws://${host}:${port}`, SUBPROTOCOL, { perMessageDeflate: false, ...options })
  const told: Buffer[] = []
  client.on('message', (message: Buffer) => told.push(message))
  client.on('error', () => {})
  const upgraded = once(client, 'upgrade') as Promise<[IncomingMessage]>
  await once(client, 'open')
  const [response] = await upgraded
  send(client, response.socket)
  const [code] = (await once(client, 'close')) as [number]
  return { code, told: Buffer.concat(told) }
}

/** A message of a client with the mask 0, as it lies on the wire. */
const masked = (first: number, payload: Buffer): Buffer =>
  Buffer.concat([Buffer.of(first, 0x80 | payload.length, 0, 0, 0, 0), payload])

describe('a WebSocket', () => {
  it.each<[string, (client: WebSocket, below: Socket) => void, number]>([
    ['text', (client) => client.send('@\0\0D'), 1003],
    ['empty text', (client) => client.send(''), 1003],
    ['a message of 65,537 octets', (client) => client.send(Buffer.alloc(65_537)), 1009],
    ['a compressed message', (_, below) => below.write(masked(0xc2, Buffer.of(1))), 1002],
    ['reserved bits', (_, below) => below.write(masked(0xa2, Buffer.of(1))), 1002],
    ['an unknown opcode', (_, below) => below.write(masked(0x83, Buffer.of(1))), 1002],
    ['a part of nothing', (_, below) => below.write(masked(0x80, Buffer.of(1))), 1002],
    ['no mask', (_, below) => below.write(Buffer.of(0x82, 1, 1)), 1002],
    ['a ping in parts', (_, below) => below.write(masked(0x09, Buffer.of(1))), 1002],
  ])('with %s is closed by its code', async (_what, send, wanted) => {
    expect(await foreign(send)).toMatchObject({ code: wanted })
  })

  it('is not compressed, whatever is offered', async () => {
    let extensions: string | undefined
    const { told } = await foreign(
      (client) => {
        extensions = client.extensions
        client.send(Buffer.of(0x99))
      },
      { perMessageDeflate: true },
    )
    expect(extensions).toBe('')
    expect([...told.subarray(0, 2)]).toEqual([0x43, MALFORMED_MESSAGE])
  })

  it.each<[string, string | string[] | undefined, ClientOptions, string]>([
    ['without a subprotocol', undefined, {}, '400'],
    ['of another version', 'sluice-relay.v2', {}, '400'],
    ['of another protocol', ['mqtt', 'stomp'], {}, '400'],
    ['of a foreign page', SUBPROTOCOL, { origin: 'https://example.org' }, '403'],
    ['of a page without a name', SUBPROTOCOL, { origin: 'null' }, '403'],
  ])('%s is not opened', async (_what, subprotocol, options, status) => {
    for (const scheme of ['ws', 'wss']) {
      const url = `${scheme}://${relay.at.host}:${relay.at.port}`
      const client = new WebSocket(url, subprotocol, { ...options, rejectUnauthorized: false })
      const [error] = (await once(client, 'error')) as [Error]
      expect(error.message).toContain(status)
    }
  })
})

describe('TLS', () => {
  const dialTls = (names: readonly string[]): TLSSocket => {
    const { host, port } = relay.at
    const more = names.length === 0 ? {} : { ALPNProtocols: [...names] }
    return tlsConnect({ host, port, rejectUnauthorized: false, ...more })
  }

  it.each([[[]], [['h2', 'http/1.1']]])('comes without ALPN, or with http/1.1: %j', async (names) => {
    const socket = dialTls(names)
    await once(socket, 'secureConnect')
    socket.write(Buffer.of(0x99))
    const [told] = (await once(socket, 'data')) as [Buffer]
    expect([...told.subarray(0, 2)]).toEqual([0x43, MALFORMED_MESSAGE])
    socket.destroy()
  })

  it('for another protocol is told so in an alert', async () => {
    const [error] = (await once(dialTls(['h2']), 'error')) as [Error]
    expect(error.message).toContain('alert no application protocol')
  })

  it('that is none ends the connection, with no more than an alert', async () => {
    const { host, port } = relay.at
    const socket = connect({ host, port })
    socket.on('error', () => {})
    socket.write(Buffer.from('1603010005ffffffffff', 'hex'))
    let told = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => (told = Buffer.concat([told, chunk])))
    await once(socket, 'close')
    expect(told.length).toBeLessThanOrEqual(7)
  })
})

describe('HTTP on the port', () => {
  const asked = async (head: string): Promise<string> => {
    const { host, port } = relay.at
    const socket = connect({ host, port })
    socket.on('error', () => {})
    socket.end(`${head}\r\nHost: relay\r\n\r\n`)
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    await once(socket, 'close')
    return text
  }

  it('shows who gets any path a page of a few lines', async () => {
    for (const path of ['/', '/favicon.ico', '/?token=x']) {
      const text = await asked(`GET ${path} HTTP/1.1`)
      expect(text).toMatch(/^HTTP\/1.1 200 /)
      expect(text).toContain('This is a relay')
      expect(text.length).toBeLessThan(600)
    }
  })

  it.each([
    ['POST / HTTP/1.1', 405],
    ['CONNECT example.org:443 HTTP/1.1', 405],
    ['GET / HTTP/9.9', 400],
    ['NONSENSE', 400],
  ])('is answered in HTTP: %s', async (head, status) => {
    expect(await asked(head)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  })
})

describe('frames', () => {
  /** HELLO to RESERVE, in pieces. */
  const reserveBy = async (transport: RelayTransport, cut: (bytes: Buffer) => Buffer[]): Promise<number> => {
    using peer = await TestPeer.dial(relay.at, { transport })
    const hello = peer.hello()
    const send = (...all: RelayFrame[]): void => {
      for (const piece of cut(Buffer.concat(all.map((frame) => encodeRelayFrame(frame))))) peer.write(piece)
    }
    send(hello)
    const challenge = await peer.frame('challenge')
    send({ type: 'auth', signature: peer.sign(hello, challenge) }, { type: 'reserve', ttl: 0 })
    await peer.frame('welcome')
    return (await peer.frame('reserveResponse')).status
  }

  it('are the same wherever they are cut', async () => {
    for (let at = 1; at < 72; at += 1) {
      const cut = (bytes: Buffer): Buffer[] => [bytes.subarray(0, at), bytes.subarray(at)]
      expect(await reserveBy('tcp', cut), `behind ${at}`).toBe(RELAY_STATUS.OK)
    }
  })

  it.each(TRANSPORTS)('are the same octet by octet, over %s', async (transport) => {
    const octets = (bytes: Buffer): Buffer[] => Array.from(bytes, (octet) => Buffer.of(octet))
    expect(await reserveBy(transport, octets)).toBe(RELAY_STATUS.OK)
  })

  it.each(TRANSPORTS)('that come with payload behind them lose none of it, over %s', async (transport) => {
    using control = await TestPeer.login(relay.at, { transport })
    await control.reserve()
    using source = await TestPeer.dial(relay.at, { transport })
    const hello = source.hello()
    const challenge = await source.greet(hello)
    const payload = randomBytes(100_000)
    const frames: RelayFrame[] = [
      { type: 'auth', signature: source.sign(hello, challenge) },
      { type: 'connect', destination: control.id },
    ]
    source.write(Buffer.concat([...frames.map((frame) => encodeRelayFrame(frame)), payload]))
    source.end()
    const { circuitId, token } = await control.frame('incoming')
    using destination = await TestPeer.login(relay.at, { transport, identity: control.identity })
    destination.send({ type: 'accept', circuitId, token })
    await destination.frame('connected')
    expect((await destination.rest()).equals(payload)).toBe(true)
  })
})

it('after all of it nothing is left, nothing secret or internal was logged, and the relay serves', async () => {
  const { state, controls, circuits } = relay.relay
  const left = (): number[] => [
    controls.all.size,
    circuits.runs.size,
    state.reservations.size,
    state.circuits.size,
  ]
  await expect.poll(left, { interval: 1 }).toEqual([0, 0, 0, 0])
  // The poll has a timer of its own.
  await expect.poll(() => moreHandles(idle, { Timeout: 1 }), { interval: 1 }).toEqual({})
  expect(relay.journal.lines.join('')).not.toMatch(/INTERNAL|PRIVATE KEY|"level":"error"/)
  using peer = await TestPeer.login(relay.at)
  expect((await peer.reserve()).status).toBe(RELAY_STATUS.OK)
})
