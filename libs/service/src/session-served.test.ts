import type { Limits } from '@sluice/userstore'
import { beforeEach, describe, expect, it } from 'vitest'
import { ServiceError } from './errors.ts'
import type { ServedRequest, Serving } from './request.ts'
import { Lab, type Run, TARGET } from './testing/lab.ts'
import { settled } from './testing/memory-conn.ts'
import { userOf } from './testing/memory-store.ts'

describe('a request that serves itself', () => {
  let lab: Lab
  let session: Serving | undefined
  let end: PromiseWithResolvers<void>

  beforeEach(async () => {
    lab = await Lab.open([userOf('ada')])
    session = undefined
    end = Promise.withResolvers()
  })

  const start = async (
    serve: (session: Serving) => Promise<void> = () => end.promise,
    more: object = {},
  ): Promise<Run> => {
    const run = lab.run({
      ...more,
      onRequest: (request) =>
        Object.assign(request satisfies object as unknown as ServedRequest, {
          serve: (given: Serving) => {
            session = given
            return serve(given)
          },
        }),
    })
    run.client.write('?rest')
    await settled()
    return run
  }

  it('has the conn with what came early, knows who asks, and ends with OK', async () => {
    const run = await start()
    expect(session).toMatchObject({ door: 'test', protocol: 'test', client: { host: '192.0.2.1' } })
    expect(session!.account.user.name).toBe('ada')
    const got: string[] = []
    session!.conn.attach({
      onData: (chunk) => got.push(Buffer.from(chunk).toString()),
      onEnd: () => {},
      onDrain: () => {},
      onClose: () => {},
    })
    session!.conn.resume()
    expect(got).toEqual(['rest'])
    end.resolve()
    expect(await run.code).toBe('OK')
    expect(run.conn.closed).toBe(true)
    expect(run.request).toMatchObject({ accepted: [], rejected: [] })
  })

  it('opens lanes that count for it, and follow its limits', async () => {
    const run = await start()
    const lanes = session!.openLanes()
    lanes.up.count(7)
    session!.lanes.up.count(5)
    expect(lab.account().flow.up).toBe(12)
    lab.store.put(userOf('ada', { limits: { down: 1000 } }))
    expect(lanes.down.limiter).toBeDefined()
    end.resolve()
    expect(await run.code).toBe('OK')
  })

  it('is told late that it has to end, where nobody was there to be told', async () => {
    const told: unknown[] = []
    const run = await start()
    lab.account().cut('USER_DISABLED')
    for (let i = 0; i < 2; i += 1) session!.onStop = (error): void => void told.push(error)
    expect(told).toEqual([expect.objectContaining({ code: 'USER_DISABLED' })])
    end.resolve()
    expect(await run.code).toBe('USER_DISABLED')
  })

  it('counts and is limited by the lanes of its user', async () => {
    const run = await start()
    session!.lanes.up.count(5)
    session!.lanes.down.count(7)
    expect(session!.account.flow.read()).toEqual({ up: 5, down: 7 })
    end.resolve()
    await run.code
    expect(lab.journal.lines('session.end')).toMatchObject([{ code: 'OK', up: 5, down: 7 }])
  })

  describe('over which others come', () => {
    const control = (limits: Limits, more: object = {}): Promise<Run> => {
      lab.store.put(userOf('ada', { limits, ...more }))
      const run = lab.run({
        onRequest: (request) =>
          Object.assign(request satisfies object as unknown as ServedRequest, {
            isControl: true,
            serve: (given: Serving) => {
              session = given
              given.onStop = (error): void => end.reject(error)
              return end.promise
            },
          }),
      })
      run.client.write('?')
      return settled().then(() => run)
    }

    it('counts for no limit of connections or addresses, and outlasts a quota', async () => {
      await control({ connections: 1, ips: 1, quotaBytes: 10 })
      const other = await lab.relaying({}, '192.0.2.9')
      expect(other.request?.rejected).toEqual([])
      expect(await (await lab.relaying()).code).toBe('CONNECTION_LIMIT')
      other.client.write(new Uint8Array(20))
      expect(await other.code).toBe('QUOTA_EXCEEDED')
      expect(lab.sessions.size).toBe(1)
      const late = await control({ quotaBytes: 10 })
      await settled()
      expect(late.request?.rejected).toEqual([])
      end.resolve()
    })

    it('ends with the leave to be here', async () => {
      const run = await control({})
      lab.store.put(userOf('ada', { enabled: false }))
      expect(await run.code).toBe('USER_DISABLED')
    })
  })

  it('counts its requests for its door', async () => {
    const run = await start()
    session!.metrics.served('OK', 1)
    session!.metrics.served('DIAL_REFUSED', 2)
    expect([...lab.metrics.requests.keys()]).toEqual(['OK', 'DIAL_REFUSED'])
    end.resolve()
    await run.code
  })

  it('gives up a dial that it does not wait for', async () => {
    const run = await start(async (given) => {
      given.dial(TARGET, 'tunnel').catch(() => {})
    })
    expect(await run.code).toBe('OK')
    expect(run.signal?.reason).toMatchObject({ code: 'CLIENT_CLOSED' })
  })

  it('dials and relays as tunnels do', async () => {
    const run = await start(async (given) =>
      given.relay(given.conn, (await given.dial(TARGET, 'tunnel')).conn),
    )
    run.connected()
    await settled()
    expect(run.target.far.text).toBe('rest')
    run.target.far.write('back')
    expect(await run.finish()).toBe('OK')
    expect(run.client.text).toBe('back')
  })

  it('is told to stop once, its dial too, and its outcome is why', async () => {
    const run = await start(async (given) => void (await given.dial(TARGET, 'tunnel')))
    const told: Error[] = []
    session!.onStop = (error): void => void told.push(error)
    session!.account.cut('QUOTA_EXCEEDED')
    session!.account.cut('USER_DISABLED')
    expect(told).toMatchObject([{ code: 'QUOTA_EXCEEDED' }])
    expect(run.signal?.reason).toBe(told[0])
    expect(await run.code).toBe('QUOTA_EXCEEDED')
  })

  it('cannot call a session fine that was ended from outside', async () => {
    const run = await start()
    session!.account.cut('QUOTA_EXCEEDED')
    end.resolve()
    expect(await run.code).toBe('QUOTA_EXCEEDED')
  })

  it('answers for its own failures, but not for who may not come in', async () => {
    const failed = await start()
    end.reject(new ServiceError('HANDSHAKE_INVALID'))
    expect(await failed.code).toBe('HANDSHAKE_INVALID')
    expect(failed.request?.rejected).toEqual([])
    lab.store.put({ ...userOf('ada'), enabled: false })
    const refused = await start()
    expect(await refused.code).toBe('USER_DISABLED')
    expect(refused.request?.rejected).toEqual(['USER_DISABLED'])
  })

  it('is not idle while it is touched, nor ever where it mirrors another', async () => {
    const [touched, idle] = [await start(), session]
    const mirror = await start()
    Object.assign(mirror.request!, { mirrors: true })
    await lab.pass(3_000_000)
    idle!.touch()
    lab.sessions.sweep()
    await lab.pass(3_000_000)
    lab.sessions.sweep()
    expect(lab.sessions.size).toBe(2)
    await lab.pass(600_000)
    lab.sessions.sweep()
    end.resolve()
    expect([await touched.code, await mirror.code]).toEqual(['IDLE_TIMEOUT', 'OK'])
  })

  it('that mirrors another tells its own line what has passed, and the metrics nothing', async () => {
    const run = await start()
    Object.assign(run.request!, { mirrors: true })
    session!.lanes.up.countHere(5)
    session!.lanes.down.count(7)
    lab.sessions.sweep()
    session!.lanes.up.countHere(5)
    end.resolve()
    await run.code
    expect(lab.journal.lines('session.end')).toMatchObject([{ up: 10, down: 7 }])
    expect(lab.metrics.bytes).toEqual({ up: 0, down: 0 })
    expect(lab.account().flow.read()).toEqual({ up: 0, down: 7 })
  })

  it('of who is nobody has a line without a user', async () => {
    const run = lab.run({ onRequest: (request) => Object.assign(request, { account: lab.directory.guest }) })
    await run.relaying()
    expect(await run.finish()).toBe('OK')
    const [line] = lab.journal.lines('session.end')
    expect(line).toMatchObject({ code: 'OK', protocol: 'test' })
    expect(line).not.toHaveProperty('user')
  })

  it('is told when the program drains, and may end then', async () => {
    const run = await start()
    session!.onShutdown = end.resolve
    const drained = lab.sessions.drained()
    expect(await run.code).toBe('OK')
    await drained
  })
})
