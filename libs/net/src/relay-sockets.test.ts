import * as fc from 'fast-check'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { crc32 } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { errnoOf } from './net-error.ts'
import { Relay } from './relay.ts'
import { dice } from './testing/dice.ts'
import { held } from './testing/held.ts'
import { CountingLane, HeldLane } from './testing/lanes.ts'
import { openRoad, type Road, textOf, turns } from './testing/loopback.ts'

interface Running extends Road {
  readonly relay: Relay
  readonly up: CountingLane
  readonly down: CountingLane
  /** 'OK', or the code of the error. */
  readonly outcome: Promise<unknown>
}

const run = async (lanes: { up?: CountingLane; down?: CountingLane } = {}): Promise<Running> => {
  const road = await openRoad()
  const { up = new CountingLane(), down = new CountingLane() } = lanes
  const relay = new Relay(road.near, road.far, { up, down })
  const outcome = relay.run().then(
    () => 'OK',
    (error: unknown) => errnoOf(error) || error,
  )
  return { ...road, relay, up, down, outcome }
}

/** How a plain socket ends: 'close', or the errno with which it broke. */
const fate = (socket: Socket): Promise<string> =>
  once(socket.resume(), 'close').then(
    () => 'close',
    (error: unknown) => errnoOf(error),
  )

/** Grants what the dice say: none, some or all at once, the rest turns later. */
const fitful = (roll: (below: number) => number): CountingLane => {
  const lane = new CountingLane()
  const some = (bytes: number): number => 1 + roll(bytes)
  lane.limiter = {
    take: (bytes) => {
      if (roll(2) === 0) return some(bytes)
      setImmediate(() => lane.onGrant(some(bytes)))
      return 0
    },
  }
  return lane
}

const receive = (socket: Socket, rest: () => boolean): Promise<{ size: number; crc: number }> =>
  new Promise((resolve, reject) => {
    let [size, crc] = [0, 0]
    socket.on('data', (chunk: Buffer) => {
      size += chunk.length
      crc = crc32(chunk, crc)
      if (!rest()) return
      socket.pause()
      setImmediate(() => socket.resume())
    })
    socket
      .on('end', () => resolve({ size, crc }))
      .on('error', reject)
      .resume()
  })

const transmit = async (socket: Socket, chunks: Iterable<Buffer>): Promise<{ size: number; crc: number }> => {
  let [size, crc] = [0, 0]
  for (const chunk of chunks) {
    size += chunk.length
    crc = crc32(chunk, crc)
    if (!socket.write(chunk)) await once(socket, 'drain')
  }
  socket.end()
  return { size, crc }
}

const chunksOf = (sizes: number[]): Buffer[] =>
  sizes.map((size, i) => Buffer.alloc(size, String.fromCharCode(97 + i) + size))

/** Sends chunks of these sizes both ways at once through a relay that the dice make fitful. */
const carries = async (up: number[], down: number[], seed: number): Promise<void> => {
  const roll = dice(seed)
  const lane = (): CountingLane => (roll(3) === 0 ? new CountingLane() : fitful(roll))
  const scene = await run({ up: lane(), down: lane() })
  const isSlow = (): boolean => roll(3) === 0
  const [sentUp, sentDown, gotUp, gotDown, outcome] = await Promise.all([
    transmit(scene.client, chunksOf(up)),
    transmit(scene.target, chunksOf(down)),
    receive(scene.target, isSlow),
    receive(scene.client, isSlow),
    scene.outcome,
  ])
  expect([gotUp, gotDown, outcome]).toEqual([sentUp, sentDown, 'OK'])
  expect([scene.up.counted, scene.down.counted]).toEqual([sentUp.size, sentDown.size])
}

describe('every byte', () => {
  const sizes = fc.array(fc.oneof(fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 1, max: 300_000 })), {
    maxLength: 10,
  })

  it('comes both ways at once, whatever the sizes and the grants', async () => {
    const property = fc.asyncProperty(sizes, sizes, fc.integer(), carries)
    await expect(fc.assert(property, { numRuns: 20 })).resolves.toBeUndefined()
  })

  it.each(['up', 'down'] as const)('of 64 MiB comes %s to a slow reader', async (way) => {
    const scene = await run()
    const [from, to] = way === 'up' ? [scene.client, scene.target] : [scene.target, scene.client]
    const mebibyte = Buffer.from(Array.from({ length: 1024 * 1024 }, (_, i) => (i * i) >> 7))
    const parts = function* (): Iterable<Buffer> {
      for (let i = 0; i < 64; i++) {
        mebibyte.writeUInt32BE(i)
        yield Buffer.from(mebibyte)
      }
    }
    to.end()
    let chunks = 0
    const [sent, got] = await Promise.all([
      transmit(from, parts()),
      receive(to, () => ++chunks % 4 === 0),
      scene.outcome,
    ])
    expect([got, scene[way].counted]).toEqual([sent, 64 * 1024 * 1024])
  })
})

describe('half-close', () => {
  it.each([
    ['client', 'target'],
    ['target', 'client'],
  ] as const)('the %s ends first', async (first, second) => {
    const scene = await run()
    scene[first].end('question')
    expect(await textOf(scene[second])).toBe('question')
    scene[second].end('answer'.repeat(100_000))
    expect(await textOf(scene[first])).toBe('answer'.repeat(100_000))
    expect(await scene.outcome).toBe('OK')
  })

  it('a client that ends while its last bytes wait for the limiter loses none, though the target has ended', async () => {
    const up = new HeldLane()
    const scene = await run({ up })
    scene.target.end()
    expect(await textOf(scene.client)).toBe('')
    scene.client.end('last words')
    await turns()
    expect(up.asked).toBe(10)
    up.grant(4)
    up.grant()
    expect(await textOf(scene.target)).toBe('last words')
    expect(await scene.outcome).toBe('OK')
  })

  it('and neither while they wait for a target that does not read', async () => {
    const scene = await run()
    const MUCH = 24 * 1024 * 1024
    scene.target.end()
    expect(await textOf(scene.client)).toBe('')
    scene.client.end(Buffer.alloc(MUCH))
    await turns(20)
    expect((await receive(scene.target, () => true)).size).toBe(MUCH)
    expect(await scene.outcome).toBe('OK')
  })
})

describe('a break', () => {
  it.each([
    ['client', 'target', 'CLIENT_RESET'],
    ['target', 'client', 'TARGET_RESET'],
  ] as const)('a reset of the %s is one for the %s: %s', async (who, other, code) => {
    const scene = await run()
    const seen = fate(scene[other])
    scene[other].write('some')
    await once(scene[who], 'readable')
    scene[who].resetAndDestroy()
    expect([await seen, await scene.outcome]).toEqual(['ECONNRESET', code])
  })

  it('a reset of the client reaches a target that is not read from', async () => {
    const scene = await run()
    const seen = fate(scene.target)
    scene.client.pause()
    scene.target.write(Buffer.alloc(24 * 1024 * 1024))
    await turns(20)
    scene.client.resetAndDestroy()
    expect([await seen, await scene.outcome]).toEqual(['ECONNRESET', 'CLIENT_RESET'])
  })

  it('of a side that has half-closed is one when the other next sends', async () => {
    const scene = await run()
    scene.client.end('bye')
    expect(await textOf(scene.target)).toBe('bye')
    scene.client.resetAndDestroy()
    const seen = fate(scene.target)
    const more = (): void =>
      void (scene.target.destroyed || scene.target.write('more', () => setImmediate(more)))
    more()
    expect([await seen, await scene.outcome]).toEqual([
      expect.stringMatching(/ECONNRESET|EPIPE/),
      'CLIENT_RESET',
    ])
  })
})

describe('cut', () => {
  const reason = Object.assign(new Error('quota'), { code: 'QUOTA_EXCEEDED' })
  const phases: Record<string, (scene: Running) => void> = {
    idle: () => {},
    'data under way': (scene) => scene.client.write(Buffer.alloc(24 * 1024 * 1024)),
    'client ended': (scene) => scene.client.end(),
    'target ended': (scene) => scene.target.end(),
  }

  it.each(Object.entries(phases))('resets both: %s', async (_, prepare) => {
    const scene = await run()
    prepare(scene)
    await turns()
    scene.relay.cut(reason)
    const fates = Promise.all([fate(scene.client), fate(scene.target)])
    await turns()
    // A peer that has read an end learns of the reset when it next writes.
    for (const socket of [scene.client, scene.target]) if (!socket.destroyed) socket.write('?')
    for (const seen of await fates) expect(seen).toMatch(/ECONNRESET|EPIPE/)
    expect(await scene.outcome).toBe('QUOTA_EXCEEDED')
    expect([scene.near.closed, scene.far.closed]).toEqual([true, true])
  })

  it('in the very turn in which an end was passed on leaves no socket behind', async () => {
    const scene = await run()
    const passedOn = scene.near.end.bind(scene.near)
    scene.near.end = (): void => {
      passedOn()
      scene.relay.cut(reason)
    }
    scene.target.end()
    const fates = [fate(scene.client), fate(scene.target)]
    expect(await scene.outcome).toBe('QUOTA_EXCEEDED')
    await turns()
    scene.client.write('?')
    await Promise.all(fates)
    expect([scene.near.closed, scene.far.closed]).toEqual([true, true])
  })
})

const ENDINGS: ((scene: Running) => unknown)[] = [
  ({ client, target }) => [client.end('a'), target.end('b')],
  ({ client }) => client.resetAndDestroy(),
  ({ target }) => target.resetAndDestroy(),
  ({ target }) => target.destroy(),
  ({ relay }) => relay.cut(new Error('cut')),
  ({ client, relay }) => [client.end('a'), relay.cut(new Error('cut'))],
  ({ near, far }) => [near.destroy(), far.destroy()],
]

const beginAndEnd = async (i: number): Promise<void> => {
  const scene = await run(i % 2 === 0 ? {} : { up: fitful(dice(i)) })
  const fates = [fate(scene.client), fate(scene.target)]
  scene.client.on('end', () => scene.client.end())
  scene.target.on('end', () => scene.target.end())
  scene.client.write('hello')
  ENDINGS[i % ENDINGS.length]!(scene)
  await Promise.all([scene.outcome, ...fates])
}

const fifty = (first: number): Promise<void[]> =>
  Promise.all(Array.from({ length: 50 }, (_, i) => beginAndEnd(first + i)))

it('nothing stays of 2,000 relays that ended in all ways', async () => {
  await fifty(0)
  await turns()
  const before = held()
  for (let round = 1; round < 40; round++) await fifty(round)
  await turns()
  expect(held()).toEqual(before)
})
