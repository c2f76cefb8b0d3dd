import { randomBytes } from 'node:crypto'
import { ServiceError } from '@sluice/service'
import { createSealer, SS_METHOD_NAMES, ssMethod } from '@sluice/wire/shadowsocks'
import { describe, expect, it } from 'vitest'
import { FailureGuard } from '../failure-guard.ts'
import { HERE, salted, settled, TARGET, UdpStage, unsalted } from './testing/udp-stage.ts'

const EMPTY = [0, 0, 0, 0, 0, 0]
const DNS = { host: '198.51.100.53', port: 53 }
const THERE = { host: '192.0.2.2', port: 6000 }
const names = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `user-${index}` }))

const one = (limits = {}) => {
  const stage = new UdpStage([{ name: 'ada', limits }])
  const [ada] = stage.users
  return { stage, ada: ada!, key: ada!.key }
}

describe.each(SS_METHOD_NAMES.filter((name) => ssMethod(name)!.kind !== '2022'))('%s', (method) => {
  it('carries datagrams both ways, and counts their payload', async () => {
    const stage = new UdpStage([{ name: 'ada', method }])
    const [ada] = stage.users
    for (const text of ['ping', '', 'x'.repeat(2000)]) await stage.take(salted(ada!.key, text))
    expect(stage.relayed).toEqual(['ping', '', 'x'.repeat(2000)])
    expect(stage.ways[0]!.sent[0]).toMatchObject(TARGET)
    stage.ways[0]!.answer('pong', TARGET)
    expect(stage.sent[0]).toMatchObject(HERE)
    expect(unsalted(ada!.key, stage.sent[0]!)).toEqual({ from: TARGET, text: 'pong' })
    expect(ada!.account.flow.read()).toEqual({ up: 2004, down: 4 })
    stage.port.close()
    await settled()
    expect(stage.left).toEqual(EMPTY)
    expect(stage.journal.ends).toMatchObject([{ user: 'ada', up: 2004, down: 4, protocol: 'udp' }])
  })

  it('says nothing to noise of any length, and keeps nothing of it', async () => {
    const stage = new UdpStage([{ name: 'ada', method }])
    for (let size = 0; size < 120; size++) stage.port.onDatagram(Buffer.alloc(size, 0xff), HERE.host, size)
    await settled()
    expect([stage.sent, stage.left, stage.relayed]).toEqual([[], EMPTY, []])
    expect(Object.values(stage.dropped).reduce((sum, count) => sum + count)).toBe(120)
  })
})

describe('an association', () => {
  it('is answered by anybody, from addresses of both families', async () => {
    const { stage, key } = one()
    await stage.take(salted(key, 'ping'))
    for (const from of [
      { host: '203.0.113.9', port: 1 },
      { host: '2001:db8::1', port: 2 },
    ]) {
      stage.ways[0]!.answer('hi', from)
      expect(unsalted(key, stage.sent.at(-1)!)).toEqual({ from, text: 'hi' })
    }
  })

  it('is told apart by address and port', async () => {
    const { stage, key } = one()
    for (const port of [1, 2, 1, 2]) await stage.take(salted(key, `from ${port}`), { ...HERE, port })
    expect([stage.port.size, stage.ways.length]).toEqual([2, 2])
    expect(stage.ways.map(({ sent }) => sent.length)).toEqual([2, 2])
    stage.ways[1]!.answer('x', TARGET)
    expect(stage.sent[0]!.port).toBe(2)
  })

  it('ends 17 s after questions to port 53, any other 5 minutes after, and leaves nothing', async () => {
    const { stage, key } = one()
    await stage.take(salted(key, 'question', DNS))
    await stage.take(salted(key, 'data'), THERE)
    await stage.pass(16_000)
    expect(stage.port.size).toBe(2)
    await stage.pass(6000)
    expect(stage.port.size).toBe(1)
    await stage.pass(270_000)
    expect(stage.port.size).toBe(1)
    await stage.pass(84_000)
    expect(stage.left).toEqual(EMPTY)
    expect(stage.journal.ends.map(({ code }) => code)).toEqual(['IDLE_TIMEOUT', 'IDLE_TIMEOUT'])
  })

  it('is not answered with more than UDP carries', async () => {
    const { stage, key } = one()
    await stage.take(salted(key, 'ping'))
    const most = 65_507 - 32 - 16 - 7
    stage.ways[0]!.answer('x'.repeat(most), TARGET)
    expect(stage.sent[0]!.bytes.length).toBe(65_507)
    stage.ways[0]!.answer('x'.repeat(most + 1), TARGET)
    expect([stage.sent.length, stage.dropped]).toEqual([1, { oversize: 1 }])
  })

  it('ends when the quota of its user is used up, and none begins', async () => {
    const { stage, key } = one({ quotaBytes: 10 })
    await stage.take(salted(key, 'x'.repeat(10)))
    await settled()
    expect(stage.left).toEqual(EMPTY)
    await stage.take(salted(key, 'x'))
    expect(stage.dropped).toEqual({ refused: 1 })
    expect(stage.journal.ends[0]!.code).toBe('QUOTA_EXCEEDED')
    expect(stage.journal.of('datagram.refused')).toMatchObject([{ user: 'ada', code: 'QUOTA_EXCEEDED' }])
  })

  it('ends when its key is of no more use', async () => {
    const { stage, key, ada } = one()
    await stage.take(salted(key, 'x'))
    ada.account.cut('CREDENTIAL_CHANGED', {})
    expect(stage.port.size).toBe(1)
    ada.account.cut('CREDENTIAL_CHANGED', ada)
    expect(stage.port.size).toBe(0)
    await settled()
    expect(stage.left).toEqual(EMPTY)
  })

  it('does not begin anew with a key that is of no more use, while the port still has it', async () => {
    const { stage, key, ada } = one()
    await stage.take(salted(key, 'x'))
    ada.retired = true
    ada.account.cut('CREDENTIAL_CHANGED', ada)
    await stage.take(salted(key, 'x'))
    ada.retired = false
    ada.served = false
    await stage.take(salted(key, 'x'))
    expect([stage.left, stage.relayed, stage.dropped]).toEqual([EMPTY, ['x'], { auth: 2 }])
  })

  it('is one of as many as its user may have', async () => {
    const { stage, key, ada } = one()
    ada.account.setDefaults({ associations: 2 })
    for (const port of [1, 2, 3, 4]) await stage.take(salted(key, 'x'), { ...HERE, port })
    expect([stage.port.size, stage.dropped]).toEqual([2, { refused: 2 }])
    expect(stage.journal.of('datagram.refused')).toMatchObject([{ code: 'ASSOCIATION_LIMIT' }])
    ada.account.setDefaults({ associations: 1 })
    expect(stage.port.size).toBe(1)
  })

  it('drops what may not be sent there', async () => {
    const { stage, key } = one()
    stage.failure = new ServiceError('ACCESS_DENIED')
    await stage.take(salted(key, 'x'))
    expect([stage.dropped, stage.relayed]).toEqual([{ policy: 1 }, []])
  })
})

describe('what is not let in', () => {
  it('is what has come before, and what we have sent ourselves', async () => {
    const { stage, key } = one()
    const bytes = salted(key, 'once')
    await stage.take(bytes)
    await stage.take(bytes)
    await stage.take(bytes, THERE)
    stage.ways[0]!.answer('pong', TARGET)
    await stage.take(stage.sent[0]!.bytes)
    expect([stage.relayed, stage.dropped, stage.port.size]).toEqual([['once'], { replay: 3 }, 1])
    expect(stage.outcomes).toEqual(['REPLAY', 'REPLAY', 'REPLAY'])
  })

  it('is what was changed, and leaves its salt good', async () => {
    const { stage, key } = one()
    const bytes = salted(key, 'good')
    const bad = Uint8Array.from(bytes)
    bad[bad.length - 1]! ^= 1
    await stage.take(bad)
    await stage.take(bytes)
    await stage.take(bad)
    expect([stage.relayed, stage.dropped]).toEqual([['good'], { auth: 2 }])
  })

  it('is what goes to port 0, comes from port 0, or has no address', async () => {
    const { stage, key } = one()
    await stage.take(salted(key, 'x', { ...TARGET, port: 0 }))
    await stage.take(salted(key, 'x'), { ...HERE, port: 0 })
    expect([stage.left, stage.dropped]).toEqual([EMPTY, { malformed: 2 }])
  })
})

describe('many users of one port', () => {
  it('cost their client address what is authentic and no datagram, such as the first bytes of a conn', async () => {
    const guard = new FailureGuard(() => 0, { rate: 1, burst: 25 })
    const stage = new UdpStage(names(10), { guard })
    const { key } = stage.users[0]!
    const conn = Buffer.alloc(100)
    createSealer(key, randomBytes(key.method.saltBytes)).seal(Buffer.from('x'), conn)
    for (let times = 0; times < 5; times++) {
      await stage.take(conn.subarray(0, 50), { ...HERE, port: times + 1 })
      while (stage.search.waiting > 0) await settled()
    }
    expect(stage.dropped).toEqual({ malformed: 2, auth: 3 })
  })

  it('are told apart, each by the key of the first datagram, whatever their method', async () => {
    const stage = new UdpStage([
      { name: 'ada' },
      { name: 'bob', method: 'chacha20-ietf-poly1305' },
      { name: 'eve' },
    ])
    for (const [index, user] of stage.users.entries()) {
      const from = { ...HERE, port: index + 1 }
      await stage.take(salted(user.key, user.name), from)
      await stage.take(salted(user.key, user.name), from)
    }
    expect(stage.ways.map(({ sent }) => sent.length)).toEqual([2, 2, 2])
    expect(stage.users.map(({ account }) => account.associations)).toEqual([1, 1, 1])
    expect(stage.keyring.order.at(HERE.host).map(({ name }) => name)).toEqual(['eve', 'bob', 'ada'])
  })

  it('are found while others have their turn, and what came meanwhile follows in order', async () => {
    const stage = new UdpStage(names(2000))
    const { key } = stage.users[0]!
    for (const text of ['a', 'b', 'c']) stage.port.onDatagram(salted(key, text), HERE.host, HERE.port)
    expect([stage.relayed, stage.port.clients, stage.search.waiting]).toEqual([[], 1, 3])
    while (stage.search.waiting > 0) await settled()
    await settled()
    expect(stage.relayed).toEqual(['a', 'b', 'c'])
    expect(stage.port.clients).toBe(1)
  })

  it('may share an address and port one after the other', async () => {
    const stage = new UdpStage(names(3))
    for (const user of stage.users) await stage.take(salted(user.key, user.name))
    expect([stage.relayed, stage.port.size]).toEqual([['user-0', 'user-1', 'user-2'], 1])
    expect(stage.journal.ends.map(({ code }) => code)).toEqual(['OK', 'OK'])
  })

  it('do not pay for strangers: floods of noise hold and cost little', async () => {
    const guard = new FailureGuard(() => 0, { rate: 1, burst: 100 })
    const stage = new UdpStage(names(50), { guard })
    const [first] = stage.users
    await stage.take(salted(first!.key, 'hello'))
    for (let port = 1; port <= 2000; port++) stage.port.onDatagram(randomBytes(100), THERE.host, port)
    expect(stage.port.clients).toBeLessThanOrEqual(3)
    while (stage.search.waiting > 0) await settled()
    expect([stage.dropped, stage.port.clients]).toEqual([{ auth: 2000 }, 1])
    await stage.take(salted(first!.key, 'again'), { ...HERE, port: 9 })
    await stage.take(salted(stage.users[1]!.key, 'nobody knows me there'), THERE)
    expect([stage.relayed, stage.dropped]).toEqual([['hello', 'again'], { auth: 2001 }])
  })

  it('are heard at once while all of another network sends noise', async () => {
    const stage = new UdpStage(names(200))
    for (let host = 0; host < 256; host++) stage.port.onDatagram(randomBytes(100), `203.0.113.${host}`, 1)
    expect(stage.dropped).toEqual({ auth: 156 })
    await stage.take(salted(stage.users[0]!.key, 'hello'))
    while (stage.relayed.length === 0) await settled()
    expect(stage.search.waiting).toBeGreaterThan(50)
    stage.port.close()
    await settled()
    expect(stage.left).toEqual([0, 0, 0, 0, 0, 0])
  })

  it('cost nothing when they are new where they come from', async () => {
    const guard = new FailureGuard(() => 0, { rate: 1, burst: 30 })
    const stage = new UdpStage(names(20), { guard })
    for (const [index, user] of stage.users.entries()) {
      await stage.take(salted(user.key, 'x'), { ...HERE, port: index + 1 })
      while (stage.search.waiting > 0) await settled()
    }
    expect([stage.relayed.length, stage.dropped]).toEqual([20, {}])
  })

  it('have a bounded number of datagrams waiting', async () => {
    const stage = new UdpStage(names(100))
    for (let port = 1; port <= 3000; port++) {
      stage.port.onDatagram(randomBytes(100), `10.1.${port >> 8}.${port & 255}`, port)
    }
    expect(stage.search.waiting).toBeLessThanOrEqual(1024)
    for (let count = 0; count < 100; count++) stage.port.onDatagram(randomBytes(100), '10.1.0.1', 1)
    stage.port.close()
    await settled()
    expect(stage.left).toEqual(EMPTY)
    expect(stage.dropped).toEqual({ auth: 3100 })
  })

  it('are not let in by a port that was closed meanwhile', async () => {
    const stage = new UdpStage(names(1000))
    stage.port.onDatagram(salted(stage.users[0]!.key, 'x'), HERE.host, HERE.port)
    stage.port.close()
    await settled()
    stage.keyring.order.used(stage.users[1]!, HERE.host)
    await stage.take(salted(stage.users[1]!.key, 'y'))
    expect([stage.left, stage.relayed]).toEqual([EMPTY, []])
  })
})
