import { NetError } from '@sluice/net'
import { StoreError } from '@sluice/userstore'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type ErrorCode, OUTCOMES, ServiceError } from './errors.ts'
import { Lab, type Run, TARGET } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'

const CODES = Object.keys(OUTCOMES).filter((code): code is ErrorCode => code !== 'OK')

/** Nothing is left of a session, and it was told and counted once. */
const expectOver = (lab: Lab, run: Run, code: string): void => {
  expect(lab.journal.lines('session.end').map((line) => line['code'])).toEqual([code])
  expect(lab.metrics.codes).toEqual(new Map([[code, 1]]))
  expect(lab.metrics.active).toBe(0)
  expect(lab.sessions.size).toBe(0)
  expect(lab.account().sessions).toBe(0)
  expect(run.conn.closed).toBe(true)
}

describe('runSession', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada')])
  })

  it('leads a conn from handshake to account', async () => {
    const run = lab.run()
    run.client.write('?early')
    await settled()
    expect(run.request?.accepted).toEqual([])
    expect(run.client.text).toBe('')
    run.connected()
    await settled()
    expect(run.request?.accepted).toEqual([run.target.conn.local])
    expect(run.target.far.text).toBe('early')
    run.client.write(', late')
    run.target.far.write('back')
    lab.clock.advance(1500.4)
    expect(await run.finish()).toBe('OK')
    expect(run.target.far.text).toBe('early, late')
    expect(run.client.text).toBe('yes\nback')
    expect(run.request?.rejected).toEqual([])
    expectOver(lab, run, 'OK')
  })

  it('logs one line with what happened, and nothing else', async () => {
    const run = await lab.relaying()
    run.client.write('12345')
    run.target.far.write('123')
    lab.clock.advance(1500.4)
    await run.finish()
    expect(lab.journal.raw.map((line) => JSON.parse(line) as object)).toEqual([
      {
        level: 'info',
        time: expect.any(Number),
        door: 'test',
        user: 'ada',
        client: '192.0.2.1:40000',
        target: 'target.example:443',
        code: 'OK',
        up: 5,
        down: 3,
        ms: 1500,
        msg: 'session.end',
      },
    ])
  })

  it('shows IPv6 in brackets, and no fields that it does not know', async () => {
    const run = lab.run({}, '2001:db8::1')
    run.client.reset()
    expect(await run.code).toBe('CLIENT_RESET')
    const [line] = lab.journal.lines('session.end')
    expect(line).toMatchObject({ client: '[2001:db8::1]:40000', up: 0, down: 0 })
    expect(line).not.toHaveProperty('user')
    expect(line).not.toHaveProperty('target')
  })

  it.each(CODES)('tells a dial that ends with %s once, and never success', async (code) => {
    const run = lab.run()
    run.client.write('?')
    run.refused(new ServiceError(code))
    expect(await run.code).toBe(code)
    expect(run.request?.rejected).toEqual([code])
    expect(run.request?.accepted).toEqual([])
    expect(run.client.text).toBe(`no ${code}\n`)
    expectOver(lab, run, code)
  })

  it.each([
    [new ServiceError('AUTH_FAILED'), 'AUTH_FAILED'],
    [new StoreError('AUTH_BUSY', 'full'), 'AUTH_BUSY'],
    [new NetError('CLIENT_CLOSED', 'gone'), 'CLIENT_CLOSED'],
    [Object.assign(new Error('odd'), { code: 'WIRE_VALUE' }), 'HANDSHAKE_INVALID'],
  ])('leaves the answer to a handshake that fails: %s', async (error, code) => {
    const run = lab.run({ signIn: () => Promise.reject(error) })
    run.client.write('?')
    expect(await run.code).toBe(code)
    expect(run.request).toBeUndefined()
    expect(run.client.text).toBe('')
    expect(lab.metrics.authFailures).toBe(code === 'AUTH_FAILED' ? 1 : 0)
    expectOver(lab, run, code)
  })

  it('rejects whom the account does not admit, and does not dial', async () => {
    lab.store.put(userOf('ada', { enabled: false }))
    const run = lab.run()
    run.client.write('?')
    expect(await run.code).toBe('USER_DISABLED')
    expect(run.request?.rejected).toEqual(['USER_DISABLED'])
    expect(run.signal).toBeUndefined()
    expectOver(lab, run, 'USER_DISABLED')
    expect(lab.journal.lines('session.end')[0]).toMatchObject({ user: 'ada', target: 'target.example:443' })
  })

  it('says no more once success was told', async () => {
    const run = await lab.relaying()
    run.target.far.reset()
    expect(await run.code).toBe('TARGET_RESET')
    expect(run.request?.rejected).toEqual([])
    expect(run.client.text).toBe('yes\n')
    expect(run.client.error).toMatchObject({ code: 'ECONNRESET' })
    expectOver(lab, run, 'TARGET_RESET')
  })

  it('says no more either where the telling itself failed', async () => {
    const run = lab.run({ onRequest: (request) => (request.onAccept = fail(new TypeError('bug'))) })
    await run.relaying()
    expect(await run.code).toBe('INTERNAL')
    expect(run.request?.rejected).toEqual([])
    expect(run.target.conn.closed).toBe(true)
    expectOver(lab, run, 'INTERNAL')
  })

  it.each(['rejects', 'throws'])('lives with a reject() that %s', async (how) => {
    const bug = new Error('no words')
    const onReject = how === 'throws' ? fail(bug) : (): Promise<never> => Promise.reject(bug)
    const run = lab.run({ onRequest: (request) => (request.onReject = onReject as () => Promise<void>) })
    run.client.write('?')
    run.refused()
    expect(await run.code).toBe('DIAL_REFUSED')
    expect(lab.internal).toEqual([bug])
    expect(lab.journal.lines('reject.failed')).toHaveLength(1)
    expectOver(lab, run, 'DIAL_REFUSED')
  })

  it('takes a bug of ours for a bug of ours, and reports it once', async () => {
    const bug = new TypeError("cannot read 'x' of undefined")
    const run = lab.run({ signIn: fail(bug) })
    run.client.write('?')
    expect(await run.code).toBe('INTERNAL')
    expect(lab.internal).toEqual([bug])
    const [line] = lab.journal.lines('session.end')
    expect(line).toMatchObject({ level: 'error', err: { name: 'TypeError', message: bug.message } })
    expect((line?.['err'] as Error).stack).toContain('session.test.ts')
    expectOver(lab, run, 'INTERNAL')
  })

  it('logs nothing that the level leaves out, and counts all the same', async () => {
    lab.journal.log.level = 'warn'
    const run = await lab.relaying()
    await run.finish()
    expect(lab.journal.raw).toEqual([])
    expect(lab.metrics.codes.get('OK')).toBe(1)
  })
})

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
    const dial = (_target: unknown, signal: AbortSignal): Promise<never> =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    const run = lab.run({ dial })
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
    expect(vi.getTimerCount()).toBe(0)
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

const fail = (error: Error) => (): never => {
  throw error
}

describe('a request', () => {
  it('is dialled where it says', async () => {
    const lab = await Lab.open([userOf('ada')])
    const dialled: unknown[] = []
    const run = lab.run({ dial: (target) => Promise.reject(void dialled.push(target)) })
    run.client.write('?')
    expect(await run.code).toBe('INTERNAL')
    expect(dialled).toEqual([TARGET])
  })
})
