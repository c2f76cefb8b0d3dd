import { hashPassword } from '@sluice/userstore'
import * as fc from 'fast-check'
import { beforeEach, describe, expect, it } from 'vitest'
import { Lab, type Run } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'

const SECOND = 1000

describe('the cap on conns that have not signed in', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada')], { unauthenticatedPerIp: 2 })
  })

  it('holds for one address, and turns away before a byte is read', async () => {
    lab.run()
    lab.run()
    const third = lab.run()
    expect(await third.code).toBe('UNAUTHENTICATED_LIMIT')
    expect(third.reader).toBeUndefined()
    expect(third.conn.closed).toBe(true)
    expect(lab.sessions.size).toBe(2)
    lab.run({}, '192.0.2.2')
    expect(lab.sessions.size).toBe(3)
  })

  it('holds for an IPv6 /64, in which a client can take any address', async () => {
    for (const host of ['2001:db8::1', '2001:db8::2']) lab.run({}, host)
    expect(await lab.run({}, '2001:db8::3').code).toBe('UNAUTHENTICATED_LIMIT')
    lab.run({}, '2001:db8:0:1::1')
    expect(lab.sessions.size).toBe(3)
  })

  it('holds for all addresses together too, and for those who have not signed in alone', async () => {
    lab = await Lab.open([userOf('ada')], { unauthenticated: 2 })
    for (let i = 0; i < 3; i += 1) await lab.relaying()
    lab.run({}, '192.0.2.1')
    const second = lab.run({}, '192.0.2.2')
    const third = lab.run({}, '192.0.2.3')
    expect(await third.code).toBe('UNAUTHENTICATED_LIMIT')
    expect(third.reader).toBeUndefined()
    second.client.reset()
    await second.code
    lab.run({}, '192.0.2.3')
    expect(lab.sessions.size).toBe(5)
    expect(await lab.run({}, '192.0.2.4').code).toBe('UNAUTHENTICATED_LIMIT')
  })

  it('holds for nobody while nobody has to sign in', async () => {
    let isOpen = true
    lab.sessions.isOpen = () => isOpen
    for (let i = 0; i < 4; i += 1) lab.run()
    expect(lab.sessions.size).toBe(4)
    isOpen = false
    expect(await lab.run().code).toBe('UNAUTHENTICATED_LIMIT')
  })

  it('forgets who has signed in', async () => {
    for (let i = 0; i < 3; i += 1) await lab.relaying()
    expect(lab.sessions.size).toBe(3)
    lab.run()
    lab.run()
    expect(lab.sessions.crowded('192.0.2.1')).toBe(false)
    expect(await lab.run().code).toBe('UNAUTHENTICATED_LIMIT')
  })

  it('forgets who has left, one by one', async () => {
    const [first] = [lab.run(), lab.run()]
    expect(await lab.run().code).toBe('UNAUTHENTICATED_LIMIT')
    first.client.reset()
    await first.code
    const next = await lab.relaying()
    expect(await next.finish()).toBe('OK')
  })

  it('counts who was refused until they are gone, and then no longer', async () => {
    const words = Promise.withResolvers<void>()
    const signIn = async (): Promise<never> => {
      await words.promise
      throw new Error('refused')
    }
    const runs = [lab.run({ signIn }), lab.run({ signIn })]
    for (const run of runs) run.client.write('?')
    await settled()
    expect(await lab.run().code).toBe('UNAUTHENTICATED_LIMIT')
    words.resolve()
    await Promise.all(runs.map((run) => run.code))
    expect(await (await lab.relaying()).finish()).toBe('OK')
  })
})

describe('sweep()', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada')], { idleMs: 10 * SECOND })
  })

  const sweepAfter = async (ms: number): Promise<void> => {
    await lab.pass(ms)
    lab.sessions.sweep()
    await settled()
  }

  it('ends a relay in which nothing has passed for too long', async () => {
    const run = await lab.relaying()
    await sweepAfter(9 * SECOND)
    expect(lab.sessions.size).toBe(1)
    await sweepAfter(SECOND)
    expect(await run.code).toBe('IDLE_TIMEOUT')
  })

  it.each(['up', 'down'] as const)('spares one in which bytes go %s', async (direction) => {
    const run = await lab.relaying()
    for (let i = 0; i < 5; i += 1) {
      ;(direction === 'up' ? run.client : run.target.far).write('.')
      await sweepAfter(9 * SECOND)
    }
    expect(lab.sessions.size).toBe(1)
    await sweepAfter(10 * SECOND)
    expect(await run.code).toBe('IDLE_TIMEOUT')
  })

  it('leaves handshake and dial to their own deadlines', async () => {
    lab.run()
    const dialling = lab.run()
    dialling.client.write('?')
    await settled()
    await sweepAfter(60 * SECOND)
    expect(lab.sessions.size).toBe(2)
    dialling.connected()
    await settled()
    await sweepAfter(9 * SECOND)
    expect(lab.sessions.size).toBe(2)
  })

  it('ends who has expired, and nobody else', async () => {
    lab.store.put(userOf('ada', { expiresAt: lab.wall.now + 5 * SECOND }), userOf('bob'))
    const [ada, bob] = [await lab.relaying(), await lab.relaying({ user: 'bob' })]
    await sweepAfter(5 * SECOND - 1)
    expect(lab.sessions.size).toBe(2)
    await sweepAfter(1)
    expect(await ada.code).toBe('USER_EXPIRED')
    expect(lab.sessions.size).toBe(1)
    expect(await bob.finish()).toBe('OK')
  })

  it('tells the metrics what has passed while a session runs, each byte once', async () => {
    const run = await lab.relaying()
    run.client.write('12345')
    await sweepAfter(SECOND)
    expect(lab.metrics.bytes).toEqual({ up: 5, down: 0 })
    await sweepAfter(SECOND)
    run.target.far.write('123')
    run.client.write('1')
    await run.finish()
    expect(lab.metrics.bytes).toEqual({ up: 6, down: 3 })
    expect(lab.journal.lines('session.end')[0]).toMatchObject({ up: 6, down: 3 })
  })
})

describe('relimit()', () => {
  it('slows down a session that had nothing to wait for', async () => {
    const lab = await Lab.open([userOf('ada')])
    const run = await lab.relaying()
    run.target.far.write(new Uint8Array(100_000))
    expect(run.client.size).toBe(4 + 100_000)
    lab.shaper.set({ down: { rate: 1000, burst: 1000 } })
    lab.sessions.relimit()
    run.target.far.write(new Uint8Array(100_000))
    await lab.pass(SECOND)
    expect(run.client.size).toBeLessThanOrEqual(4 + 102_000)
    lab.shaper.set({})
    await lab.pass(SECOND)
    expect(run.client.size).toBe(4 + 200_000)
  })
})

describe('drained()', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada')])
  })

  it('resolves at once where nobody is', async () => {
    expect(await lab.sessions.drained()).toBeUndefined()
  })

  it('ends handshakes, and waits for dials and relays', async () => {
    const relay = await lab.relaying()
    const dial = lab.run()
    dial.client.write('?')
    await settled()
    const handshake = lab.run()
    let drained = false
    const draining = lab.sessions.drained().then(() => (drained = true))
    expect(await handshake.code).toBe('SHUTDOWN')
    dial.connected()
    await settled()
    await dial.finish()
    expect(drained).toBe(false)
    await relay.finish()
    await draining
    expect(await relay.code).toBe('OK')
  })

  it('has everybody in the log by the time it resolves', async () => {
    const runs = [await lab.relaying(), await lab.relaying()]
    const draining = lab.sessions.drained()
    lab.sessions.cutAll('SHUTDOWN')
    await draining
    expect(lab.journal.lines('session.end')).toHaveLength(runs.length)
  })
})

const inOrder = (one: string, other: string): number => one.localeCompare(other)

describe('the lines of many sessions', () => {
  /** Each way for a session to end, at each of its phases. */
  const ENDS: Record<string, (lab: Lab) => Promise<Run>> = {
    silent: async (lab) => {
      const run = lab.run()
      run.client.reset()
      return run
    },
    broken: async (lab) => {
      const run = lab.run({ signIn: () => Promise.reject(new TypeError('bug')) })
      run.client.write('?')
      return run
    },
    refused: async (lab) => {
      const run = lab.run()
      run.client.write('?')
      run.refused()
      return run
    },
    left: async (lab) => {
      const run = lab.run()
      run.client.write('?')
      await settled()
      run.client.reset()
      return run
    },
    reset: async (lab) => {
      const run = await lab.relaying()
      run.target.far.reset()
      return run
    },
    done: async (lab) => {
      const run = await lab.relaying()
      run.target.far.write('bytes')
      void run.finish()
      return run
    },
  }

  it('are as many as the sessions, and agree with the metrics', async () => {
    const ends = fc.array(fc.constantFrom(...Object.keys(ENDS)), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(ends, async (names) => {
        const lab = await Lab.open([userOf('ada')])
        const runs = await Promise.all(names.map((name) => ENDS[name]!(lab)))
        const codes = await Promise.all(runs.map((run) => run.code))
        const lines = lab.journal.lines('session.end')
        expect(lines.map((line) => String(line['code'])).toSorted(inOrder)).toEqual(codes.toSorted(inOrder))
        expect([...lab.metrics.codes.values()].reduce((sum, count) => sum + count, 0)).toBe(names.length)
        expect(lab.metrics.active).toBe(0)
        expect(lab.sessions.crowded('192.0.2.1')).toBe(false)
      }),
      { numRuns: 20 },
    )
  })
})

describe('what is logged', () => {
  it('holds no password, nor what is kept of it, however the session ends', async () => {
    const [secret, wrong] = ['correct horse', 'battery staple']
    const hash = await hashPassword(secret, 1)
    const lab = await Lab.open([userOf('ada', { credentials: [{ kind: 'password', hash }] })])
    const signIn = (password: string) => (): unknown =>
      lab.directory.signIn(Buffer.from('ada'), Buffer.from(password), '192.0.2.1')
    const broken = async (): Promise<never> => {
      await signIn(secret)()
      throw new TypeError('bug')
    }
    const runs = [
      lab.run({ signIn: signIn(secret) }),
      lab.run({ signIn: signIn(wrong) }),
      lab.run({ signIn: broken }),
    ]
    for (const run of runs) {
      run.client.write('?')
      run.refused()
    }
    const codes = await Promise.all(runs.map((run) => run.code))
    expect(codes).toEqual(['DIAL_REFUSED', 'AUTH_FAILED', 'INTERNAL'])
    for (const each of [secret, wrong, hash]) expect(lab.journal.raw.join('')).not.toContain(each)
  })
})
