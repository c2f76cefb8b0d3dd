import { type Load, type LoadResult, type Mark, runLoad } from './load.ts'
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
  log(text: string): void
}

/** The load's own figures, and the program's from mark to mark. */
export interface Measured extends LoadResult {
  /** CPU seconds in the window. */
  cpuSeconds: number
  /** Growth of resident memory from before the first connection to the end. */
  rssGrowthBytes: number
}

/** Loads a freshly started peer once. `warm` is a first load, for what a program does once in its life. */
export async function measure(
  lab: Lab,
  peer: Peer,
  load: Load,
  options: { warm?: Load; flags?: readonly string[] } = {},
): Promise<Measured> {
  const originPort = await freePort()
  const { program, port } = await peer.start({ dir: lab.dir, originPort, flags: options.flags ?? [] })
  try {
    const route = {
      mode: peer.mode,
      proxy: port,
      origin: originPort,
      ...(peer.login && { user: peer.login }),
    }
    if (options.warm) await runLoad(route, options.warm, () => undefined)
    return await watch(program, (onMark) => runLoad(route, load, onMark))
  } finally {
    await program.stop()
  }
}

async function watch(
  program: Program,
  run: (onMark: (mark: Mark) => void) => Promise<LoadResult>,
): Promise<Measured> {
  let cpuSeconds = 0
  let rssGrowthBytes = 0
  const result = await run((mark) => {
    if (mark === 'START') rssGrowthBytes -= program.rssBytes()
    if (mark === 'BEGIN') cpuSeconds -= program.cpuSeconds()
    if (mark !== 'END') return
    cpuSeconds += program.cpuSeconds()
    rssGrowthBytes += program.rssBytes()
  })
  if (result.fails > 0)
    throw new Error(`${result.fails} connections failed:\n${program.output().slice(-2_000)}`)
  return { ...result, cpuSeconds, rssGrowthBytes }
}

/** Those of a case's peers that this run is about. */
export function chosen(lab: Lab, peers: readonly Peer[]): Peer[] {
  return peers.filter((peer) => lab.peers?.includes(peer.name) ?? true)
}

/** The peer that is held to a limit: ours, or what --peers named, to try the harness itself. */
export function shaped(lab: Lab, peers: readonly Peer[]): Peer {
  return chosen(lab, [sluice, ...peers])[0] ?? sluice
}

/** `rounds` samples of each peer, taken in turns so that a change of the machine's pace hits all alike. */
export async function interleave(
  lab: Lab,
  peers: readonly Peer[],
  sample: (peer: Peer) => Promise<number>,
): Promise<Record<string, number[]>> {
  const samples: Record<string, number[]> = {}
  for (let round = 1; round <= lab.rounds; round++) {
    for (const peer of peers) {
      const value = await sample(peer)
      ;(samples[peer.name] ??= []).push(value)
      lab.log(`  round ${round}/${lab.rounds} ${peer.name}: ${value.toFixed(3)}`)
    }
  }
  return samples
}
