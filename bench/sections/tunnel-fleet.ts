import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import type { Lab } from '../lab.ts'
import { agents, type AgentsOrder, type LoadResult, type Mark } from '../load.ts'
import { NpsServer, npsServer, type Place } from '../peers/nps-server.ts'
import type { Peer } from '../peers/peer.ts'
import { freePort } from '../process.ts'
import { type Case, type Section, defineCase } from './section.ts'

const MANY = 1000
const FEW = 100
const MIB = 2 ** 20

/** A server whose clients have one tunnel each. */
class Fleet {
  #server: NpsServer
  readonly #flags: readonly string[]
  readonly #places: AgentsOrder['places']
  readonly #origin: number
  /** Of the server, before it knew anybody. */
  readonly baseBytes: number

  private constructor(server: NpsServer, rest: Pick<Fleet, 'baseBytes'> & FleetParts) {
    this.#server = server
    this.#flags = rest.flags
    this.#places = rest.places
    this.#origin = rest.origin
    this.baseBytes = rest.baseBytes
  }

  static async open(lab: Lab, size: number): Promise<Fleet> {
    const [bridge, origin] = [await freePort(), await freePort()]
    // All come from one address here, which limits by address would take for a flood.
    const flags = ['--bridge', `127.0.0.1:${bridge}`]
    const server = await NpsServer.start(mkdtempSync(join(lab.dir, 'fleet-')), flags)
    const baseBytes = server.program.residentBytes()
    const places: { enroll: string; port: number }[] = []
    while (places.length < size) {
      const { id, enroll } = await server.add<Place>('clients', {})
      places.push({ enroll, port: await server.addTunnel(id, 'tcp', origin) })
    }
    const fleet = new Fleet(server, { baseBytes, flags, places, origin })
    // What it did to add them is no part of what it is with them.
    await fleet.restart()
    return fleet
  }

  get residentBytes(): number {
    return this.#server.program.residentBytes()
  }

  get cpuSeconds(): number {
    return this.#server.program.cpuSeconds()
  }

  async restart(): Promise<void> {
    await this.#server.program.stop()
    this.#server = await NpsServer.start(this.#server.data, this.#flags)
  }

  run(op: AgentsOrder['op'], hold: number, onMark: (mark: Mark) => void): Promise<LoadResult> {
    const order: AgentsOrder = { op, places: this.#places, origin: this.#origin, hold }
    return agents(join(this.#server.data, 'order.json'), order, onMark)
  }

  stop(): Promise<void> {
    return this.#server.program.stop()
  }
}

interface FleetParts {
  flags: readonly string[]
  places: AgentsOrder['places']
  origin: number
}

async function withFleet<T>(lab: Lab, size: number, work: (fleet: Fleet) => Promise<T>): Promise<T> {
  const fleet = await Fleet.open(lab, size)
  try {
    return await work(fleet)
  } finally {
    await fleet.stop()
  }
}

const idleGrowth = (lab: Lab): Promise<number> =>
  withFleet(lab, MANY, async (fleet) => {
    let bytes = 0
    const { fails } = await fleet.run('idle', lab.secs ?? 10, (mark) => {
      if (mark === 'END') bytes = fleet.residentBytes
    })
    if (fails > 0) throw new Error(`${fails} did not come in`)
    return (bytes - fleet.baseBytes) / MIB
  })

const returnSeconds = (lab: Lab): Promise<number> =>
  withFleet(lab, MANY, async (fleet) => {
    let cpu = 0
    const { seconds } = await fleet.run('return', 2, (mark) => {
      if (mark === 'BEGIN') cpu -= fleet.cpuSeconds
      if (mark === 'END') cpu += fleet.cpuSeconds
    })
    lab.log(`  ${seconds.toFixed(2)} s, ${((cpu / MANY) * 1000).toFixed(2)} ms of the server's CPU time each`)
    return seconds
  })

const restartSeconds = (lab: Lab): Promise<number> =>
  withFleet(lab, FEW, async (fleet) => {
    let restarted = Promise.resolve()
    const { seconds } = await fleet.run('restart', 1, (mark) => {
      if (mark === 'BEGIN') restarted = fleet.restart()
    })
    await restarted
    return seconds
  })

const ours: Peer = npsServer('tcp')

function figureCase(parts: {
  key: string
  label: string
  unit: string
  atMost: number
  sample: (lab: Lab) => Promise<number>
}): Case {
  const { key, label, unit, atMost, sample } = parts
  return defineCase<number[]>({
    key,
    peers: [ours],
    async measure(lab) {
      const values: number[] = []
      while (values.length < lab.rounds) {
        values.push(await sample(lab))
        lab.log(`  round ${values.length}/${lab.rounds}: ${values.at(-1)?.toFixed(2)} ${unit}`)
      }
      return values
    },
    lines: (values) => {
      const worst = Math.max(...values)
      const range = `${Math.min(...values).toFixed(2)} – ${worst.toFixed(2)} ${unit}`
      return [{ cells: [label, range, `≤ ${atMost} ${unit}`], met: worst <= atMost }]
    },
  })
}

export const tunnelFleet: Section = {
  project: 'nps-server',
  title: 'Tunnels, many clients: memory, and how soon they are back',
  about: `All clients in one process on the load's core. Memory is the server's (PSS) with ${MANY.toLocaleString('en')} clients of one tunnel each, idle for 10 s, over
what it was before the first was added. Then all ${MANY.toLocaleString('en')} connections are cut at one moment: until the last client has logged in again. At
last the server is stopped and started again under ${FEW} clients: from the signal until a byte has come back through each tunnel.
Every round counts, not the median.`,
  header: ['Case', 'Min – max', 'Target'],
  cases: [
    figureCase({
      key: 'tunnels/fleet/idle',
      label: `${MANY} idle clients`,
      unit: 'MiB',
      atMost: 90,
      sample: idleGrowth,
    }),
    figureCase({
      key: 'tunnels/fleet/return',
      label: `${MANY} clients lose their connection`,
      unit: 's',
      atMost: 5,
      sample: returnSeconds,
    }),
    figureCase({
      key: 'tunnels/fleet/restart',
      label: `server started again under ${FEW} tunnels`,
      unit: 's',
      atMost: 10,
      sample: restartSeconds,
    }),
  ],
}
