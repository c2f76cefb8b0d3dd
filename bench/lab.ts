import type { Drive, LoadResult, Mark, Route } from './load.ts'
import { type Origin, startOrigin } from './peers/https-origin.ts'
import type { Peer } from './peers/peer.ts'
import { sluice } from './peers/sluice.ts'
import { type Program, freePort } from './process.ts'

/** What one run of the benchmark was told, and where it works. */
export interface Lab {
  /** A folder for configurations, data and logs; removed after the run. */
  dir: string
  rounds: number
  /** Length of a measured window, where it is not the section's own. */
  secs: number | undefined
  /** Names of the peers to measure, where it is not all of them. */
  peers: readonly string[] | undefined
  /** Names of the optional peers that cannot be had here. */
  absent: Set<string>
  log(text: string): void
}

/** The load's own figures, and the program's from mark to mark. */
export type Measured<R> = R & {
  /** CPU seconds in the window. */
  cpuSeconds: number
  /** Growth of resident memory from before the first connection to the end. */
  growthBytes: number
  /** The most resident memory meanwhile, over what it was before the first connection. */
  peakBytes: number
}

/** A first load, for what a program does once in its life; further flags of ours; an origin that the load does not bring. */
export interface Setting {
  warm?: Drive<LoadResult>
  flags?: readonly string[]
  origin?: Origin
}

/** Loads a freshly started peer once. */
export async function measure<R extends LoadResult>(
  lab: Lab,
  peer: Peer,
  drive: Drive<R>,
  { origin, ...setting }: Setting = {},
): Promise<Measured<R>> {
  const originPort = await freePort()
  const program = origin && (await startOrigin(lab.dir, originPort, origin))
  try {
    return await measureTo(lab, peer, originPort, drive, setting)
  } finally {
    await program?.stop()
  }
}

async function measureTo<R extends LoadResult>(
  lab: Lab,
  peer: Peer,
  origin: number,
  drive: Drive<R>,
  { warm, flags = [] }: Setting,
): Promise<Measured<R>> {
  const { program, port } = await peer.start({ dir: lab.dir, originPort: origin, flags })
  try {
    const route: Route = { mode: peer.mode, proxy: port, origin, ...(peer.login && { user: peer.login }) }
    await warm?.(route, () => undefined)
    return await watch(program, (onMark) => drive(route, onMark))
  } finally {
    await program.stop()
  }
}

async function watch<R extends LoadResult>(
  program: Program,
  run: (onMark: (mark: Mark) => void) => Promise<R>,
): Promise<Measured<R>> {
  let cpuSeconds = 0
  let growthBytes = 0
  let peakBytes = 0
  const result = await run((mark) => {
    if (mark === 'START') {
      growthBytes -= program.residentBytes()
      program.forgetPeak()
      peakBytes -= program.peakBytes()
    }
    if (mark === 'BEGIN') cpuSeconds -= program.cpuSeconds()
    if (mark !== 'END') return
    cpuSeconds += program.cpuSeconds()
    growthBytes += program.residentBytes()
    peakBytes += program.peakBytes()
  })
  if (result.fails > 0) throw new Error(`${result.fails} failed:\n${program.output().slice(-2_000)}`)
  return { ...result, cpuSeconds, growthBytes, peakBytes }
}

/** Those of a case's peers that this run is about. */
export function chosen(lab: Lab, peers: readonly Peer[]): Peer[] {
  return peers.filter(({ name }) => !lab.absent.has(name) && (lab.peers?.includes(name) ?? true))
}

/** The peer that is held to a limit: ours, or what --peers named, to try the harness itself. */
export function shaped(lab: Lab, peers: readonly Peer[]): Peer {
  return chosen(lab, [sluice, ...peers])[0] ?? sluice
}

/** `rounds` samples of each peer, taken in turns so that a change of the machine's pace hits all alike. */
export async function interleave<T>(
  lab: Lab,
  peers: readonly Peer[],
  sample: (peer: Peer) => Promise<T>,
  show: (value: T) => string,
): Promise<Record<string, T[]>> {
  const samples: Record<string, T[]> = {}
  for (let round = 1; round <= lab.rounds; round++) {
    for (const peer of peers) {
      const value = await sample(peer)
      ;(samples[peer.name] ??= []).push(value)
      lab.log(`  round ${round}/${lab.rounds} ${peer.name}: ${show(value)}`)
    }
  }
  return samples
}
