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

const SAMPLE_MS = 500
const GROWTH_BYTES = 30 * 1024 * 1024
const GRACE_SECONDS = 2
const STOP_MS = (GRACE_SECONDS + 5) * 1000
/** Usage is at most 2 s old. */
const BOOKED_MS = 2000
const FLAGS = [
  ...['--http', '127.0.0.1:0', '--socks', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--allow', '127.0.0.1'],
  ...['--idle-timeout', '10', '--grace', String(GRACE_SECONDS)],
]

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
    const subject = await Subject.start(installed, { flags: FLAGS, secrets: [password] })
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
  const growth = await underLoad(run, subject, load, edits)
  const fds = (await subject.settledFds(fdsBefore)) ?? 0
  await sleep(BOOKED_MS)
  const flaws = [
    ...(await bookErrors(installed, load, 'while it runs')),
    ...(fds > fdsBefore ? [`${fds} descriptors are open, ${fdsBefore} were before`] : []),
    ...(growth > GROWTH_BYTES ? [`memory grew by ${mib(growth)} in the last half`] : []),
    ...(subject.log.codes.has('IDLE_TIMEOUT') ? [] : ['no idle connection was ended']),
    ...(await stop(subject, load)),
    ...(await bookErrors(installed, load, 'when it had stopped')),
  ]
  report(run, subject, load, [
    `${edits.rounds} rounds of edits`,
    `${fds} descriptors`,
    `memory ${mib(growth)}`,
  ])
  return [...flaws, ...load.faults, ...edits.faults, ...subject.faults()]
}

/** @returns growth of its memory in the last half, bytes */
async function underLoad(run: SoakRun, subject: Subject, load: Load, edits: Edits): Promise<number> {
  const samples: number[] = []
  const sampling = setInterval(() => samples.push(subject.rssBytes() ?? 0), SAMPLE_MS)
  const running = load.run()
  try {
    await edits.run(run.minutes * 60_000)
  } finally {
    clearInterval(sampling)
    load.stop()
    await running
  }
  return lateGrowth(samples)
}

/** With connections that do not end by themselves, so that the grace has to. */
async function stop(subject: Subject, load: Load): Promise<string[]> {
  const held = Array.from({ length: 3 }, () => load.exchange('idle', { up: 0, down: 0, held: true }))
  await sleep(500)
  const ms = await subject.stop(STOP_MS)
  await Promise.all(held)
  return ms === undefined ? [`it had to be killed ${STOP_MS} ms after SIGTERM`] : []
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
