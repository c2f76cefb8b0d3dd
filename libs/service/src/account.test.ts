import type { Limits } from '@sluice/userstore'
import { beforeEach, describe, expect, it } from 'vitest'
import { Lab, type Run } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'

const HERE = '192.0.2.1'
const THERE = '192.0.2.2'
const YES = 'yes\n'.length

/** The codes of those that are over, in the order of the list. */
const codesOf = async (lab: Lab, runs: readonly Run[]): Promise<(string | undefined)[]> => {
  const running = Symbol('running')
  await settled()
  const codes = await Promise.all(runs.map((run) => Promise.race([run.code, Promise.resolve(running)])))
  expect(codes.filter((code) => code === running)).toHaveLength(lab.sessions.size)
  return codes.map((code) => (code === running ? undefined : code))
}

const open = (limits: Limits): Promise<Lab> => Lab.open([userOf('ada', { limits })])

/** Bytes of a user with these limits that pass in 10 s, where others have 1,000 bytes a second. */
const passedIn10s = async (limits: Limits): Promise<number> => {
  const defaults = { total: 1000, burst: 100 }
  const lab = await Lab.open([userOf('ada', { limits })], { defaults })
  const run = await lab.relaying()
  run.client.write(new Uint8Array(1_000_000))
  await lab.pass(10_000)
  return run.target.far.size
}

describe('limits at the door', () => {
  it('lets in as many connections as the user may have, and the next when one is over', async () => {
    const lab = await open({ connections: 2 })
    const [first, , third] = [await lab.relaying(), await lab.relaying(), await lab.relaying()] as const
    expect(await third.code).toBe('CONNECTION_LIMIT')
    await first.finish()
    expect((await lab.relaying()).request?.rejected).toEqual([])
  })

  it('lets in as many addresses as the user may have, and any number from each', async () => {
    const lab = await open({ ips: 1 })
    const [first, second] = [await lab.relaying({}, HERE), await lab.relaying({}, HERE)]
    expect(
      await lab
        .run({}, THERE)
        .relaying()
        .then((run) => run.code),
    ).toBe('IP_LIMIT')
    await first.finish()
    expect(
      await lab
        .run({}, THERE)
        .relaying()
        .then((run) => run.code),
    ).toBe('IP_LIMIT')
    await second.finish()
    expect((await lab.relaying({}, THERE)).request?.rejected).toEqual([])
  })

  it('counts who is still dialling', async () => {
    const lab = await open({ connections: 1 })
    lab.run().client.write('?')
    await settled()
    expect(
      await lab
        .run()
        .relaying()
        .then((run) => run.code),
    ).toBe('CONNECTION_LIMIT')
  })

  it('gives the place back when the dial fails', async () => {
    const lab = await open({ connections: 1, ips: 1 })
    const run = lab.run()
    run.client.write('?')
    run.refused()
    await run.code
    expect((await lab.relaying({}, THERE)).request?.rejected).toEqual([])
  })

  it('turns away who has used up the quota, and lets in again who was given more', async () => {
    const lab = await open({ quotaBytes: 1000 })
    lab.store.bookElsewhere('ada', 1000)
    expect(
      await lab
        .run()
        .relaying()
        .then((run) => run.code),
    ).toBe('QUOTA_EXCEEDED')
    lab.store.put(userOf('ada', { limits: { quotaBytes: 1001 } }))
    expect((await lab.relaying()).request?.rejected).toEqual([])
  })

  it.each([
    [{ enabled: false }, 'USER_DISABLED'],
    [{ expiresAt: Date.UTC(2026, 10, 21, 12) }, 'USER_EXPIRED'],
    [{ enabled: false, expiresAt: 1 }, 'USER_DISABLED'],
  ])('turns away %o', async (change, code) => {
    const lab = await Lab.open([userOf('ada', change)])
    expect(
      await lab
        .run()
        .relaying()
        .then((run) => run.code),
    ).toBe(code)
  })

  it('tells the state of a user', async () => {
    const lab = await open({ quotaBytes: 10 })
    const { now } = lab.wall
    const account = lab.account()
    expect(account.state(now)).toBe('active')
    lab.store.put(userOf('ada', { limits: { quotaBytes: 10 }, expiresAt: now }))
    expect([account.state(now - 1), account.state(now)]).toEqual(['active', 'expired'])
    lab.store.put(userOf('ada', { limits: { quotaBytes: 10 } }))
    lab.store.bookElsewhere('ada', 10)
    expect(account.state(now)).toBe('quota')
    lab.store.replace(['ada'])
    expect(account.state(now)).toBe('disabled')
  })
})

describe('a change while sessions run', () => {
  let lab: Lab

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada'), userOf('bob')])
  })

  it.each([
    ['disabled', 'USER_DISABLED', () => lab.store.put(userOf('ada', { enabled: false }))],
    ['expired', 'USER_EXPIRED', () => lab.store.put(userOf('ada', { expiresAt: lab.wall.now }))],
    ['removed', 'USER_REMOVED', () => lab.store.replace(['ada'])],
  ])('cuts all of a user who was %s, and nobody else', async (_what, code, change) => {
    const dialling = lab.run()
    dialling.client.write('?')
    await settled()
    const runs = [await lab.relaying(), dialling, await lab.relaying({ user: 'bob' })]
    change()
    expect(await codesOf(lab, runs)).toEqual([code, code, undefined])
    expect(dialling.request?.rejected).toEqual([code])
  })

  it('cuts the newest where fewer connections are allowed', async () => {
    const runs = [await lab.relaying(), await lab.relaying(), await lab.relaying()]
    lab.store.put(userOf('ada', { limits: { connections: 2 } }))
    expect(await codesOf(lab, runs)).toEqual([undefined, undefined, 'CONNECTION_LIMIT'])
    lab.store.put(userOf('ada', { limits: { connections: 1 } }))
    expect(await codesOf(lab, runs)).toEqual([undefined, 'CONNECTION_LIMIT', 'CONNECTION_LIMIT'])
  })

  it('cuts those from the newest addresses where fewer are allowed', async () => {
    const runs = [
      await lab.relaying({}, HERE),
      await lab.relaying({}, THERE),
      await lab.relaying({}, HERE),
      await lab.relaying({}, THERE),
    ]
    lab.store.put(userOf('ada', { limits: { ips: 1 } }))
    expect(await codesOf(lab, runs)).toEqual([undefined, 'IP_LIMIT', undefined, 'IP_LIMIT'])
  })

  it('ends nobody where more is allowed', async () => {
    lab.store.put(userOf('ada', { limits: { connections: 1, ips: 1, quotaBytes: 100 } }))
    const runs = [await lab.relaying()]
    lab.store.put(userOf('ada', { limits: { connections: 2, ips: 2, quotaBytes: 200 } }))
    runs.push(await lab.relaying({}, THERE))
    expect(await codesOf(lab, runs)).toEqual([undefined, undefined])
  })

  it('slows down what ran free, and sets free what was slow', async () => {
    const run = await lab.relaying()
    run.target.far.write(new Uint8Array(500_000))
    expect(run.client.size).toBe(YES + 500_000)
    lab.store.put(userOf('ada', { limits: { down: 1000, burst: 1000 } }))
    run.target.far.write(new Uint8Array(100_000))
    run.client.write(new Uint8Array(100_000))
    await lab.pass(10_000)
    expect(run.client.size).toBeGreaterThanOrEqual(YES + 509_000)
    expect(run.client.size).toBeLessThanOrEqual(YES + 511_000)
    expect(run.target.far.size).toBe(100_000)
    lab.store.put(userOf('ada'))
    await lab.pass(100)
    expect(run.client.size).toBe(YES + 600_000)
  })

  it('changes a rate from one moment to the next', async () => {
    lab.store.put(userOf('ada', { limits: { total: 1000, burst: 100 } }))
    const run = await lab.relaying()
    run.client.write(new Uint8Array(1_000_000))
    await lab.pass(10_000)
    const before = run.target.far.size
    expect(before).toBeGreaterThan(9_000)
    expect(before).toBeLessThanOrEqual(10_100)
    lab.store.put(userOf('ada', { limits: { total: 10_000, burst: 100 } }))
    await lab.pass(10_000)
    expect(run.target.far.size - before).toBeGreaterThan(95_000)
    expect(run.target.far.size - before).toBeLessThanOrEqual(100_600)
  })

  it('holds a quota that was not there before to the byte', async () => {
    const run = await lab.relaying()
    run.target.far.write(new Uint8Array(1000))
    lab.store.put(userOf('ada', { limits: { quotaBytes: 1500 } }))
    run.target.far.write(new Uint8Array(1000))
    expect(await run.code).toBe('QUOTA_EXCEEDED')
    expect(lab.journal.lines('session.end')[0]).toMatchObject({ up: 0, down: 1500 })
  })

  it('cuts at once where a quota is set below what was used', async () => {
    const run = await lab.relaying()
    run.client.write(new Uint8Array(1000))
    lab.store.put(userOf('ada', { limits: { quotaBytes: 1000 } }))
    expect(await run.code).toBe('QUOTA_EXCEEDED')
  })

  it('goes on where a quota is raised in time, or lifted', async () => {
    lab.store.put(userOf('ada', { limits: { quotaBytes: 1000 } }))
    const run = await lab.relaying()
    run.client.write(new Uint8Array(999))
    await settled()
    lab.store.put(userOf('ada', { limits: { quotaBytes: 2000 } }))
    run.client.write(new Uint8Array(1000))
    await settled()
    expect(run.target.far.size).toBe(1999)
    lab.store.put(userOf('ada'))
    run.client.write(new Uint8Array(1000))
    expect(await run.finish()).toBe('OK')
    expect(run.target.far.size).toBe(2999)
  })
})

describe('defaults', () => {
  it('are the rate of who has none', async () => {
    const passed = await passedIn10s({ connections: 9 })
    expect(passed).toBeGreaterThan(9_000)
    expect(passed).toBeLessThanOrEqual(10_100)
  })

  it('leave alone who has one, were it only for the other direction', async () => {
    expect(await passedIn10s({ down: 1 })).toBe(1_000_000)
  })

  it('are the burst of who has a rate but no burst', async () => {
    const lab = await Lab.open([userOf('ada', { limits: { up: 1 } })], { defaults: { burst: 400 } })
    const run = await lab.relaying()
    run.client.write(new Uint8Array(1000))
    await settled()
    // A bucket begins a quarter full.
    expect(run.target.far.size).toBe(100)
  })
})

describe('a default number of connections', () => {
  it('holds for who has none of their own', async () => {
    const users = [userOf('ada'), userOf('bob', { limits: { connections: 2 } })]
    const lab = await Lab.open(users, { defaults: { connections: 1 } })
    const runs = [await lab.relaying(), await lab.relaying()]
    for (let i = 0; i < 3; i += 1) runs.push(await lab.relaying({ user: 'bob' }))
    const full = 'CONNECTION_LIMIT'
    expect(await codesOf(lab, runs)).toEqual([undefined, full, undefined, undefined, full])
  })

  it('that is lowered ends the newest, and that is raised lets more in', async () => {
    const lab = await open({})
    const runs = [await lab.relaying(), await lab.relaying(), await lab.relaying()]
    lab.directory.setDefaults({ connections: 2 })
    expect(await codesOf(lab, runs)).toEqual([undefined, undefined, 'CONNECTION_LIMIT'])
    lab.directory.setDefaults({ connections: 3 })
    runs.push(await lab.relaying())
    expect(await codesOf(lab, runs)).toEqual([undefined, undefined, 'CONNECTION_LIMIT', undefined])
  })
})

describe('devices', () => {
  it('keep their place for a while, whatever comes', async () => {
    const lab = await Lab.open([userOf('ada', { limits: { ips: 1 } })], { devices: { ttlMs: 60_000 } })
    await (await lab.relaying({}, HERE)).finish()
    expect([lab.account().ips, lab.account().isIdle]).toEqual([0, false])
    expect(await (await lab.relaying({}, THERE)).code).toBe('IP_LIMIT')
    expect(await (await lab.relaying({}, HERE)).finish()).toBe('OK')
    await lab.pass(60_000)
    expect(lab.account().isIdle).toBe(true)
    expect(await (await lab.relaying({}, THERE)).finish()).toBe('OK')
  })

  it('do not count for a few bytes; one that moves more while there is no place is cut, all of it', async () => {
    const lab = await Lab.open([userOf('ada', { limits: { ips: 1 } })], { devices: { bytes: 1000 } })
    const runs = [await lab.relaying({}, HERE), await lab.relaying({}, THERE), await lab.relaying({}, THERE)]
    runs[0]!.client.write(new Uint8Array(1000))
    runs[1]!.client.write(new Uint8Array(500))
    runs[2]!.target.far.write(new Uint8Array(499))
    lab.sessions.sweep()
    expect(await codesOf(lab, runs)).toEqual([undefined, undefined, undefined])
    runs[2]!.client.write('.')
    lab.sessions.sweep()
    expect(await codesOf(lab, runs)).toEqual([undefined, 'IP_LIMIT', 'IP_LIMIT'])
  })

  it('count what sessions moved that were over before anybody looked', async () => {
    const limits = { ips: 1 }
    const lab = await Lab.open([userOf('ada', { limits })], { devices: { bytes: 1000, ttlMs: 60_000 } })
    const run = await lab.relaying({}, HERE)
    run.client.write(new Uint8Array(1000))
    await run.finish()
    expect(await (await lab.relaying({}, THERE)).code).toBe('IP_LIMIT')
  })

  it('are told as they were seen, signed in', async () => {
    const lab = await open({})
    lab.run({}, '192.0.2.9')
    const run = await lab.relaying({}, HERE)
    await (await lab.relaying({}, THERE)).finish()
    expect(lab.account().takeSeen()).toEqual([HERE, THERE])
    await lab.relaying({}, HERE)
    expect(lab.account().addresses).toEqual([HERE])
    lab.account().takeSeen()
    lab.sessions.sweep()
    expect(lab.account().takeSeen()).toEqual([])
    run.client.write('.')
    lab.sessions.sweep()
    expect(lab.account().takeSeen()).toEqual([HERE])
  })

  it('that are of one IPv6 /64 are one', async () => {
    const lab = await open({ ips: 1 })
    const runs = [await lab.relaying({}, '2001:db8::1'), await lab.relaying({}, '2001:db8::2')]
    expect(await codesOf(lab, runs)).toEqual([undefined, undefined])
    expect([lab.account().isAt('2001:db8::3'), lab.account().isAt('2001:db8:1::')]).toEqual([true, false])
    expect(await (await lab.relaying({}, '2001:db8:1::')).code).toBe('IP_LIMIT')
  })
})
