import { randomBytes } from 'node:crypto'
import { type SsKey, ssKey, ssMethod } from '@sluice/wire/shadowsocks'
import { describe, expect, it } from 'vitest'
import { HERE, PacketClient, settled, TARGET, UdpStage } from './testing/udp-stage.ts'

const EMPTY = [0, 0, 0, 0, 0, 0]
const THERE = { host: '192.0.2.2', port: 6000 }
const AES = '2022-blake3-aes-256-gcm'
const METHODS = ['2022-blake3-aes-128-gcm', AES, '2022-blake3-chacha20-poly1305']

const secretOf = (method: string): string => randomBytes(ssMethod(method)!.keyBytes).toString('base64')
const keyOf = (method: string): SsKey => ssKey(ssMethod(method)!, secretOf(method))

const one = (method = AES) => {
  const stage = new UdpStage([{ name: 'ada', method, secret: secretOf(method) }])
  const [ada] = stage.users
  return { stage, ada: ada!, client: new PacketClient(stage, ada!.key) }
}

/** A port with users who say who they are. */
const shared = () => {
  const serverKey = keyOf(AES)
  const users = ['ada', 'bob'].map((name) => ({ name, method: AES, secret: secretOf(AES) }))
  return { stage: new UdpStage(users, { serverKey }), serverKey }
}

describe.each(METHODS)('%s', (method) => {
  it('carries packets both ways, and counts their payload', async () => {
    const { stage, ada, client } = one(method)
    for (const text of ['ping', '', 'x'.repeat(2000)]) await stage.take(client.packet(text))
    expect(stage.relayed).toEqual(['ping', '', 'x'.repeat(2000)])
    for (const text of ['pong', 'more']) {
      stage.ways[0]!.answer(text, TARGET)
      expect(stage.sent.at(-1)).toMatchObject(HERE)
      expect(client.open(stage.sent.at(-1)!)).toEqual({ from: TARGET, text })
    }
    expect(ada.account.flow.read()).toEqual({ up: 2004, down: 8 })
    stage.port.close()
    await settled()
    expect(stage.left).toEqual(EMPTY)
  })

  it('answers with as much as UDP carries, and no more', async () => {
    const { stage, client } = one(method)
    await stage.take(client.packet('ping'))
    const overhead = method.includes('aes') ? 51 : 75
    stage.ways[0]!.answer('x'.repeat(65_507 - 7 - overhead), TARGET)
    expect(stage.sent[0]!.bytes.length).toBe(65_507)
    stage.ways[0]!.answer('x'.repeat(65_507 - 6 - overhead), TARGET)
    expect([stage.sent.length, stage.dropped]).toEqual([1, { oversize: 1 }])
  })

  it('takes no packet twice, none that is old, and none that was changed', async () => {
    const { stage, client } = one(method)
    const [first, second] = [client.packet('first'), client.packet('second')]
    const changed = Uint8Array.from(second)
    changed[changed.length - 1]! ^= 1
    for (const bytes of [first, changed, second, first, second]) await stage.take(bytes)
    expect([stage.relayed, stage.dropped]).toEqual([['first', 'second'], { auth: 1, replay: 2 }])
    for (const off of [-31, 31]) await stage.take(client.packet('late', TARGET, off))
    for (const off of [-30, 30]) await stage.take(client.packet(`${off}`, TARGET, off))
    expect([stage.relayed.slice(2), stage.dropped['clock']]).toEqual([['-30', '30'], 2])
  })

  it('says nothing to noise of any length, and keeps nothing of it', async () => {
    const { stage } = one(method)
    for (let size = 0; size < 120; size++) await stage.take(randomBytes(size))
    expect([stage.sent, stage.left, stage.dropped]).toEqual([[], EMPTY, { auth: 120 }])
  })
})

describe('a session', () => {
  it('follows its client to another address, and only with what is authentic and new', async () => {
    const { stage, client } = one()
    const bytes = client.packet('a')
    await stage.take(bytes)
    const changed = client.packet('b')
    changed[changed.length - 1]! ^= 1
    for (const bad of [bytes, changed, randomBytes(100)]) await stage.take(bad, THERE)
    stage.ways[0]!.answer('x', TARGET)
    expect(stage.sent.at(-1)).toMatchObject(HERE)
    await stage.take(client.packet('c'), THERE)
    stage.ways[0]!.answer('y', TARGET)
    expect(stage.sent.at(-1)).toMatchObject(THERE)
    expect([stage.port.size, stage.ways.length, stage.relayed]).toEqual([1, 1, ['a', 'c']])
    expect(stage.dropped).toMatchObject({ replay: 1 })
  })

  it('ends where its user may not be', async () => {
    const stage = new UdpStage([{ name: 'ada', method: AES, secret: secretOf(AES), limits: { ips: 1 } }])
    const { key } = stage.users[0]!
    const [stays, moves] = [new PacketClient(stage, key), new PacketClient(stage, key)]
    for (const client of [stays, moves]) await stage.take(client.packet('x'))
    await stage.take(moves.packet('y'), THERE)
    expect([stage.port.size, stage.relayed]).toEqual([1, ['x', 'x']])
    expect(stage.journal.ends.map(({ code }) => code)).toEqual(['IP_LIMIT'])
  })

  it('is kept for a minute, even for a question to port 53', async () => {
    const { stage, client } = one()
    await stage.take(client.packet('question', { ...TARGET, port: 53 }))
    await stage.pass(59_000)
    expect(stage.port.size).toBe(1)
    await stage.pass(17_000)
    expect(stage.left).toEqual(EMPTY)
  })

  it('that was cut and goes on takes nothing that came before', async () => {
    const { stage, ada, client } = one()
    const packets = ['a', 'b'].map((text) => client.packet(text))
    for (const bytes of packets) await stage.take(bytes)
    const late = client.packet('late')
    ada.account.cut('QUOTA_EXCEEDED')
    for (const bytes of packets) await stage.take(bytes)
    expect([stage.left, stage.dropped]).toEqual([EMPTY, { replay: 2 }])
    for (const bytes of [late, late, client.packet('c')]) await stage.take(bytes)
    expect([stage.relayed, stage.dropped]).toEqual([['a', 'b', 'late', 'c'], { replay: 3 }])
  })

  it('is one of as many as its user may have, and told apart by its ID alone', async () => {
    const { stage, ada } = one()
    ada.account.setDefaults({ associations: 2 })
    const clients = [1, 2, 3].map(() => new PacketClient(stage, ada.key))
    for (const client of [...clients, ...clients]) await stage.take(client.packet('x'))
    expect([stage.port.size, stage.relayed.length, stage.dropped]).toEqual([2, 4, { refused: 2 }])
  })

  it('does not begin with a packet to port 0', async () => {
    const { stage, client } = one()
    await stage.take(client.packet('x', { ...TARGET, port: 0 }))
    expect([stage.left, stage.dropped]).toEqual([EMPTY, { malformed: 1 }])
  })
})

describe('identity headers', () => {
  it('tell users of one port apart', async () => {
    const { stage, serverKey } = shared()
    for (const user of stage.users) {
      const client = new PacketClient(stage, user.key, [serverKey])
      await stage.take(client.packet(user.name))
      stage.ways.at(-1)!.answer(`for ${user.name}`, TARGET)
      expect(client.open(stage.sent.at(-1)!).text).toBe(`for ${user.name}`)
    }
    expect(stage.users.map(({ account }) => account.associations)).toEqual([1, 1])
    expect(stage.relayed).toEqual(['ada', 'bob'])
  })

  it('have to be there, to name a user, and to be that of the key', async () => {
    const { stage, serverKey } = shared()
    const [ada, bob] = stage.users
    const stranger = keyOf(AES)
    await stage.take(new PacketClient(stage, ada!.key).packet('none'))
    await stage.take(new PacketClient(stage, serverKey).packet('the key of the server'))
    await stage.take(new PacketClient(stage, stranger, [serverKey]).packet('nobody'))
    const id = 7n
    await stage.take(new PacketClient(stage, ada!.key, [serverKey], id).packet('good'))
    const thief = new PacketClient(stage, bob!.key, [serverKey], id)
    thief.packet('')
    await stage.take(thief.packet('session of another'))
    expect([stage.relayed, stage.dropped]).toEqual([['good'], { auth: 4 }])
  })

  it('name nobody who is gone', async () => {
    const { stage, serverKey } = shared()
    const [ada, bob] = stage.users
    const client = new PacketClient(stage, ada!.key, [serverKey])
    await stage.take(client.packet('x'))
    ada!.retired = true
    ada!.account.cut('CREDENTIAL_CHANGED', ada)
    stage.keyring.set({ users: [bob!], serverKey })
    await stage.take(client.packet('y'))
    expect([stage.left, stage.relayed, stage.dropped]).toEqual([EMPTY, ['x'], { auth: 1 }])
  })
})
