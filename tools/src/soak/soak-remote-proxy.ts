import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Installed } from '../subject/install.ts'
import { Subject } from '../subject/subject.ts'
import { Edits } from './edits.ts'
import { Load, type UserName, USERS } from './load.ts'
import { lateGrowth } from './memory.ts'
import { Origin } from './origin.ts'
import type { Bytes } from './tally.ts'

export interface SoakRun {
  readonly minutes: number
  /** A line for people. */
  readonly say: (line: string) => void
}

/** One cause has many effects. */
const FAULTS_SHOWN = 10
const SAMPLE_MS = 500
const GROWTH_BYTES = 16 * 1024 * 1024
const GRACE_SECONDS = 2
const HELD_MS = 500
const STUCK_MS = 30_000
const STOP_MS = (GRACE_SECONDS + 5) * 1000
/** Usage is at most 2 s old. */
const BOOKED_MS = 2000
const FLAGS = [
  ...['--http', '127.0.0.1:0', '--socks', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--allow', '127.0.0.1'],
  ...['--idle-timeout', '10', '--grace', String(GRACE_SECONDS)],
]
/** Else V8 may double its young generation in the last half, which is more than the growth to be found. */
const NODE_FLAGS = ['--max-semi-space-size=4']

/**
 * Runs the real program under a steady mix of traffic, edits and reloads. At the end its books must agree with what
 * the clients moved, and nothing may have leaked, been logged as an error or kept it from stopping.
 * @returns what is wrong
 */
export async function soakRemoteProxy(run: SoakRun): Promise<string[]> {
  const password = randomBytes(12).toString('hex')
  const installed = await Installed.of('remote-proxy')
  const origin = await Origin.open()
  try {
    for (const [name, flags] of Object.entries(USERS)) await installed.addUser(name, password, flags)
    const subject = await Subject.start(installed, {
      flags: FLAGS,
      nodeFlags: NODE_FLAGS,
      secrets: [password],
    })
    try {
      return await soak(run, installed, subject, new Load(subject, origin, password))
    } finally {
      await subject.stop(0)
    }
  } finally {
    origin.close()
    installed.remove()
  }
}

async function soak(run: SoakRun, installed: Installed, subject: Subject, load: Load): Promise<string[]> {
  await load.warmUp()
  const fdsBefore = (await subject.settledFds()) ?? 0
  const edits = new Edits(installed, subject, load)
  const samples = await underLoad(run, subject, load, edits)
  const growth = lateGrowth(samples)
  const stuck = await load.stuck(STUCK_MS)
  const fds = (await subject.settledFds(fdsBefore)) ?? 0
  await sleep(BOOKED_MS)
  const flaws = [
    ...stuck,
    ...(await bookErrors(installed, load, 'while it runs')),
    ...(fds > fdsBefore ? [`${fds} descriptors are open, ${fdsBefore} were before`] : []),
    ...(growth > GROWTH_BYTES ? [`memory grew by ${mib(growth)} in the last half`] : []),
    ...(subject.log.codes.has('IDLE_TIMEOUT') ? [] : ['no idle connection was ended']),
    ...(await stop(subject, load)),
    ...(await bookErrors(installed, load, 'when it had stopped')),
  ]
  report(run, subject, load, [
    `${edits.rounds} rounds of edits`,
    `${fds} descriptors, ${fdsBefore} before`,
    `memory ${mib(samples.at(-1) ?? 0)}, ${mib(growth)} more in the last half`,
  ])
  return [...subject.faults(), ...flaws, ...edits.faults, ...load.faults.slice(0, FAULTS_SHOWN)]
}

/** @returns the program's memory in bytes, from time to time */
async function underLoad(run: SoakRun, subject: Subject, load: Load, edits: Edits): Promise<number[]> {
  const samples: number[] = []
  const sampling = setInterval(() => samples.push(subject.rssBytes() ?? 0), SAMPLE_MS)
  load.start()
  await edits.run(run.minutes * 60_000)
  clearInterval(sampling)
  load.stop()
  return samples
}

/** With connections that do not end by themselves, so that the grace has to. */
async function stop(subject: Subject, load: Load): Promise<string[]> {
  load.hold(3)
  await sleep(HELD_MS)
  const ms = await subject.stop(STOP_MS)
  const stuck = await load.stuck(STOP_MS)
  return ms === undefined ? [`it had to be killed ${STOP_MS} ms after SIGTERM`, ...stuck] : stuck
}

async function bookErrors(installed: Installed, load: Load, when: string): Promise<string[]> {
  const usages: ({ name: string } & Bytes)[] = JSON.parse(
    await installed.command(['user', 'usage', '--json']),
  )
  return Object.entries(load.tallies).flatMap(([name, tally]) => {
    const booked = usages.find((usage) => usage.name === name)
    const error = booked === undefined ? 'is not booked' : tally.error(booked)
    return error === undefined ? [] : [`usage of ${name} ${when}: ${error}`]
  })
}

function report({ say }: SoakRun, subject: Subject, load: Load, more: readonly string[]): void {
  for (const name of Object.keys(load.tallies) as UserName[]) say(`${name}: ${load.tallies[name].toString()}`)
  say([...subject.log.codes].map(([code, count]) => `${code} ${count}`).join(', '))
  say(more.join(', '))
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`
