import { type Dial, drainSilently } from '@sluice/net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ServiceError } from './errors.ts'
import { expectOver } from './testing/expect-over.ts'
import { Lab, type Run } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'

/** A dial that ends when it should, and tells somebody else's reason. */
const vague: Dial = (_target, signal) =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))

describe('a client that leaves', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada')])
  })

  it('ends the dial', async () => {
    const run = lab.run()
    run.client.write('?')
    await settled()
    expect(run.signal?.aborted).toBe(false)
    run.client.reset()
    expect(await run.code).toBe('CLIENT_CLOSED')
    expect(run.signal?.reason).toMatchObject({ code: 'CLIENT_CLOSED' })
    expectOver(lab, run, 'CLIENT_CLOSED')
  })

  it('while its password was checked, has no target dialled', async () => {
    const checked = Promise.withResolvers<void>()
    const run = lab.run({ signIn: () => checked.promise })
    run.client.write('?')
    await settled()
    run.client.reset()
    await settled()
    checked.resolve()
    expect(await run.code).toBe('CLIENT_CLOSED')
    expect(run.signal).toBeUndefined()
    expectOver(lab, run, 'CLIENT_CLOSED')
  })

  it('leaves no target behind, even of a dial that does not listen', async () => {
    const run = lab.run({ deaf: true })
    run.client.write('?')
    await settled()
    run.client.reset()
    await settled()
    run.connected()
    expect(await run.code).toBe('CLIENT_CLOSED')
    expect(run.target.conn.closed).toBe(true)
    expect(run.request?.accepted).toEqual([])
    expectOver(lab, run, 'CLIENT_CLOSED')
  })

  it('is not one that only half-closes', async () => {
    const run = lab.run()
    run.client.write('?last')
    run.client.end()
    await settled()
    run.connected()
    await settled()
    expect(run.target.far).toMatchObject({ text: 'last', ended: true })
    run.target.far.write('answer')
    run.target.far.end()
    expect(await run.code).toBe('OK')
    expect(run.client.text).toBe('yes\nanswer')
  })
})

describe('cut()', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada')])
  })

  const cut = (): void => lab.sessions.cutAll('SHUTDOWN')

  it('ends a handshake that waits for bytes', async () => {
    const run = lab.run()
    cut()
    expect(await run.code).toBe('SHUTDOWN')
    expectOver(lab, run, 'SHUTDOWN')
  })

  it('ends a handshake that waits for something else, as soon as that is over', async () => {
    const checked = Promise.withResolvers<void>()
    const run = lab.run({ signIn: () => checked.promise })
    run.client.write('?')
    await settled()
    cut()
    checked.resolve()
    expect(await run.code).toBe('SHUTDOWN')
    expect(run.request?.rejected).toEqual(['SHUTDOWN'])
    expect(run.signal).toBeUndefined()
    expectOver(lab, run, 'SHUTDOWN')
  })

  it('ends it before the account has a say', async () => {
    lab.store.put(userOf('ada', { enabled: false }))
    const checked = Promise.withResolvers<void>()
    const run = lab.run({ signIn: () => checked.promise })
    run.client.write('?')
    await settled()
    cut()
    lab.sessions.cutAll('IDLE_TIMEOUT')
    checked.resolve()
    expect(await run.code).toBe('SHUTDOWN')
  })

  it('ends a dial', async () => {
    const run = lab.run()
    run.client.write('?')
    await settled()
    cut()
    expect(await run.code).toBe('SHUTDOWN')
    expect(run.request?.rejected).toEqual(['SHUTDOWN'])
    expectOver(lab, run, 'SHUTDOWN')
  })

  it('ends a dial with its own code, whatever the dial makes of it', async () => {
    const run = lab.run({ dial: vague })
    run.client.write('?')
    await settled()
    cut()
    expect(await run.code).toBe('SHUTDOWN')
    expect(lab.internal).toEqual([])
  })

  it('ends a session whose dial has just come through', async () => {
    const run = lab.run()
    run.client.write('?')
    await settled()
    run.connected()
    cut()
    expect(await run.code).toBe('SHUTDOWN')
    expect(run.request?.accepted).toEqual([])
    expect(run.request?.rejected).toEqual(['SHUTDOWN'])
    expect(run.target.conn.closed).toBe(true)
    expectOver(lab, run, 'SHUTDOWN')
  })

  it('ends a relay, with a reset on both sides', async () => {
    const run = await lab.relaying()
    cut()
    expect(await run.code).toBe('SHUTDOWN')
    expect(run.request?.rejected).toEqual([])
    expect([run.conn.wasReset, run.target.conn.wasReset]).toEqual([true, true])
    expectOver(lab, run, 'SHUTDOWN')
  })

  it('leaves nothing in the queues of the shaper', async () => {
    lab.store.put(userOf('ada', { limits: { up: 1000, down: 1000, burst: 1 } }))
    const run = await lab.relaying()
    run.client.write(new Uint8Array(1000))
    run.target.far.write(new Uint8Array(1000))
    expect(lab.account().share.waiting).toBe(2)
    cut()
    await run.code
    expect(lab.account().share.waiting).toBe(0)
    await lab.pass(1000)
    expect(lab.clock.timers).toBe(0)
  })

  it('counts the first time', async () => {
    const run = await lab.relaying()
    cut()
    lab.sessions.cutAll('IDLE_TIMEOUT')
    expect(await run.code).toBe('SHUTDOWN')
  })

  it('comes too late for what has failed already', async () => {
    const words = Promise.withResolvers<void>()
    const run = lab.run({ onRequest: (request) => (request.onReject = () => words.promise) })
    run.client.write('?')
    run.refused()
    await settled()
    cut()
    words.resolve()
    expect(await run.code).toBe('DIAL_REFUSED')
    expectOver(lab, run, 'DIAL_REFUSED')
  })
})

describe('the deadline of a handshake', () => {
  let lab: Lab

  beforeEach(async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    lab = await Lab.open([userOf('ada')], { handshakeMs: 10_000 })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  it('ends a silent client', async () => {
    const run = lab.run()
    vi.advanceTimersByTime(9999)
    await settled()
    expect(lab.sessions.size).toBe(1)
    vi.advanceTimersByTime(1)
    expect(await run.code).toBe('HANDSHAKE_TIMEOUT')
    expectOver(lab, run, 'HANDSHAKE_TIMEOUT')
  })

  it('holds for the password check too', async () => {
    const checked = Promise.withResolvers<void>()
    const run = lab.run({ signIn: () => checked.promise })
    run.client.write('?')
    await settled()
    vi.advanceTimersByTime(10_000)
    checked.resolve()
    expect(await run.code).toBe('HANDSHAKE_TIMEOUT')
    expect(run.request?.rejected).toEqual(['HANDSHAKE_TIMEOUT'])
    expectOver(lab, run, 'HANDSHAKE_TIMEOUT')
  })

  it('is over with the handshake', async () => {
    const run = await lab.relaying()
    expect(vi.getTimerCount()).toBe(0)
    vi.advanceTimersByTime(20_000)
    expect(await run.finish()).toBe('OK')
  })

  it('does not rename a failure that is being told', async () => {
    const words = Promise.withResolvers<void>()
    const signIn = async (): Promise<never> => {
      await words.promise
      throw new ServiceError('AUTH_FAILED')
    }
    const run = lab.run({ signIn })
    run.client.write('?')
    await settled()
    vi.advanceTimersByTime(10_000)
    words.resolve()
    expect(await run.code).toBe('AUTH_FAILED')
  })
})

describe('a client that is told nothing', () => {
  const WHY = new ServiceError('AUTH_FAILED')
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada')], { handshakeMs: 60_000 })
  })

  afterEach(() => {
    vi.useRealTimers()
  })

  const silent = (): Run => {
    const run = lab.run({ signIn: (reader) => drainSilently(reader, WHY) })
    run.client.write('?')
    return run
  }

  it('is drained until its time is over, and ends without a reset', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const run = silent()
    for (let i = 0; i < 100; i += 1) run.client.write(new Uint8Array(1000))
    await settled()
    vi.advanceTimersByTime(59_999)
    await settled()
    expect([run.conn.closed, run.client.ended]).toEqual([false, false])
    vi.advanceTimersByTime(1)
    expect(await run.code).toBe('AUTH_FAILED')
    expect([run.client.size, run.client.ended, run.client.error, run.conn.wasReset]).toEqual([
      0,
      true,
      undefined,
      false,
    ])
    expectOver(lab, run, 'AUTH_FAILED')
    expect(lab.metrics.authFailures).toBe(1)
  })

  it('ends with its own end', async () => {
    const run = silent()
    await settled()
    run.client.end()
    expect(await run.code).toBe('AUTH_FAILED')
    expect([run.client.size, run.client.ended, run.conn.wasReset]).toEqual([0, true, false])
  })

  it('goes at once when the program stops', async () => {
    const run = silent()
    await settled()
    await lab.sessions.drained()
    expect(await run.code).toBe('AUTH_FAILED')
  })
})
