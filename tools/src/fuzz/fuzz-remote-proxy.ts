import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEcho } from '../subject/echo.ts'
import { Installed } from '../subject/install.ts'
import { loginOf, openTunnel, PROTOCOLS, type Wish } from '../subject/proxy-client.ts'
import { Subject } from '../subject/subject.ts'
import { openDatagramEcho, playDatagrams } from './datagram-client.ts'
import { Dice } from './dice.ts'
import { activeSessions, explain, fdFlaws } from './aftermath.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { askTwice } from './go-on-asking.ts'
import { makeHandshakeCase, type World } from './handshake-case.ts'
import { HandshakeClients } from './handshake-client.ts'

const USER = 'fuzz'
const DOORS = ['socks', 'http'] as const
const HANDSHAKE_SECONDS = 2
/** The handshake's deadline, the origin's second, the second of a refusal, and a busy machine. */
const PATIENCE_MS = 20_000
const CLIENTS = 48
const CASES_PER_SECOND = 500
const STOP_MS = 20_000

const FLAGS = [
  ...['--http', '127.0.0.1:0', '--socks', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--allow', '127.0.0.1'],
  ...['--handshake-timeout', String(HANDSHAKE_SECONDS), '--grace', '1', '--auth-failures', '0'],
  // Nobody comes, and nobody sends: these end by themselves.
  ...['--bind', '--bind-timeout', '1', '--udp-idle', '1', '--keep-alive-timeout', '1'],
]
const NODE_FLAGS = [
  ...['--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
  ...['--import', new URL('loopback-only.ts', import.meta.url).href],
]

/**
 * Sends damaged handshakes to the real program. It must stay up, let go of every client, leak no descriptor and no
 * session, log no error and no secret, and serve everyone who asks properly afterwards.
 * @returns the flaws found
 */
export async function fuzzRemoteProxy(run: FuzzRun): Promise<string[]> {
  const password = randomBytes(12).toString('hex')
  const installed = await Installed.of('remote-proxy')
  const origin = await openEcho()
  try {
    await installed.addUser(USER, password)
    const env = { FUZZ_ORIGIN_PORT: String(origin.port) }
    const options = { flags: FLAGS, nodeFlags: NODE_FLAGS, env, secrets: [password] }
    const subject = await Subject.start(installed, options)
    const world = { login: loginOf(USER, password), origin: { host: '127.0.0.1', port: origin.port } }
    try {
      return await attack(run, subject, world)
    } finally {
      await subject.stop(0)
    }
  } finally {
    origin.close()
    installed.remove()
  }
}

async function attack(run: FuzzRun, subject: Subject, world: World): Promise<string[]> {
  await askProperly(subject, world)
  const fdsBefore = await subject.settledFds()
  const [clients, datagrams] = await Promise.all([
    sendCases(run, subject, world),
    sendDatagrams(run, subject, world),
  ])
  const flaws = [
    ...clients.leftOpen.map((hex) => `a client was left waiting for ${PATIENCE_MS} ms\n  input: ${hex}`),
    ...(datagrams === 0 ? ['no datagram came back'] : []),
    ...(subject.running ? await aftermath(subject, world, fdsBefore) : []),
  ]
  if (subject.running && (await subject.stop(STOP_MS)) === undefined) flaws.push('SIGTERM did not end it')
  const codes = [...subject.log.codes].map(([code, count]) => `${code} ${count}`)
  run.say(`${clients.played} clients: ${codes.join(', ')}`)
  run.say(`${datagrams} datagrams came back`)
  return [...flaws, ...explain(subject, clients, CLIENTS)]
}

/** One client after the other comes to each door, by every protocol, and gets its echo. */
async function askProperly(subject: Subject, { login, origin }: World): Promise<void> {
  for (const door of DOORS) {
    for (const protocol of PROTOCOLS) await ask(subject.port(door), { protocol, login, target: origin })
  }
}

async function ask(port: number, wish: Wish): Promise<void> {
  const socket = await openTunnel(port, wish)
  const closed = once(socket, 'close')
  const said = randomBytes(100)
  socket.end(said)
  const heard = await buffer(socket)
  await closed
  if (!heard.equals(said)) throw new Error(`${wish.protocol}: heard ${heard.toString('hex')}`)
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
        const handshake = makeHandshakeCase(dice, world)
        await clients.play(subject.port(dice.pick(DOORS)), handshake)
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, worker))
  return clients
}

/** One association after the other. @returns how many datagrams came back */
async function sendDatagrams(run: FuzzRun, subject: Subject, world: World): Promise<number> {
  const dice = new Dice(run.seed)
  const echo = await openDatagramEcho()
  const endsAt = performance.now() + run.seconds * 1000
  let heard = 0
  while (performance.now() < endsAt && subject.running)
    heard += await playDatagrams(dice, subject.port(dice.pick(DOORS)), world, echo.port)
  echo.close()
  return heard
}

async function aftermath(subject: Subject, world: World, fdsBefore: number | undefined): Promise<string[]> {
  try {
    await askTwice(() => askProperly(subject, world))
    const endsAt = performance.now() + STOP_MS
    while ((await activeSessions(subject)) > 0) {
      if (performance.now() > endsAt) return ['sessions are still there']
      await sleep(100)
    }
    return await fdFlaws(subject, fdsBefore)
  } catch (error) {
    return [`a proper client is not served afterwards: ${String(error)}`]
  }
}
