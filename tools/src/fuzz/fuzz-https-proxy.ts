import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { openEcho } from '../subject/echo.ts'
import { askCompat, askForward, askJson } from '../subject/https-client.ts'
import { Installed } from '../subject/install.ts'
import { loginOf, openTunnel } from '../subject/proxy-client.ts'
import { Subject } from '../subject/subject.ts'
import { activeSessions, explain, fdFlaws, sampled } from './aftermath.ts'
import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { askTwice } from './go-on-asking.ts'
import type { World } from './handshake-case.ts'
import { HandshakeClients } from './handshake-client.ts'
import { makeHttpsCase } from './https-case.ts'
import { oddAnswers } from './odd-answers.ts'

const USER = 'fuzz'
/** Of a handshake, of an exchange, and in the queue. */
const SECONDS = 2
const PATIENCE_MS = 20_000
const CLIENTS = 48
const CASES_PER_SECOND = 300
const ROUNDS = 2
/** Of the time of a run: each client sends several requests. */
const SHARE = 0.6
const STOP_MS = 20_000

const FLAGS = [
  ...['--listen', '127.0.0.1:0', '--compat', '127.0.0.1:0', '--compat-user', USER, '--compat-keep-alive'],
  ...['--ops', '127.0.0.1:0', '--allow', '127.0.0.1', '--grace', '1', '--auth-failures', '0'],
  ...['--handshake-timeout', String(SECONDS), '--keep-alive-timeout', '1', '--request-timeout', '2'],
  // So few that requests wait, and leave while they do; the origin fails all the time, and is wanted all the same.
  ...['--slots', '4', '--queue', '40', '--queue-timeout', '1', '--breaker', '0'],
  ...['--cache', '1MiB', '--coalesce', '--json-bytes', '50KB', '--max-request-bytes', '80KB'],
]
const NODE_FLAGS = [
  ...['--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
  ...['--import', new URL('loopback-only.ts', import.meta.url).href],
]

/**
 * Sends damaged requests of every kind to the real program, whose origin gives odd answers. It must let go of every client, of
 * every slot and of all that waited, leak no descriptor and no session, log no error and no secret, and serve who asks properly.
 * @returns the flaws found
 */
export async function fuzzHttpsProxy(run: FuzzRun): Promise<string[]> {
  const password = randomBytes(12).toString('hex')
  const installed = await Installed.of('https-proxy')
  const origin = await openEcho(oddAnswers(run.seed))
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
  const clients = new HandshakeClients(PATIENCE_MS)
  const dice = new Dice(run.seed)
  const flaws: string[] = []
  for (let round = 1; round <= ROUNDS && subject.running; round += 1) {
    await sendCases((run.seconds * SHARE) / ROUNDS, { dice, clients, subject, world })
    if (subject.running) flaws.push(...(await leftovers(subject)))
  }
  if (subject.running) flaws.push(...(await aftermath(subject, world, fdsBefore)))
  if (subject.running && (await subject.stop(STOP_MS)) === undefined) flaws.push('SIGTERM did not end it')
  run.say(
    `${clients.played} clients: ${[...subject.log.codes].map(([code, n]) => `${code} ${n}`).join(', ')}`,
  )
  const leftOpen = clients.leftOpen.map(
    (hex) => `a client was left waiting for ${PATIENCE_MS} ms\n  input: ${hex}`,
  )
  return [...leftOpen, ...flaws, ...explain(subject, clients, CLIENTS)]
}

/** By every way in. */
async function askProperly(subject: Subject, { login, origin }: World): Promise<void> {
  const at = { port: subject.port('proxy'), login }
  const url = `http://${origin.host}:${origin.port}/ok`
  const heard = [await askForward(at, url), await askJson(at, url)].map(String)
  heard.push((await askCompat(subject.port('compat'), { url })).body)
  if (heard.join(' ') !== 'ok ok ok') throw new Error(`heard ${heard.join(' ')}`)
  const socket = await openTunnel(at.port, { protocol: 'connect', login, target: origin })
  const said = randomBytes(100)
  socket.end(said)
  if (!(await buffer(socket)).equals(said)) throw new Error('a tunnel that does not echo')
}

interface Attack {
  readonly dice: Dice
  readonly clients: HandshakeClients
  readonly subject: Subject
  readonly world: World
}

async function sendCases(seconds: number, { dice, clients, subject, world }: Attack): Promise<void> {
  const startedAt = performance.now()
  let made = 0
  const worker = async (): Promise<void> => {
    for (;;) {
      const passed = (performance.now() - startedAt) / 1000
      if (passed >= seconds || !subject.running) return
      if (made >= passed * CASES_PER_SECOND) await sleep(20)
      else {
        made += 1
        const next = makeHttpsCase(dice, world)
        await clients.play(subject.port(next.door), next)
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, worker))
}

const LEFT = {
  'slots are busy': /^sluice_slots\{state="busy"\} (\d+)$/gm,
  'requests wait': /^sluice_queue_requests (\d+)$/gm,
  'bytes of requests wait': /^sluice_queue_bytes (\d+)$/gm,
} as const

/** What goes on although nobody is there. */
async function leftovers(subject: Subject): Promise<string[]> {
  const endsAt = performance.now() + STOP_MS
  for (;;) {
    const counts = await Promise.all(
      Object.entries(LEFT).map(async ([what, wanted]) => [await sampled(subject, wanted), what] as const),
    )
    const left = [...counts, [await activeSessions(subject), 'sessions are still there'] as const]
    const flaws = left.filter(([count]) => count > 0).map(([count, what]) => `${count} ${what}`)
    if (flaws.length === 0 || performance.now() > endsAt) return flaws
    await sleep(100)
  }
}

async function aftermath(subject: Subject, world: World, fdsBefore: number | undefined): Promise<string[]> {
  try {
    await askTwice(() => askProperly(subject, world))
    return await fdFlaws(subject, fdsBefore)
  } catch (error) {
    return [`a proper client is not served afterwards: ${String(error)}`]
  }
}
