import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Installed } from '../subject/install.ts'
import {
  newIdentity,
  openCircuit,
  RelayClient,
  RelayDestination,
  type RelayIdentity,
} from '../subject/relay-client.ts'
import { Subject } from '../subject/subject.ts'
import { activeSessions, explain, fdFlaws } from './aftermath.ts'
import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { goOnAsking } from './go-on-asking.ts'
import { HandshakeClients } from './handshake-client.ts'
import { makeLateCase, makeRelayCase } from './relay-case.ts'

const USER = 'fuzz'
/** Of a handshake, and of a circuit in which nothing passes. */
const SECONDS = 2
const PATIENCE_MS = 20_000
const CLIENTS = 48
const CASES_PER_SECOND = 300
const STOP_MS = 20_000

const FLAGS = [
  ...['--listen', 'any://127.0.0.1:0', '--ops', '127.0.0.1:0', '--preset', 'private', '--grace', '1'],
  ...['--handshake-timeout', String(SECONDS), '--idle-timeout', '6', '--ping-interval', '1'],
  ...['--accept-timeout', '1', '--circuit-idle-timeout', String(SECONDS)],
]
const NODE_FLAGS = [
  ...['--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
  ...['--import', new URL('loopback-only.ts', import.meta.url).href],
]

/** A running relay, and a peer that echoes. */
interface World {
  readonly port: number
  readonly source: RelayIdentity
  readonly echo: RelayIdentity
}

/**
 * Sends damaged logins, frames and WebSockets to the real program, while others have circuits. It must go on serving them,
 * let go of every client, leak no descriptor and no session, and log no error and no secret.
 * @returns the flaws found
 */
export async function fuzzRelay(run: FuzzRun): Promise<string[]> {
  const token = randomBytes(16).toString('hex')
  const installed = await Installed.of('relay')
  try {
    await installed.command(['user', 'add', USER, '--token-stdin'], `${token}\n`)
    // It has nowhere to connect to.
    const env = { FUZZ_ORIGIN_PORT: '1' }
    const options = { flags: FLAGS, nodeFlags: NODE_FLAGS, env, secrets: [token] }
    const subject = await Subject.start(installed, options)
    const world = { port: subject.port('any'), source: newIdentity(token), echo: newIdentity(token) }
    try {
      return await attack(run, subject, world)
    } finally {
      await subject.stop(0)
    }
  } finally {
    installed.remove()
  }
}

async function attack(run: FuzzRun, subject: Subject, world: World): Promise<string[]> {
  const echo = await openEchoPeer(world)
  await ask(world)
  const fdsBefore = await subject.settledFds()
  const endsAt = performance.now() + run.seconds * 1000
  const goesOn = (): boolean => performance.now() < endsAt && subject.running
  const [clients, late, asked] = await Promise.all([
    sendCases(run, subject, world),
    sendLateCases(run, subject, world),
    goOnAsking(() => ask(world), goesOn),
  ])
  const flaws = [
    ...clients.leftOpen.map((hex) => `a client was left waiting for ${PATIENCE_MS} ms\n  input: ${hex}`),
    ...late.flaws,
    ...asked.flaws,
    ...(echo.isHeld ? [] : ['the reservation of a proper peer is gone']),
    ...(subject.running ? await aftermath(subject, echo, fdsBefore) : []),
  ]
  if (subject.running && (await subject.stop(STOP_MS)) === undefined) flaws.push('SIGTERM did not end it')
  const codes = [...subject.log.codes].map(([code, count]) => `${code} ${count}`)
  run.say(`${clients.played} clients, ${late.played} peers: ${codes.join(', ')}`)
  run.say(`${asked.rounds} proper circuits`)
  return [...flaws, ...explain(subject, clients, CLIENTS)]
}

const openEchoPeer = ({ port, echo }: World): Promise<RelayDestination> =>
  RelayDestination.open(port, echo, (socket) => socket.pipe(socket))

/** A circuit to the peer that echoes. */
async function ask({ port, source, echo }: World): Promise<void> {
  const socket = await openCircuit(port, source, echo)
  const said = randomBytes(100)
  socket.end(said)
  const heard = await buffer(socket)
  if (!heard.equals(said)) throw new Error(`heard ${heard.toString('hex')}`)
}

async function sendCases(run: FuzzRun, subject: Subject, world: World): Promise<HandshakeClients> {
  const dice = new Dice(run.seed)
  const clients = new HandshakeClients(PATIENCE_MS)
  const startedAt = performance.now()
  let made = 0
  const worker = async (): Promise<void> => {
    for (;;) {
      const seconds = (performance.now() - startedAt) / 1000
      if (seconds >= run.seconds || !subject.running) return
      if (made >= seconds * CASES_PER_SECOND) await sleep(20)
      else {
        made += 1
        await clients.play(world.port, makeRelayCase(dice, world.source))
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, worker))
  return clients
}

/** From peers who have logged in, each somebody else. */
async function sendLateCases(
  run: FuzzRun,
  subject: Subject,
  { port, source }: World,
): Promise<{ played: number; flaws: string[] }> {
  const dice = new Dice(run.seed)
  const endsAt = performance.now() + run.seconds * 1000
  const flaws: string[] = []
  let played = 0
  const worker = async (): Promise<void> => {
    for (; performance.now() < endsAt && subject.running; played += 1) {
      const pieces = makeLateCase(dice)
      const { socket } = await RelayClient.login(port, { ...newIdentity(), token: source.token })
      const closed = once(socket, 'close')
      socket.resume()
      for (const piece of pieces) if (!socket.destroyed) socket.write(piece)
      if (dice.once(2)) socket.end()
      const timer = setTimeout(() => {
        flaws.push(`a peer was left waiting\n  input: ${Buffer.concat(pieces).toString('hex')}`)
        socket.destroy()
      }, PATIENCE_MS)
      // What the relay has ended is ended here too.
      socket.once('end', () => socket.end())
      await closed
      clearTimeout(timer)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, worker))
  return { played, flaws }
}

async function aftermath(
  subject: Subject,
  echo: RelayDestination,
  fdsBefore: number | undefined,
): Promise<string[]> {
  const flaws = await fdFlaws(subject, fdsBefore)
  echo.close()
  const endsAt = performance.now() + STOP_MS
  while ((await activeSessions(subject)) > 0) {
    if (performance.now() > endsAt) return [...flaws, 'sessions are still there']
    await sleep(100)
  }
  return flaws
}
