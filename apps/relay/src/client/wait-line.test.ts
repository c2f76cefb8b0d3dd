import { RELAY_STATUS } from '@sluice/wire/relay'
import { expect, it } from 'vitest'
import { PeerError } from '../peer/peer-error.ts'
import { ManualTiming } from '../testing/manual-timing.ts'
import { WaitLine } from './wait-line.ts'

const full = (retryAfter = 0): PeerError =>
  new PeerError('RELAY_REFUSED', 'circuits-source', {
    status: RELAY_STATUS.RESOURCE_LIMIT_EXCEEDED,
    retryAfter,
  })
const { signal } = new AbortController()

/** A relay with so much room. */
const stage = (room: number) => {
  const timing = new ManualTiming()
  const line = new WaitLine(timing)
  const state = { room, asked: [] as string[], got: [] as string[] }
  const want = (
    name: string,
    more: { waitMs?: number; signal?: AbortSignal } = {},
  ): Promise<string | Error> => {
    const attempt = async (): Promise<string> => {
      state.asked.push(name)
      if (state.room === 0) throw full()
      state.room--
      state.got.push(name)
      return name
    }
    return line.run(attempt, { waitMs: 10_000, signal, ...more }).catch((error: Error) => error)
  }
  return { timing, line, state, want }
}

it('serves whoever waits in the order in which they came, one after the other', async () => {
  const { line, state, want } = stage(1)
  await want('a')
  const waiting = ['b', 'c', 'd'].map((name) => want(name))
  await expect.poll(() => line.length).toBe(3)
  state.room = 1
  line.freed()
  expect(await waiting[0]).toBe('b')
  await expect.poll(() => state.asked.at(-1)).toBe('c')
  const late = want('e')
  state.room = 3
  line.freed()
  expect(await Promise.all([...waiting, late])).toEqual(['b', 'c', 'd', 'e'])
  expect(state.got).toEqual(['a', 'b', 'c', 'd', 'e'])
  expect(line.length).toBe(0)
})

it('asks again now and then, as the relay wants it', async () => {
  const { timing, line, state, want } = stage(0)
  const waiting = want('a')
  await expect.poll(() => line.length).toBe(1)
  expect(timing.due).toEqual([625, 10_000])
  timing.advance(625)
  await expect.poll(() => state.asked).toEqual(['a', 'a'])
  await expect.poll(() => timing.due).toEqual([625, 9375])
  state.room = 1
  timing.advance(625)
  expect(await waiting).toBe('a')
  expect(timing.due).toEqual([])
})

it('gives up in time, with the limit that there was', async () => {
  const { timing, line, want } = stage(0)
  const waiting = [want('a'), want('b', { waitMs: 500 })]
  await expect.poll(() => line.length).toBe(2)
  timing.advance(500)
  expect(await waiting[1]).toEqual(full())
  expect(line.length).toBe(1)
  timing.advance(9500)
  expect(await waiting[0]).toEqual(full())
  expect([line.length, timing.due]).toEqual([0, []])
  expect(await want('c', { waitMs: 0 })).toEqual(full())
})

it('lets go who leaves, and passes on what is no limit', async () => {
  const { line, want } = stage(0)
  const abort = new AbortController()
  const waiting = want('a', { signal: abort.signal })
  await expect.poll(() => line.length).toBe(1)
  const reason = new Error('left')
  abort.abort(reason)
  expect(await waiting).toBe(reason)
  const gone = want('b', { signal: abort.signal })
  expect(await gone).toBe(reason)
  expect(line.length).toBe(0)
  const other = new PeerError('RELAY_REFUSED', 'no', { status: RELAY_STATUS.NO_RESERVATION })
  const options = { waitMs: 10, signal }
  await expect(line.run(() => Promise.reject(other), options)).rejects.toBe(other)
})
