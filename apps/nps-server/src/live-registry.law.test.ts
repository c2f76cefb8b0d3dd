import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock, Shaper } from '@sluice/ratelimit'
import { Account } from '@sluice/service'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { LiveRegistry } from './live-registry.ts'
import type { FlowTotals, Kind } from './records.ts'
import type { LiveHost, LiveTunnel } from './registry.ts'
import { RecordStore } from './store/record-store.ts'

const log = { error: () => {}, info: () => {}, warn: () => {} }
const guest = new Account(
  { id: '', name: '', enabled: true, limits: {}, credentials: [] },
  new Shaper(),
  {},
  () => {},
)
const CLIENTS = [1, 2]

/** Counts by name, such as `client:1`. */
class Tally {
  readonly sums = new Map<string, FlowTotals>()

  add(name: string, up: number, down: number): void {
    const { inlet, export: out } = this.of(name)
    this.sums.set(name, { inlet: inlet + up, export: out + down })
  }

  of(name: string): FlowTotals {
    return this.sums.get(name) ?? { inlet: 0, export: 0 }
  }
}

/** A server that crashes, whose store fails, and that is written to by others, beside what really passed. */
class Scene {
  readonly #dir = mkdtempSync(join(tmpdir(), 'law-'))
  #clock = new ManualClock()
  /** What passed and was not lost in a crash, of each that there ever was. */
  passed = new Tally()
  /** … since it was last booked: what a crash costs. */
  fresh: (() => void)[] = []
  #fails = false
  #store = this.#open()
  #registry = this.#start()

  constructor() {
    for (const id of CLIENTS) {
      this.#store.addClient({})
      this.#store.addTunnel({ clientId: id, mode: 'tcp', port: id, targets: ['1'] })
      this.#store.addHost({ clientId: id, host: `a${id}.b`, targets: ['1'] })
    }
    this.#registry.follow()
  }

  pass(nth: number, up: number, down: number): void {
    const levels = [...this.#registry.tunnels.values(), ...this.#registry.hosts.values()]
    const level = levels[nth % levels.length]
    if (level === undefined) return
    for (const account of level.levels) {
      account.count('up', up)
      account.count('down', down)
    }
    for (const { kind, record } of [level, level.client]) {
      const name = `${kind}:${record.id}`
      this.passed.add(name, up, down)
      this.fresh.push(() => this.passed.add(name, -up, -down))
    }
  }

  tick(fails: boolean): void {
    this.#fails = fails
    this.#clock.advance(500)
    if (!fails) this.fresh = []
  }

  remove(nth: number): void {
    const levels: (LiveTunnel | LiveHost)[] = [
      ...this.#registry.tunnels.values(),
      ...this.#registry.hosts.values(),
    ]
    const level = levels[nth % levels.length]
    if (level === undefined) return
    if (level.kind === 'tunnel') this.#store.removeTunnel(level.record.id)
    else this.#store.removeHost(level.record.id)
  }

  add(client: number): void {
    this.#store.addHost({
      clientId: client,
      host: 'c.d',
      location: `/${this.#store.revision()}`,
      targets: ['1'],
    })
  }

  /** Without a word: what was not booked is lost. */
  crash(): void {
    for (const lose of this.fresh.splice(0)) lose()
    this.#store.onWrite = () => {}
    this.#store.close()
    this.#clock = new ManualClock()
    this.#store = this.#open()
    this.#registry = this.#start()
  }

  /** What is in the store after all, beside what ought to be. */
  async end(): Promise<{ booked: unknown; passed: unknown; aggregates: unknown; own: unknown }> {
    this.#fails = false
    await this.#registry.stop()
    this.#registry.aggregate()
    const booked = [...this.passed.sums.keys()].map((name) => {
      const [kind, id] = name.split(':')
      return [name, this.#store.flowOf(kind as Kind, Number(id))] as const
    })
    return {
      booked: Object.fromEntries(booked),
      passed: Object.fromEntries(this.passed.sums),
      aggregates: CLIENTS.map((id) => this.#store.flowOf('aggregate', id)),
      own: CLIENTS.map((id) => this.#store.flowOf('client', id)),
    }
  }

  close(): void {
    this.#store.close()
    rmSync(this.#dir, { recursive: true })
  }

  #open(): RecordStore {
    const store = RecordStore.open(join(this.#dir, 'tunnels.db'))
    const book = store.book.bind(store)
    store.book = (entries, at) => {
      if (this.#fails) throw new Error('disk full')
      return book(entries, at)
    }
    return store
  }

  #start(): LiveRegistry {
    const directory = { guest, byId: () => undefined }
    const registry = new LiveRegistry({ store: this.#store, directory, log, clock: this.#clock })
    registry.start()
    return registry
  }
}

const bytes = fc.integer({ min: 0, max: 2 ** 40 })
const step: fc.Arbitrary<(scene: Scene) => void> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.nat(), bytes, bytes).map((args) => (scene: Scene) => scene.pass(...args)),
  },
  { weight: 3, arbitrary: fc.boolean().map((fails) => (scene: Scene) => scene.tick(fails)) },
  { weight: 1, arbitrary: fc.constant((scene: Scene) => scene.crash()) },
  { weight: 1, arbitrary: fc.constantFrom(...CLIENTS).map((id) => (scene: Scene) => scene.add(id)) },
)
const deletion = fc.nat().map((nth) => (scene: Scene) => scene.remove(nth))

const ends = async (
  steps: readonly ((scene: Scene) => void)[],
): Promise<Awaited<ReturnType<Scene['end']>>> => {
  const scene = new Scene()
  try {
    for (const each of steps) {
      each(scene)
      await Promise.resolve()
    }
    return await scene.end()
  } finally {
    scene.close()
  }
}

test('clients, tunnels and hosts count all that passed but what a crash took, and agree', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
    const { booked, passed, aggregates, own } = await ends(steps)
    expect(booked).toEqual(passed)
    expect(aggregates).toEqual(own)
  })
  await fc.assert(property, { numRuns: 60 })
})

test('… and go on to do so each by itself where some are deleted', async () => {
  const any = fc.oneof({ weight: 6, arbitrary: step }, { weight: 1, arbitrary: deletion })
  const property = fc.asyncProperty(fc.array(any, { maxLength: 40 }), async (steps) => {
    const { booked, passed } = await ends(steps)
    expect(booked).toEqual(passed)
  })
  await fc.assert(property, { numRuns: 60 })
})
