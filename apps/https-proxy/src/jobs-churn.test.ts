import { setImmediate as turn } from 'node:timers/promises'
import { ServiceError } from '@sluice/service'
import { describe, expect, it } from 'vitest'
import { callerOf, JobsLab } from './upstream/testing/jobs-lab.ts'
import { RecordingSink } from './upstream/testing/recording-sink.ts'
import { authority, TestOrigin } from './upstream/testing/test-origin.ts'

const trust = { ca: authority.cert }

/** The same numbers each time (Numerical Recipes). */
const dice = (seed: number): ((sides: number) => number) => {
  let state = seed
  return (sides) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * sides)
  }
}

describe.each(['http', 'https', 'h2'])('over %s', (kind) => {
  const scheme = kind === 'http' ? 'http' : 'https'
  const open = (roll: (sides: number) => number): Promise<TestOrigin> => {
    const listener: Parameters<typeof TestOrigin.plain>[0] = (request, response) => {
      request.resume()
      const way = roll(8)
      if (way === 0) return void request.socket.destroy()
      if (way === 1) return void response.destroy()
      response.setHeader('Cache-Control', roll(2) === 0 ? 'max-age=60' : 'no-store')
      response.write('x'.repeat(roll(100_000)))
      if (way === 2) return void setImmediate(() => response.destroy())
      response.end('end')
      return undefined
    }
    if (kind === 'h2') return TestOrigin.h2(listener)
    return kind === 'http' ? TestOrigin.plain(listener) : TestOrigin.secure(listener)
  }

  it.each([1, 2, 3])(
    'each job ends once, or is told nothing more, and leaves nothing behind (%i)',
    async (seed) => {
      const roll = dice(seed)
      await using origin = await open(roll)
      const cache = { store: { bytes: 100_000 }, coalesce: true }
      using lab = new JobsLab({ trust, cache, config: { breakerFailures: 0 } })
      const waiting: Promise<unknown>[] = []
      const left: RecordingSink[] = []
      for (let i = 0; i < 300; i += 1) {
        const sink = new RecordingSink()
        sink.isSlow = roll(2) === 0
        const url = `${scheme}://localhost:${origin.port}/${roll(10)}`
        const method = ['GET', 'GET', 'HEAD', 'PUT'][roll(4)]!
        const caller = callerOf(`user ${roll(3)}`)
        const { job } = lab.start(url, { method, caller, timing: roll(2) === 0 ? 'whole' : 'stream' }, sink)
        sink.onChunk = () => setImmediate(() => job.resume())
        if (roll(5) > 0) waiting.push(sink.over)
        else {
          for (let n = roll(20); n > 0; n -= 1) await turn()
          const wasOver = sink.isOver
          job.cancel(new ServiceError('CLIENT_CLOSED'))
          if (!wasOver) left.push(sink)
        }
        if (roll(3) === 0) await turn()
      }
      await Promise.all(waiting)
      for (let n = 0; n < 20; n += 1) await turn()
      expect([lab.queue.held, lab.jobs.origins.size, left.some(({ isOver }) => isOver)]).toEqual([
        0,
        0,
        false,
      ])
      expect(lab.jobs.conns.size - lab.jobs.conns.idle).toBe(0)
    },
  )

  it('jobs may wake one another', async () => {
    await using origin = await TestOrigin[kind === 'h2' ? 'h2' : kind === 'http' ? 'plain' : 'secure'](
      (_request, response) => void response.end('x'.repeat(3_000_000)),
    )
    using lab = new JobsLab({ trust })
    const pair = [0, 1].map(() => {
      const sink = new RecordingSink()
      sink.isSlow = true
      return lab.start(`${scheme}://localhost:${origin.port}/`, {}, sink)
    })
    const [one, other] = pair as [(typeof pair)[0], (typeof pair)[0]]
    await Promise.all(pair.map(({ sink }) => sink.headed))
    while (pair.some(({ sink }) => sink.bytes === 0)) await turn()
    // Each chunk of the one has the other go on; what is paused in its own chunk is woken by the next turn.
    one.sink.onChunk = () => {
      other.job.resume()
      setImmediate(() => one.job.resume())
    }
    one.job.resume()
    await one.sink.over
    other.sink.isSlow = false
    other.job.resume()
    await other.sink.over
    expect(pair.map(({ sink }) => [sink.code, sink.bytes])).toEqual([
      ['OK', 3_000_000],
      ['OK', 3_000_000],
    ])
    expect(lab.queue.held).toBe(0)
  })
})
