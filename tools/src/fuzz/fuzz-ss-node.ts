import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomBytes } from 'node:crypto'
import type { Address } from '@sluice/wire'
import { openEcho } from '../subject/echo.ts'
import { Installed } from '../subject/install.ts'
import { ssDatagrams } from '../subject/ss-datagrams.ts'
import { type SsLogin, SsTunnel } from '../subject/ss-tunnel.ts'
import { type SsPlace, SsUsers } from '../subject/ss-users.ts'
import { Subject } from '../subject/subject.ts'
import { openDatagramEcho } from './datagram-client.ts'
import { Dice } from './dice.ts'
import { activeSessions, explain, fdFlaws } from './aftermath.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { goOnAsking } from './go-on-asking.ts'
import { HandshakeClients } from './handshake-client.ts'
import { mutate } from './mutation.ts'
import { makeSsCase } from './ss-case.ts'

/** A node with users of every kind, and where the only target is. */
interface World {
  readonly installed: Installed
  readonly logins: readonly SsLogin[]
  readonly origin: Address
}

const USERS: readonly (readonly [name: string, place: SsPlace, method?: string])[] = [
  ['trial', 'shared', 'aes-256-gcm'],
  ['other', 'shared', 'chacha20-ietf-poly1305'],
  ['identity', 'identity'],
  ['alone', 'own', '2022-blake3-chacha20-poly1305'],
]
const HANDSHAKE_SECONDS = 2
const PATIENCE_MS = 20_000
/** Most of them wait for that deadline. */
const CLIENTS = 256
const CASES_PER_SECOND = 150
const STOP_MS = 20_000
const ASK_MS = 20_000
const ANSWER_MS = 1000
const DATAGRAM_PAUSE_MS = 2

const NODE_FLAGS = [
  ...['--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
  ...['--import', new URL('loopback-only.ts', import.meta.url).href],
]

/**
 * Sends noise and damaged requests to the real program, by TCP and UDP, while others use it properly. It must go on serving
 * them, tell strangers nothing, let go of every client, leak no descriptor and no session, and log no error and no secret.
 * @returns the flaws found
 */
export async function fuzzSsNode(run: FuzzRun): Promise<string[]> {
  const installed = await Installed.of('ss-node')
  const origin = await openEcho()
  try {
    const users = await SsUsers.of(installed)
    const logins: SsLogin[] = []
    for (const [name, place, method] of USERS) logins.push(await users.add(name, place, method))
    const flags = [
      ...['--ops', '127.0.0.1:0', '--allow', '127.0.0.1', '--grace', '1', '--udp-idle', '1'],
      ...['--handshake-timeout', String(HANDSHAKE_SECONDS), ...users.flags],
    ]
    const env = { FUZZ_ORIGIN_PORT: String(origin.port) }
    const subject = await Subject.start(installed, {
      flags,
      nodeFlags: NODE_FLAGS,
      env,
      secrets: users.secrets,
    })
    try {
      return await attack(run, subject, {
        installed,
        logins,
        origin: { host: '127.0.0.1', port: origin.port },
      })
    } finally {
      await subject.stop(0)
    }
  } finally {
    origin.close()
    installed.remove()
  }
}

async function attack(run: FuzzRun, subject: Subject, world: World): Promise<string[]> {
  await askProperly(world)
  const fdsBefore = await subject.settledFds()
  const endsAt = performance.now() + run.seconds * 1000
  const goesOn = (): boolean => performance.now() < endsAt && subject.running
  const [clients, datagrams, asked] = await Promise.all([
    sendCases(run, subject, world),
    sendDatagrams(run, subject, world),
    goOnAsking(() => askProperly(world), goesOn),
  ])
  const flaws = [
    ...clients.leftOpen.map((hex) => `a client was left waiting for ${PATIENCE_MS} ms\n  input: ${hex}`),
    ...clients.answered.map((hex) => `a stranger was told something\n  input: ${hex}`),
    ...asked.flaws,
    ...(datagrams === 0 ? ['no datagram came back'] : []),
    ...(subject.running ? await leftovers(subject, world, fdsBefore) : []),
  ]
  if (subject.running && (await subject.stop(STOP_MS)) === undefined) flaws.push('SIGTERM did not end it')
  const codes = [...subject.log.codes].map(([code, count]) => `${code} ${count}`)
  run.say(`${clients.played} clients: ${codes.join(', ')}`)
  run.say(`${asked.rounds} proper rounds, ${datagrams} datagrams came back`)
  return [...flaws, ...explain(subject, clients, CLIENTS)]
}

/** Associations of 2022 methods stay for a minute at least, but not those of users who are disabled. */
async function leftovers(
  subject: Subject,
  { installed }: World,
  fdsBefore: number | undefined,
): Promise<string[]> {
  for (const [name] of USERS) await installed.command(['user', 'disable', name])
  const endsAt = performance.now() + STOP_MS
  while ((await activeSessions(subject)) > 0) {
    if (performance.now() > endsAt) return ['sessions are still there']
    await sleep(100)
  }
  return fdFlaws(subject, fdsBefore)
}

/** Every user once. */
async function askProperly({ logins, origin }: World): Promise<void> {
  for (const login of logins) await ask(login, origin)
}

async function ask(login: SsLogin, target: Address): Promise<void> {
  const said = randomBytes(100)
  const tunnel = await SsTunnel.open(login, target)
  const timer = setTimeout(() => tunnel.resetAndDestroy(), ASK_MS)
  try {
    tunnel.end(said)
    const heard = await buffer(tunnel)
    if (!heard.equals(said)) throw new Error(`heard ${heard.toString('hex')}`)
  } catch (error) {
    throw new Error(`${login.key.method.name}: ${String(error)}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
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
        const one = makeSsCase(dice, world.logins, world.origin)
        await clients.play(one.login.port, one, one.isStranger)
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, worker))
  return clients
}

/** Noise and damaged datagrams, and a proper one now and then. @returns how many of those came back */
async function sendDatagrams(run: FuzzRun, subject: Subject, { logins }: World): Promise<number> {
  const dice = new Dice(run.seed)
  const echo = await openDatagramEcho()
  const target = { host: '127.0.0.1', port: echo.port }
  const endsAt = performance.now() + run.seconds * 1000
  let heard = 0
  while (performance.now() < endsAt && subject.running) {
    const login = dice.pick(logins)
    const socket = createSocket('udp4').on('error', () => undefined)
    const { seal, open } = ssDatagrams(login)
    for (let left = dice.below(20); left > 0; left -= 1) {
      const whole = seal(target, dice.bytes(dice.below(1000)))
      socket.send(dice.once(3) ? dice.bytes(dice.below(300)) : mutate(dice, whole), login.port, target.host)
      await sleep(DATAGRAM_PAUSE_MS)
    }
    const said = Buffer.from(dice.bytes(1 + dice.below(1000)))
    const answered = answerTo(socket, (bytes) => Buffer.from(open(bytes) ?? []).equals(said))
    socket.send(seal(target, said), login.port, target.host)
    if (await answered) heard += 1
    socket.close()
  }
  echo.close()
  return heard
}

async function answerTo(
  socket: ReturnType<typeof createSocket>,
  isIt: (bytes: Buffer) => boolean,
): Promise<boolean> {
  const signal = AbortSignal.timeout(ANSWER_MS)
  try {
    for (;;) {
      const [bytes] = (await once(socket, 'message', { signal })) as [Buffer]
      if (isIt(bytes)) return true
    }
  } catch {
    return false
  }
}
