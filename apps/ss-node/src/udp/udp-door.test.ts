import { randomBytes } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type Address, encodeSocksAddress } from '@sluice/wire'
import { openDatagram, ssKey, ssMethod, SsPacketClient } from '@sluice/wire/shadowsocks'
import { afterEach, describe, expect, it } from 'vitest'
import { keyOf } from '../testing/ss-client.ts'
import { freePort, OWN_HOST } from '../testing/own-loopback.ts'
import { openTestNode, type TestNode } from '../testing/test-node.ts'
import { AES, type TestUser, userOf } from '../testing/users.ts'
import { salted } from './testing/udp-stage.ts'

const AES_2022 = '2022-blake3-aes-128-gcm'

const open: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).toReversed()) await close()
})

const openNode = async (users: readonly TestUser[], ...argv: string[]): Promise<TestNode> => {
  const node = await openTestNode(users, ...argv)
  open.push(async () => {
    await node[Symbol.asyncDispose]()
  })
  return node
}

const bound = async (at = { address: '127.0.0.1', port: 0 }): Promise<Socket & { readonly at: Address }> => {
  const socket = createSocket('udp4').bind(at)
  await once(socket, 'listening')
  open.push(() => void socket.close())
  const { address: host, port } = socket.address()
  return Object.assign(socket, { at: { host, port } })
}

/** A target that sends everything back. */
const echo = async (): Promise<Address> => {
  const socket = await bound()
  socket.on('message', (bytes: Buffer, { address, port }: RemoteInfo) => socket.send(bytes, port, address))
  return socket.at
}

const ask = async (socket: Socket, bytes: Uint8Array, { host, port }: Address): Promise<Buffer> => {
  const message = once(socket, 'message')
  socket.send(bytes, port, host)
  const [answer] = (await message) as [Buffer]
  return answer
}

describe('datagrams over sockets', () => {
  const ADA: TestUser = { name: 'ada' }

  it('are relayed by the port that conns come by, and booked', async () => {
    const node = await openNode([ADA, { name: 'bob' }])
    const [target, client] = [await echo(), await bound()]
    for (const text of ['ping', 'x'.repeat(9000)]) {
      const answer = openDatagram(
        keyOf(ADA),
        await ask(client, salted(keyOf(ADA), text, target), node.shared),
      )!
      expect([answer.address, Buffer.from(answer.payload).toString()]).toEqual([target, text])
    }
    expect(node.door.udp!.associations).toBe(1)
    await node.program.store.update('ada', { enabled: false })
    const { user, code, up, down } = await node.journal.end({ port: client.at.port, since: 0 })
    expect([user, code, up, down]).toEqual(['ada', 'USER_DISABLED', 9004, 9004])
    expect(node.door.udp!.clients).toBe(0)
  })

  it('may not go where conns may not', async () => {
    const node = await openNode([ADA])
    const [target, client] = [await echo(), await bound()]
    const { port, host } = node.shared
    for (const denied of [{ host: '10.0.0.1', port: 9 }, node.ops]) {
      client.send(salted(keyOf(ADA), 'x', denied), port, host)
    }
    await ask(client, salted(keyOf(ADA), 'sentinel', target), node.shared)
    expect(Object.fromEntries(node.program.metrics.door('ss').dropped)).toEqual({ policy: 2 })
  })

  it('come by identity headers, and by ports of users who came while it ran', async () => {
    const secret = randomBytes(16).toString('base64')
    const server = ssKey(ssMethod(AES_2022)!, secret)
    const node = await openNode([], '--identity-key', `0:${AES_2022}:${secret}`)
    const user: TestUser = { name: 'eve', method: AES_2022, secret: randomBytes(16).toString('base64') }
    await node.program.store.add(userOf(user))
    await expect.poll(() => node.door.ports.users.length).toBe(1)
    const [target, client] = [await echo(), await bound()]
    const packets = new SsPacketClient({ key: keyOf(user), serverKeys: [server] }, 5n, randomBytes)
    const seconds = Math.floor(Date.now() / 1000)
    const bytes = packets.seal(encodeSocksAddress(target), Buffer.from('ping'), seconds)
    const answer = packets.open(await ask(client, bytes, node.shared), seconds)!
    expect([answer.address, Buffer.from(answer.payload).toString()]).toEqual([target, 'ping'])
  })

  it('are not taken where they are not wanted', async () => {
    const node = await openNode([ADA], '--no-udp')
    expect(node.door.udp).toBeUndefined()
    const socket = createSocket('udp4').bind(node.shared.port, node.shared.host)
    await once(socket, 'listening')
    socket.close()
  })

  it('have a port of their own fate: one that is taken is told and tried again', async () => {
    const other = await bound({ address: OWN_HOST, port: freePort() })
    const node = await openNode([{ name: 'ada', port: other.at.port, method: AES }])
    expect(node.door.ports.states()).toEqual({ open: 2, unavailable: 0 })
    expect(node.door.udp!.states()).toEqual({ open: 1, unavailable: 1 })
    const line = { port: other.at.port, protocol: 'udp', errno: 'EADDRINUSE' }
    expect(node.journal.of('port.unavailable')).toMatchObject([line])
  })
})
