import { createLog, type Log, Signals, withSettings } from '@sluice/service'
import { type DialEnd, type DialEndOptions, openDialEnd } from './dial-end.ts'
import { DialSession } from './dial-session.ts'
import { openListenEnd } from './listen-end.ts'
import { createPeer, type Peer } from './peer.ts'
import {
  called,
  checkDial,
  type DialConfig,
  dialSchema,
  type EndConfig,
  listenSchema,
  peerOptions,
} from './peer-config.ts'
import { PeerEnd } from './peer-end.ts'
import { PeerNotes } from './peer-notes.ts'
import type { PeerIo, PeerVerb } from './peer-verb.ts'
import { ProgressLine } from './progress-line.ts'
import { StreamConn } from './stream-conn.ts'

export const listenVerb: PeerVerb = {
  words: 'listen',
  about: 'Lets other peers reach one address from this machine, by way of relays.',
  schema: listenSchema,
  more: [
    'A reservation is held at each relay, and got back where a relay comes back; "ready" is printed once the first ' +
      'stands. Each circuit becomes a connection to the address of --forward, which may be anywhere that this machine ' +
      'can reach.',
    'Circuits are encrypted between the two peers, and each has proven its ID to the other. Whoever the relay admits ' +
      'may come, unless --allow-peer says who.',
  ],
  examples: [
    {
      does: 'Let one peer reach the SSH server of this machine:',
      line: 'listen --relay tls://relay.example.org:443 --forward 127.0.0.1:22 --allow-peer ID',
    },
  ],
  run: async (input, io) => {
    const { config } = called('listen', listenSchema, input)
    const peer = createPeer(await peerOptions(config, io.stdin))
    using signals = new Signals()
    const log = openLog(config, io)
    const notes = new PeerNotes(config.data)
    const { end, opened, ended } = openListenEnd({ config, peer, log, version: io.version, notes })
    const progress = new ProgressLine(io.stderr, end.traffic)
    try {
      return await Promise.race([signals.run(end), rejectionOf(opened), rejectionOf(ended)])
    } finally {
      progress[Symbol.dispose]()
      await end.stop()
    }
  },
}

export const dialVerb: PeerVerb = {
  words: 'dial ID',
  about: 'Opens a port on this machine that leads to what another peer forwards.',
  schema: dialSchema,
  more: [
    'Each connection has a circuit of its own, by whichever relay has the peer. Where a relay has no room for one more, ' +
      'the connection waits for --wait, first come first served, and the log names the limit. A circuit that is cut ' +
      'resets its connection: it never looks done.',
    'With --stdio there is one circuit, for standard input and output; then the log goes to stderr, and the exit status ' +
      'is 0 where both sides have ended, 1 where it was cut or never came about.',
  ],
  examples: [
    {
      does: "Reach another peer's SSH server as port 2222 of this machine:",
      line: 'dial ID --relay tls://relay.example.org:443 --listen 127.0.0.1:2222',
    },
    {
      does: 'As a ProxyCommand of ssh:',
      line: 'dial ID --relay tls://relay.example.org:443 --stdio',
    },
  ],
  run: async (input, io) => {
    const { config, peer: target } = called('dial', dialSchema, input, true)
    checkDial(config)
    const peer = createPeer(await peerOptions(config, io.stdin))
    using signals = new Signals()
    const { listen } = config
    if (listen === undefined) return await runStdio({ peer, target, config, io, signals })
    const log = openLog(config, io)
    const { end } = await opened({ config: { ...config, listen }, peer, target, log, version: io.version })
    const progress = new ProgressLine(io.stderr, end.traffic)
    const code = await signals.run(end)
    progress[Symbol.dispose]()
    return code
  },
}

const opened = async (options: DialEndOptions): Promise<DialEnd> => {
  try {
    return await openDialEnd(options)
  } catch (error) {
    throw withSettings(error, dialSchema, options)
  }
}

interface StdioParts {
  readonly peer: Peer
  readonly target: string
  readonly config: DialConfig
  readonly io: PeerIo
  readonly signals: Signals
}

const runStdio = async ({ peer, target, config, io, signals }: StdioParts): Promise<number> => {
  const log = openLog(config, io, { write: (line) => io.stderr.write(line) })
  const { ops, graceMs, waitMs } = config
  const end = new PeerEnd({ version: io.version, log, ops, graceMs, onStop: () => peer.close() })
  const conn = new StreamConn(io.stdin, io.stdout)
  const session = new DialSession(conn, end.session({ peer: target }), { peer, target, waitMs, log })
  let code = 1
  const over = end.track(session, async () => {
    const outcome = await session.run()
    code = outcome.code === 'OK' ? 0 : 1
    if (code > 0) io.stderr.write(`relay: ${outcome.why ?? outcome.code}\n`)
  })
  await Promise.race([signals.run(end), over])
  await end.stop()
  return code
}

const openLog = (
  { logLevel, noEncrypt }: EndConfig,
  io: PeerIo,
  sink?: { write(line: string): void },
): Log => {
  const log = io.log ?? createLog({ level: logLevel, ...(sink && { sink }) })
  if (noEncrypt) log.warn({ why: 'the relay can read and change everything' }, 'encryption.off')
  return log
}

/** Never resolves. */
const rejectionOf = async (promise: Promise<void>): Promise<never> => {
  await promise
  return new Promise(() => {})
}
