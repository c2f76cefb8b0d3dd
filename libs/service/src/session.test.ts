import { NetError } from '@sluice/net'
import { StoreError } from '@sluice/userstore'
import { beforeEach, describe, expect, it } from 'vitest'
import { type ErrorCode, OUTCOMES, ServiceError } from './errors.ts'
import { expectOver } from './testing/expect-over.ts'
import { Lab, TARGET } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'

const CODES = Object.keys(OUTCOMES).filter((code): code is ErrorCode => code !== 'OK')

const fail = (error: Error) => (): never => {
  throw error
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
        protocol: 'test',
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
    const run = lab.run({ signIn: fail(error) })
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
    expect(line).toHaveProperty('err.stack', expect.stringContaining('session.test.ts'))
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
