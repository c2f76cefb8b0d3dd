import { setTimeout as sleep } from 'node:timers/promises'
import { openEcho } from '../subject/echo.ts'
import { Installed } from '../subject/install.ts'
import { activeSessions, explain } from './aftermath.ts'
import { openDatagramEcho } from './datagram-client.ts'
import { Dice } from './dice.ts'
import type { FuzzRun } from './fuzz-run.ts'
import { askTwice, goOnAsking } from './go-on-asking.ts'
import { HandshakeClients } from './handshake-client.ts'
import { makeNpsCase } from './nps-case.ts'
import { playNpsDatagrams } from './nps-datagrams.ts'
import { askProperly, type NpsWorld, openNpsWorld, prepareNps, removeOthers } from './nps-world.ts'
import { oddAnswers } from './odd-answers.ts'

/** Over the 30 s that an npc has to bring its configuration, the longest of all deadlines, and a busy machine. */
const PATIENCE_MS = 45_000
const CLIENTS = 48
const CASES_PER_SECOND = 200
/** Of the time of a run. */
const SHARE = 0.5
const STOP_MS = 20_000
const PAUSE_MS = 200
const GROWTH_BYTES = 24 * 1024 * 1024

const preload = (name: string): string[] => ['--import', new URL(name, import.meta.url).href]
const NODE_FLAGS = [
  ...['--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
  ...[...preload('loopback-only.ts'), ...preload('../soak/remains.ts')],
]

/**
 * Sends damaged logins, frames, requests and datagrams to every listener of the real program, as visitors, as client programs
 * of both kinds and at its API, while two proper client programs are connected. It must go on serving what these lead to, let
 * go of everybody else, leak no descriptor, session, timer or memory, and log no error and no secret.
 * @returns the flaws found
 */
export async function fuzzNpsServer(run: FuzzRun): Promise<string[]> {
  const installed = await Installed.of('nps-server')
  const origin = await openEcho(oddAnswers(run.seed))
  const echo = await openDatagramEcho()
  try {
    const prepared = await prepareNps(installed, { host: '127.0.0.1', port: origin.port })
    const world = await openNpsWorld(prepared, { installed, nodeFlags: NODE_FLAGS, echo: echo.port })
    try {
      return await attack(run, world)
    } finally {
      world.emulator.stop()
      await world.agent.stop(0)
      await world.subject.stop(0)
    }
  } finally {
    origin.close()
    echo.close()
    installed.remove()
  }
}

async function attack(run: FuzzRun, world: NpsWorld): Promise<string[]> {
  const { subject, agent } = world
  await patiently(() => askProperly(world))
  const before = await held(world)
  const clients = new HandshakeClients(PATIENCE_MS)
  const endsAt = performance.now() + run.seconds * SHARE * 1000
  const [, heard, asked] = await Promise.all([
    sendCases(run, { world, clients, endsAt }),
    sendDatagrams(run, { world, endsAt }),
    goOnAsking(
      () => askProperly(world),
      () => performance.now() < endsAt && subject.running,
    ),
  ])
  const flaws = [
    ...clients.leftOpen.map((hex) => `a client was left waiting for ${PATIENCE_MS} ms\n  input: ${hex}`),
    ...asked.flaws,
    ...(subject.running ? await aftermath(run, world, before) : []),
  ]
  for (const each of [agent, subject])
    if (each.running && (await each.stop(STOP_MS)) === undefined) flaws.push('SIGTERM did not end it')
  const codes = [...subject.log.codes].map(([code, count]) => `${code} ${count}`)
  run.say(`${clients.played} clients: ${codes.join(', ')}`)
  run.say(`${asked.rounds} proper rounds, ${heard} datagrams came back`)
  return [...flaws, ...agent.faults(), ...explain(subject, clients, CLIENTS)]
}

interface Attack {
  readonly world: NpsWorld
  readonly endsAt: number
}

async function sendCases(
  run: FuzzRun,
  { world, clients, endsAt }: Attack & { clients: HandshakeClients },
): Promise<void> {
  const dice = new Dice(run.seed)
  const startedAt = performance.now()
  let made = 0
  const worker = async (): Promise<void> => {
    for (;;) {
      const now = performance.now()
      if (now >= endsAt || !world.subject.running) return
      if (made >= ((now - startedAt) / 1000) * CASES_PER_SECOND) await sleep(20)
      else {
        made += 1
        const next = makeNpsCase(dice, world)
        await clients.play(next.port, next, false, next.layer)
      }
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, worker))
}

async function sendDatagrams(run: FuzzRun, { world, endsAt }: Attack): Promise<number> {
  const dice = new Dice(run.seed)
  let heard = 0
  while (performance.now() < endsAt && world.subject.running) heard += await playNpsDatagrams(dice, world)
  return heard
}

/** The first visitors may come before what serves them. @throws what `act` throws to the end */
async function patiently(act: () => Promise<void>): Promise<void> {
  for (const endsAt = performance.now() + STOP_MS; ; await sleep(PAUSE_MS)) {
    try {
      return await act()
    } catch (error) {
      if (performance.now() > endsAt) throw error
    }
  }
}

interface Held {
  readonly fds: number | undefined
  readonly agentFds: number | undefined
  readonly sessions: number
  readonly timers: number
  readonly bytes: number
}

const held = async ({ subject, agent }: NpsWorld, before?: Held): Promise<Held> => ({
  fds: await subject.settledFds(before?.fds),
  agentFds: await agent.settledFds(before?.agentFds),
  sessions: await activeSessions(subject),
  ...(await subject.remains()),
})

const LEFT = { fds: 0, agentFds: 0, sessions: 0, timers: 4, bytes: GROWTH_BYTES } as const
const NAMES = {
  fds: 'descriptors',
  agentFds: 'descriptors of the client program',
  sessions: 'sessions',
  timers: 'timers',
  bytes: 'bytes',
} as const

async function aftermath(run: FuzzRun, world: NpsWorld, before: Held): Promise<string[]> {
  try {
    const removed = await removeOthers(world)
    await askTwice(() => askProperly(world))
    const [after, flaws] = await settled(world, before)
    const grown = ((after.bytes - before.bytes) / 2 ** 20).toFixed(1)
    run.say(`${removed} records removed, ${after.fds} descriptors, ${grown} MiB more`)
    return flaws
  } catch (error) {
    return [`a proper visitor is not served afterwards: ${String(error)}`]
  }
}

/** What goes on although nobody is there: soon it is no more than before. */
async function settled(world: NpsWorld, before: Held): Promise<[after: Held, flaws: string[]]> {
  for (const endsAt = performance.now() + STOP_MS; ; await sleep(PAUSE_MS)) {
    const after = await held(world, before)
    const flaws = (Object.keys(LEFT) as (keyof Held)[])
      .filter((each) => (after[each] ?? 0) > (before[each] ?? 0) + LEFT[each])
      .map((each) => `${after[each]} ${NAMES[each]} are left, ${before[each]} were before`)
    if (flaws.length === 0 || performance.now() > endsAt) return [after, flaws]
  }
}
