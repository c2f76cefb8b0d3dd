import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '@sluice/wire'
import { Installed } from '../subject/install.ts'
import { Subject } from '../subject/subject.ts'
import type { DatagramLoad } from './datagram-load.ts'
import { Edits } from './edits.ts'
import type { Tunnel } from './exchange.ts'
import { Load, type OpenTunnel } from './load.ts'
import { lateGrowth } from './memory.ts'
import { Origin } from './origin.ts'
import type { Bytes, Tally } from './tally.ts'

export interface SoakRun {
  readonly minutes: number
  /** A line for people. */
  readonly say: (line: string) => void
}

/** A program with its users, as far as soaks differ. */
export interface SoakedDoor {
  readonly app: string
  /** Of the time that a run is to take. @default 1 */
  readonly share?: number
  /** Adds the users. */
  readonly prepare: (installed: Installed, origin: Address) => Promise<PreparedDoor>
}

type Usage = { readonly name: string } & Bytes

export interface PreparedDoor {
  readonly flags: readonly string[]
  /** What must not be in the log. */
  readonly secrets: readonly string[]
  /** Who come with one short exchange after the other. */
  readonly clients: number
  readonly openTunnel: (subject: Subject) => OpenTunnel
  /** Brings the origin its conns, where the program does not dial it. */
  readonly serveOrigin?: (subject: Subject, take: (tunnel: Tunnel) => void) => Promise<void>
  /** Others who come and go under the load. @returns what ends that */
  readonly visit?: (subject: Subject) => () => Promise<void>
  readonly datagrams: readonly DatagramLoad[]
  /** Users who come otherwise, and what they moved. */
  readonly others?: readonly { readonly user: string; readonly tally: Tally }[]
  /** What is counted of the users elsewhere too, and has to be the same. */
  readonly booked?: () => Promise<readonly Usage[]>
  /** Ends what has served the load. */
  readonly close?: () => void
}

/** A running program and what it is to bear. */
interface Trial {
  readonly run: SoakRun
  readonly installed: Installed
  readonly subject: Subject
  readonly door: PreparedDoor
  readonly load: Load
}

/** One cause has many effects. */
const FAULTS_SHOWN = 10
const SAMPLE_MS = 500
const GROWTH_BYTES = 16 * 1024 * 1024
/** Of all that is resident: V8 takes and gives back its young space, of 8 MiB twice over, when it likes. */
const RESIDENT_GROWTH_BYTES = 2 * GROWTH_BYTES
const GRACE_SECONDS = 2
const HELD_MS = 20_000
const STUCK_MS = 30_000
/** The grace, and a busy machine. */
const STOP_MS = (GRACE_SECONDS + 18) * 1000
/** A running program follows an edit within 2 s. */
const FOLLOW_MS = 2500
/** Usage is at most 2 s old. */
const BOOKED_MS = 2000
/** What lags behind is looked at so often, each time as much later. */
const LOOKS = 5
const FLAGS = ['--ops', '127.0.0.1:0', '--idle-timeout', '10', '--grace', String(GRACE_SECONDS)]
const NODE_FLAGS = [
  // Else V8 may double its young generation in the last half, which is more than the growth to be found.
  '--max-semi-space-size=4',
  ...['--experimental-strip-types', '--disable-warning=ExperimentalWarning'],
  ...['--import', new URL('remains.ts', import.meta.url).href],
]

/**
 * Runs the real program under a steady mix of traffic, edits and reloads. At the end its books must agree with what
 * the clients moved, and nothing may have leaked, been logged as an error or kept it from stopping.
 * @returns what is wrong
 */
export async function soakDoor(all: SoakRun, { app, share = 1, prepare }: SoakedDoor): Promise<string[]> {
  const run = { ...all, minutes: all.minutes * share }
  const installed = await Installed.of(app)
  const origin = await Origin.open()
  try {
    const door = await prepare(installed, { host: '127.0.0.1', port: origin.port })
    const { flags, secrets } = door
    const subject = await Subject.start(installed, {
      flags: [...FLAGS, ...flags],
      nodeFlags: NODE_FLAGS,
      secrets,
    })
    try {
      await door.serveOrigin?.(subject, (tunnel) => origin.take(tunnel))
      const load = new Load(subject, origin, door.openTunnel(subject))
      return await soak({ run, installed, subject, door, load })
    } finally {
      await subject.stop(0)
      for (const datagrams of door.datagrams) datagrams.close()
      door.close?.()
    }
  } finally {
    origin.close()
    installed.remove()
  }
}

async function soak(trial: Trial): Promise<string[]> {
  const { installed, subject, load, door } = trial
  await load.warmUp()
  for (const datagrams of door.datagrams) await datagrams.session()
  await endAssociations(trial)
  const fdsBefore = (await subject.settledFds()) ?? 0
  const before = await subject.remains()
  const edits = new Edits(installed, subject, load)
  const samples = await underLoad(trial, edits)
  const growth = lateGrowth(samples)
  const stuck = await load.stuck(STUCK_MS)
  await endAssociations(trial)
  const fds = (await subject.settledFds(fdsBefore)) ?? 0
  const wrong = await booksOnceRight(trial)
  const after = await settledRemains(subject, before.timers)
  const grown = after.bytes - before.bytes
  const flaws = [
    ...stuck,
    ...wrong,
    ...(fds > fdsBefore ? [`${fds} descriptors are open, ${fdsBefore} were before`] : []),
    ...(after.timers > before.timers
      ? [`${after.timers} timers are left, ${before.timers} were before`]
      : []),
    ...(growth > RESIDENT_GROWTH_BYTES ? [`memory grew by ${mib(growth)} in the last half`] : []),
    ...(grown > GROWTH_BYTES ? [`${mib(grown)} more than before are left of it`] : []),
    ...(subject.log.codes.has('IDLE_TIMEOUT') ? [] : ['no idle connection was ended']),
    ...(await stop(trial)),
    ...(await bookErrors(trial, 'when it had stopped')),
  ]
  report(trial, [
    `${edits.rounds} rounds of edits`,
    `${fds} descriptors, ${fdsBefore} before`,
    `${after.timers} timers, ${before.timers} before`,
    `memory ${mib(samples.at(-1) ?? 0)}, ${mib(growth)} more in the last half`,
    `${mib(after.bytes)} in use, ${mib(before.bytes)} before`,
  ])
  return [...subject.faults(), ...flaws, ...edits.faults, ...load.faults.slice(0, FAULTS_SHOWN)]
}

/** @returns the program's memory in bytes, from time to time */
async function underLoad({ run, subject, door, load }: Trial, edits: Edits): Promise<number[]> {
  const samples: number[] = []
  const sampling = setInterval(() => samples.push(subject.rssBytes() ?? 0), SAMPLE_MS)
  load.start(door.clients)
  const endVisits = door.visit?.(subject)
  for (const datagrams of door.datagrams) datagrams.start()
  await edits.run(run.minutes * 60_000)
  clearInterval(sampling)
  load.stop()
  await endVisits?.()
  await Promise.all(door.datagrams.map((datagrams) => datagrams.stop()))
  return samples
}

/** Those of 2022 methods stay for a minute at least, so that nothing can come twice. */
async function endAssociations({ installed, door }: Trial): Promise<void> {
  for (const { user } of door.datagrams) await installed.command(['user', 'disable', user])
  await sleep(door.datagrams.length > 0 ? FOLLOW_MS : 0)
  for (const { user } of door.datagrams) await installed.command(['user', 'enable', user])
  await sleep(door.datagrams.length > 0 ? FOLLOW_MS : 0)
}

/** With connections that do not end by themselves, so that the grace has to. */
async function stop({ subject, load }: Trial): Promise<string[]> {
  await load.hold(3, HELD_MS)
  const ms = await subject.stop(STOP_MS)
  const stuck = await load.stuck(STOP_MS)
  return ms === undefined ? [`it had to be killed ${STOP_MS} ms after SIGTERM`, ...stuck] : stuck
}

/** What is wrong with the books while it runs, once they had the time to be right. */
async function booksOnceRight(trial: Trial): Promise<string[]> {
  for (let looks = 1; ; looks += 1) {
    await sleep(BOOKED_MS)
    const errors = await bookErrors(trial, 'while it runs')
    if (errors.length === 0 || looks === LOOKS) return errors
  }
}

/** What remains when no more timers end, or as soon as there are at most `enough`. */
async function settledRemains(subject: Subject, enough: number): ReturnType<Subject['remains']> {
  let remains = await subject.remains()
  for (let looks = 1; remains.timers > enough && looks < LOOKS; looks += 1) {
    await sleep(BOOKED_MS)
    remains = await subject.remains()
  }
  return remains
}

/** By user. */
const talliesOf = ({ load, door }: Trial): [string, Tally][] => [
  ...Object.entries(load.tallies),
  ...[...door.datagrams, ...(door.others ?? [])].map(({ user, tally }): [string, Tally] => [user, tally]),
]

async function bookErrors(trial: Trial, when: string): Promise<string[]> {
  const usages: Usage[] = JSON.parse(await trial.installed.command(['user', 'usage', '--json']))
  const others = (await trial.door.booked?.()) ?? []
  return talliesOf(trial).flatMap(([name, tally]) => {
    const booked = [...usages, ...others].filter((usage) => usage.name === name)
    const errors = booked.map((usage) => tally.error(usage)).filter((error) => error !== undefined)
    return (booked.length === 0 ? ['is not booked'] : errors).map(
      (error) => `usage of ${name} ${when}: ${error}`,
    )
  })
}

function report(trial: Trial, more: readonly string[]): void {
  const { run, subject } = trial
  for (const [name, tally] of talliesOf(trial)) run.say(`${name}: ${tally.toString()}`)
  run.say([...subject.log.codes].map(([code, count]) => `${code} ${count}`).join(', '))
  run.say(more.join(', '))
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
