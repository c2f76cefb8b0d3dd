import { setImmediate as turn } from 'node:timers/promises'
import type { Limits } from '@sluice/userstore'
import { describe, expect, it } from 'vitest'
import { DatagramSession } from './datagram-session.ts'
import { ServiceError } from './errors.ts'
import { Lab, type LabOptions } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'

const [HERE, THERE] = ['192.0.2.1', '192.0.2.2']

/** An association of the lab's first user, which counts how often it was told its end. */
class Opened {
  readonly session: DatagramSession
  ends = 0

  constructor(lab: Lab, host = HERE, user = lab.user) {
    const parts = { door: 'test', metrics: lab.metrics, sessions: lab.sessions }
    const client = { host, port: 4000 }
    this.session = DatagramSession.open(parts, { account: lab.account(user), client, protocol: 'udp' })
    this.session.onEnd = (): void => void (this.ends += 1)
  }

  /** Bytes that the user's limits let through now. */
  move(bytes: number, direction: 'up' | 'down' = 'up'): number {
    const lane = this.session.lanes[direction]
    const granted = lane.limiter === undefined ? bytes : lane.limiter.take(bytes)
    if (granted > 0) lane.count(granted)
    return granted
  }
}

const open = (limits: Limits = {}, options: LabOptions = {}): Promise<Lab> =>
  Lab.open([userOf('ada', { limits }), userOf('bob')], options)

const codes = (lab: Lab): unknown[] => lab.journal.lines('session.end').map(({ code }) => code)

const thrown = (lab: Lab, host?: string): unknown => {
  try {
    return new Opened(lab, host)
  } catch (error) {
    return (error as ServiceError).code
  }
}

describe('a session of datagrams', () => {
  it('is counted and told once, with what has passed', async () => {
    const lab = await open()
    const opened = new Opened(lab)
    const { session } = opened
    expect([lab.sessions.size, lab.metrics.active, lab.account().sessions]).toEqual([1, 1, 1])
    session.lanes.up.count(5)
    lab.sessions.sweep()
    expect(lab.metrics.bytes).toEqual({ up: 5, down: 0 })
    session.lanes.down.count(7)
    await lab.pass(1500)
    session.close()
    session.close()
    session.cut('SHUTDOWN')
    expect(lab.journal.lines('session.end')).toMatchObject([
      {
        door: 'test',
        protocol: 'udp',
        user: 'ada',
        client: '192.0.2.1:4000',
        code: 'OK',
        up: 5,
        down: 7,
        ms: 1500,
      },
    ])
    expect(lab.metrics.bytes).toEqual({ up: 5, down: 7 })
    expect(lab.metrics.codes).toEqual(new Map([['OK', 1]]))
    expect([lab.sessions.size, lab.metrics.active, lab.account().sessions]).toEqual([0, 0, 0])
    expect([session.isOver, opened.ends, lab.account().flow.read()]).toEqual([true, 1, { up: 5, down: 7 }])
  })

  it.each([
    [new ServiceError('IDLE_TIMEOUT'), 'IDLE_TIMEOUT', 0],
    [new TypeError('a bug'), 'INTERNAL', 1],
  ])('ends with the code of %s', async (failure, code, bugs) => {
    const lab = await open()
    const opened = new Opened(lab)
    opened.session.close(failure)
    expect([codes(lab), lab.internal.length, opened.ends]).toEqual([[code], bugs, 1])
  })

  it('has its end told before its lanes are gone', async () => {
    const lab = await open({ up: 1000 })
    const { session } = new Opened(lab)
    let counted = 0
    session.onEnd = (): void => {
      session.lanes.up.count(3)
      counted = session.flow.read().up
    }
    session.close()
    expect([counted, lab.journal.lines('session.end')[0]?.['up'], lab.metrics.bytes.up]).toEqual([3, 3, 3])
  })

  it('is in the access log as one of UDP', async () => {
    const lab = await open()
    const entries: unknown[] = []
    const accessLog = { write: (entry: unknown) => void entries.push(entry) }
    lab.sessions.options = { ...lab.sessions.options, accessLog: accessLog as never }
    new Opened(lab).session.close()
    expect(entries).toMatchObject([{ method: 'UDP', url: '-', status: 200, user: 'ada' }])
    expect(codes(lab)).toEqual([])
  })
})

describe('who may come in', () => {
  it.each([
    [{ enabled: false }, 'USER_DISABLED'],
    [{ expiresAt: 1 }, 'USER_EXPIRED'],
    [{ limits: { ips: 0 } }, 'IP_LIMIT'],
  ])('is not a user with %o, and nothing is told', async (change, code) => {
    const lab = await Lab.open([userOf('ada', change)])
    expect(thrown(lab)).toBe(code)
    expect([lab.sessions.size, lab.metrics.active, lab.metrics.codes.size]).toEqual([0, 0, 0])
    expect(lab.journal.raw).toEqual([])
  })

  it('is who has connections to spare or none, but not too many associations', async () => {
    const lab = await open({ connections: 1 }, { defaults: { associations: 2 } })
    const run = await lab.relaying()
    const [first] = [new Opened(lab), new Opened(lab)]
    expect(thrown(lab)).toBe('ASSOCIATION_LIMIT')
    expect(lab.account()).toMatchObject({ sessions: 3, connections: 1, associations: 2 })
    first.session.close()
    expect(thrown(lab)).toBeInstanceOf(Opened)
    await run.finish()
    expect(await (await lab.relaying()).finish()).toBe('OK')
  })

  it('is one device with the connections of the same address', async () => {
    const lab = await open({ ips: 1 })
    const run = await lab.relaying({}, HERE)
    const { session } = new Opened(lab, HERE)
    expect(thrown(lab, THERE)).toBe('IP_LIMIT')
    await run.finish()
    expect(thrown(lab, THERE)).toBe('IP_LIMIT')
    session.close()
    expect(thrown(lab, THERE)).toBeInstanceOf(Opened)
  })

  it('is nobody any more when the program wants to stop', async () => {
    const lab = await open()
    await lab.sessions.drained()
    expect(thrown(lab)).toBe('SHUTDOWN')
  })
})

describe('while it lives', () => {
  it('is not ended by the idle time of connections', async () => {
    const lab = await open({}, { idleMs: 1000 })
    const opened = new Opened(lab)
    await lab.pass(60_000)
    lab.sessions.sweep()
    expect(opened.session.isOver).toBe(false)
  })

  it.each([
    ['disabled', 'USER_DISABLED', (lab: Lab) => lab.store.put(userOf('ada', { enabled: false }))],
    ['removed', 'USER_REMOVED', (lab: Lab) => lab.store.replace(['ada'])],
    ['expired', 'USER_EXPIRED', (lab: Lab) => lab.store.put(userOf('ada', { expiresAt: 1 }))],
  ])('is cut when its user is %s, and no other is', async (_what, code, change) => {
    const lab = await open()
    const [ada, bob] = [new Opened(lab), new Opened(lab, HERE, 'bob')]
    change(lab)
    expect([codes(lab), ada.ends, bob.ends]).toEqual([[code], 1, 0])
  })

  it('ends when its user expires', async () => {
    const lab = await Lab.open([userOf('ada', { expiresAt: Date.UTC(2026, 10, 21, 12) + 1000 })])
    const opened = new Opened(lab)
    await lab.pass(1000)
    lab.sessions.sweep()
    expect([codes(lab), opened.ends]).toEqual([['USER_EXPIRED'], 1])
  })

  it('ends when the quota is used up, by whichever of them', async () => {
    const lab = await open({ quotaBytes: 1000 })
    const [one, other] = [new Opened(lab), new Opened(lab)]
    expect([one.move(600), other.move(600, 'down'), one.move(1)]).toEqual([600, 400, 0])
    await settled()
    expect(codes(lab)).toEqual(['QUOTA_EXCEEDED', 'QUOTA_EXCEEDED'])
    expect(thrown(lab)).toBe('QUOTA_EXCEEDED')
  })

  it('gets a limit that comes, of its user or of the node', async () => {
    const lab = await open()
    const { session } = new Opened(lab)
    lab.shaper.set({ down: { rate: 1000, burst: 1000 } })
    lab.sessions.relimit()
    expect([session.lanes.up.limiter, session.lanes.down.limiter]).toEqual([undefined, session.lanes.down])
    lab.store.put(userOf('ada', { limits: { up: 1000 } }))
    expect(session.lanes.up.limiter).toBe(session.lanes.up)
  })

  it('is among the newest that go where fewer are allowed', async () => {
    const lab = await open()
    const run = await lab.relaying()
    const all = [new Opened(lab), new Opened(lab), new Opened(lab)]
    lab.directory.setDefaults({ associations: 1 })
    expect(all.map(({ ends }) => ends)).toEqual([0, 1, 1])
    expect(codes(lab)).toEqual(['ASSOCIATION_LIMIT', 'ASSOCIATION_LIMIT'])
    expect(await run.finish()).toBe('OK')
  })

  it('is booked by the ledger, which looks at its account until it is over', async () => {
    const lab = await open()
    const opened = new Opened(lab)
    expect([...lab.directory.active]).toEqual([lab.account()])
    expect(lab.account().isIdle).toBe(false)
    opened.session.close()
    expect(lab.account().isIdle).toBe(true)
  })
})

describe('a client that goes on from another address', () => {
  it('takes its place along, and is told as from there', async () => {
    const lab = await open({ ips: 1 })
    const { session } = new Opened(lab)
    session.client = { host: THERE, port: 5000 }
    expect([thrown(lab, HERE), session.ip, session.client.port]).toEqual(['IP_LIMIT', THERE, 5000])
    session.close()
    expect(lab.journal.lines('session.end')).toMatchObject([{ client: '192.0.2.2:5000' }])
    expect(lab.account().ips).toBe(0)
  })

  it('is cut where another session keeps the only place', async () => {
    const lab = await open({ ips: 1 })
    const [stays, goes] = [new Opened(lab), new Opened(lab)]
    goes.session.client = { host: THERE, port: 5000 }
    expect([codes(lab), stays.ends, goes.ends]).toEqual([['IP_LIMIT'], 0, 1])
    goes.session.client = { host: HERE, port: 5000 }
    stays.session.close()
    expect(lab.account().ips).toBe(0)
  })

  it('has no other address for another port', async () => {
    const lab = await open({ ips: 1 })
    const [one, other] = [new Opened(lab), new Opened(lab)]
    one.session.client = { host: HERE, port: 5000 }
    expect([one.session.client.port, other.session.client.port, lab.account().ips]).toEqual([5000, 4000, 1])
  })
})

describe('a program that wants to stop', () => {
  const stopping = async (moved: number): Promise<{ lab: Lab; opened: Opened; done: () => boolean }> => {
    const lab = await open()
    const opened = new Opened(lab)
    opened.move(moved)
    await lab.pass(5000)
    let isDone = false
    void lab.sessions.drained().then(() => (isDone = true))
    await turn()
    return { lab, opened, done: () => isDone }
  }

  it('ends at once what is quiet', async () => {
    const { lab, opened, done } = await stopping(0)
    expect([codes(lab), opened.ends, done()]).toEqual([['SHUTDOWN'], 1, true])
  })

  it('lets go on what is not, until it has been quiet for a second', async () => {
    const { lab, opened, done } = await stopping(10)
    for (let i = 0; i < 3; i += 1) {
      opened.move(10)
      await lab.pass(999)
      lab.sessions.sweep()
    }
    await lab.pass(999)
    lab.sessions.sweep()
    expect([opened.ends, done()]).toEqual([0, false])
    await lab.pass(1)
    lab.sessions.sweep()
    await turn()
    expect([codes(lab), done()]).toEqual([['SHUTDOWN'], true])
  })

  it('ends the rest when it waits no longer', async () => {
    const { lab, opened, done } = await stopping(10)
    lab.sessions.cutAll('SHUTDOWN')
    await turn()
    expect([codes(lab), opened.ends, done()]).toEqual([['SHUTDOWN'], 1, true])
  })
})
