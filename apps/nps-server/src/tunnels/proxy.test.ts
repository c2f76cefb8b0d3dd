import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type End, TestClient } from '@sluice/service/testing'
import { hashPassword } from '@sluice/userstore'
import {
  type Address,
  COMMAND,
  decodeReply,
  decodeSocksDatagram,
  encodeBasic,
  encodeGreeting,
  encodeRequest,
  encodeSocks4Request,
  encodeSocksDatagram,
  encodeUserPass,
  formatAddress,
  METHOD,
} from '@sluice/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Login, NewTunnel } from '../records.ts'
import { freePort } from '../testing/own-loopback.ts'
import { echo, openTarget, type TestTunnel, TestTunnels } from '../testing/test-tunnels.ts'
import { UdpClient } from '../testing/udp-client.ts'

const PASSWORD = 'horse'
const AGREED = 2
const SIGNED_IN = 4
const REPLY_BYTES = 10
const NOWHERE = { host: '0.0.0.0', port: 0 }

let running: TestTunnels
let echoing: Awaited<ReturnType<typeof openTarget>>
let web: Server & Partial<Address>
let ada: Login

beforeAll(async () => {
  running = await TestTunnels.open([], '--auth-failures', '2')
  echoing = await openTarget(echo)
  web = createServer((request, response) => response.end(`you asked for ${request.url}`)).listen(
    0,
    '127.0.0.1',
  )
  await once(web, 'listening')
  ada = { name: 'ada', hash: await hashPassword(PASSWORD, 1) }
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  echoing[Symbol.dispose]()
  web.closeAllConnections()
  web.close()
})

const open = (fields: Omit<NewTunnel, 'clientId'>, owned = running.addClient()): Promise<TestTunnel> =>
  running.addTunnel(fields, owned)
const bytes = (text: string): Buffer => Buffer.from(text)
const basic = (password: string): string => encodeBasic({ username: bytes('ada'), password: bytes(password) })
const lastEnd = (client: TestClient): Promise<End> => running.journal.end(client)

const socks5 = async (tunnel: Address, password?: string): Promise<TestClient> => {
  const client = await TestClient.connect(tunnel, { half: true })
  const method = password === undefined ? METHOD.NONE : METHOD.USER_PASS
  client.send(encodeGreeting({ methods: Uint8Array.of(method) }))
  if (password !== undefined)
    client.send(encodeUserPass({ username: bytes('ada'), password: bytes(password) }))
  client.send(encodeRequest({ command: COMMAND.CONNECT, address: echoing }))
  return client
}
/** That it is through, by the bytes in front of what the target sends back. */
const echoes = async (client: TestClient, front: number): Promise<void> => {
  await client.take(front)
  client.send(bytes('hello'))
  expect(String((await client.take(front + 5)).subarray(front))).toBe('hello')
  client.close()
}
const ask = async (tunnel: Address, head: string): Promise<string> => {
  const client = await TestClient.connect(tunnel)
  client.send(bytes(`${head}\r\nConnection: close\r\n\r\n`))
  return String(await client.rest())
}
const webAddress = (): string =>
  formatAddress({ host: '127.0.0.1', port: (web.address() as AddressInfo).port })
const getOf = (password?: string): string => {
  const login = password === undefined ? '' : `\r\nProxy-Authorization: ${basic(password)}`
  return `GET http://${webAddress()}/page HTTP/1.1\r\nHost: ${webAddress()}${login}`
}

describe('proxies through a client', () => {
  it('lead to wherever the visitor asks for, by each protocol of their mode', async () => {
    for (const mode of ['socks5', 'mixed'] as const) {
      const tunnel = await open({ mode })
      const client = await socks5(tunnel)
      await echoes(client, AGREED + REPLY_BYTES)
      const { id } = tunnel.tunnel.record
      expect(await lastEnd(client)).toMatchObject({
        door: 'tunnel',
        tunnel: id,
        protocol: 'socks5',
        up: 5,
        down: 5,
      })
      expect(tunnel.tunnel.account.flow.read()).toEqual({ up: 5, down: 5 })
      expect(tunnel.agent.links).toMatchObject([{ target: echoing.text, visitor: { port: client.port } }])
    }
    for (const mode of ['httpProxy', 'mixed'] as const) {
      const tunnel = await open({ mode })
      expect(await ask(tunnel, getOf())).toMatch(/^HTTP\/1.1 200 OK[^]*you asked for \/page$/)
      const client = await TestClient.connect(tunnel)
      client.send(bytes(`CONNECT ${echoing.text} HTTP/1.1\r\nHost: ${echoing.text}\r\n\r\n`))
      await echoes(client, 'HTTP/1.1 200 Connection established\r\n\r\n'.length)
      expect(await lastEnd(client)).toMatchObject({ protocol: 'connect', up: 5, down: 5 })
      const { up, down } = tunnel.client.account.flow
      expect([up > 5, down > 5]).toEqual([true, true])
    }
    const tunnel = await open({ mode: 'mixed' })
    const client = await TestClient.connect(tunnel)
    client.send(encodeSocks4Request({ command: COMMAND.CONNECT, address: echoing, userId: bytes('') }))
    await echoes(client, 8)
  })

  it('take no protocol that is not theirs', async () => {
    const socks = await open({ mode: 'socks5' })
    expect(await ask(socks, getOf())).toBe('')
    const http = await open({ mode: 'httpProxy' })
    const client = await socks5(http)
    expect(await client.rest()).toHaveLength(0)
    expect(await lastEnd(client)).toMatchObject({ code: 'PROTOCOL_UNSUPPORTED' })
    expect([...socks.agent.links, ...http.agent.links]).toEqual([])
  })

  it('want the logins of the tunnel, else those of the client, before anything else', async () => {
    const owned = running.addClient({ login: { ...ada, name: 'other' } })
    const tunnel = await open({ mode: 'mixed', logins: [ada] }, owned)
    await echoes(await socks5(tunnel, PASSWORD), SIGNED_IN + REPLY_BYTES)
    expect(await ask(tunnel, getOf(PASSWORD))).toMatch(/^HTTP\/1.1 200 OK/)
    const { length } = tunnel.agent.links
    const nobody = await socks5(tunnel)
    expect([...(await nobody.rest())]).toEqual([5, METHOD.NO_ACCEPTABLE])
    expect(await lastEnd(nobody)).toMatchObject({ code: 'AUTH_REQUIRED' })
    expect(await ask(tunnel, getOf())).toMatch(/^HTTP\/1.1 407 /)
    const wrong = await socks5(tunnel, 'wrong')
    expect([...(await wrong.rest())]).toEqual([5, METHOD.USER_PASS, 1, 1])
    expect(await lastEnd(wrong)).toMatchObject({ code: 'AUTH_FAILED' })
    expect(tunnel.agent.links).toHaveLength(length)
    running.registry.patch(owned.client, { login: ada })
    running.registry.patch(tunnel.tunnel, { logins: [] })
    await echoes(await socks5(tunnel, PASSWORD), SIGNED_IN + REPLY_BYTES)
  })

  it('make who guesses wait, at all tunnels of the client', async () => {
    const owned = running.addClient({ login: ada })
    const tunnels = [await open({ mode: 'socks5' }, owned), await open({ mode: 'httpProxy' }, owned)] as const
    for (const guess of ['a', 'b']) {
      const client = await socks5(tunnels[0], guess)
      await client.rest()
    }
    expect(await ask(tunnels[1], getOf('c'))).toMatch(/^HTTP\/1.1 429 [^]*AUTH_LIMIT/)
  })

  it('cut who came in by a login that is no more', async () => {
    const tunnel = await open({ mode: 'socks5', logins: [ada] })
    const client = await socks5(tunnel, PASSWORD)
    await client.take(SIGNED_IN + REPLY_BYTES)
    running.registry.patch(tunnel.tunnel, { logins: [{ ...ada, name: 'bob' }, { ...ada }] })
    client.send(bytes('still here'))
    await client.take(SIGNED_IN + REPLY_BYTES + 10)
    running.registry.patch(tunnel.tunnel, { logins: [{ ...ada, name: 'bob' }] })
    expect(await lastEnd(client)).toMatchObject({ code: 'CREDENTIAL_CHANGED' })
  })

  it('are not open beyond loopback without a login, unless that is meant', async () => {
    const tunnel = await open({ mode: 'httpProxy', host: '0.0.0.0', port: freePort() })
    expect(tunnel.tunnel.problem).toBe('a proxy beyond loopback needs a login')
    await expect(TestClient.connect(tunnel)).rejects.toThrow('ECONNREFUSED')
    running.registry.patch(tunnel.client, { login: ada })
    await running.tunnels.sync()
    expect(tunnel.tunnel.problem).toBe(undefined)
    await using meant = await TestTunnels.open([], '--open')
    const forAll = await meant.addTunnel({ mode: 'mixed', host: '0.0.0.0', port: freePort() })
    expect(forAll.tunnel.problem).toBe(undefined)
  })

  it('say what went wrong in the words of the protocol', async () => {
    const { client: owner, agent } = running.addClient()
    const tunnel = await open({ mode: 'mixed' }, { client: owner, agent })
    running.registry.left(owner, agent)
    const client = await socks5(tunnel)
    expect(decodeReply((await client.rest()).subarray(AGREED))!.value.reply).toBe(4)
    expect(await lastEnd(client)).toMatchObject({ code: 'AGENT_OFFLINE' })
    expect(await ask(tunnel, getOf())).toMatch(/^HTTP\/1.1 502 [^]*AGENT_OFFLINE/)
  })
})

describe('UDP ASSOCIATE through a client', () => {
  const associate = async (tunnel: Address): Promise<{ control: TestClient; bound: Address }> => {
    const control = await TestClient.connect(tunnel)
    control.send(encodeGreeting({ methods: Uint8Array.of(METHOD.NONE) }))
    control.send(encodeRequest({ command: COMMAND.UDP_ASSOCIATE, address: NOWHERE }))
    const reply = decodeReply((await control.take(AGREED + REPLY_BYTES)).subarray(AGREED))!.value
    expect(reply.reply).toBe(0)
    return { control, bound: reply.bound }
  }
  const datagram = (address: Address, text: string): Buffer =>
    Buffer.concat([encodeSocksDatagram({ fragment: 0, address }), bytes(text)])

  it('carries datagrams both ways, says where they came from, and counts them', async () => {
    const tunnel = await open({ mode: 'socks5' })
    const { control, bound } = await associate(tunnel)
    using client = await UdpClient.open()
    using one = await UdpClient.echo()
    using other = await UdpClient.echo()
    for (const { address } of [one, other, one]) {
      const answer = await client.ask(datagram(address, 'ping'), bound)
      const { value, size } = decodeSocksDatagram(answer)!
      expect([value.address, String(answer.subarray(size))]).toEqual([address, 'ping'])
    }
    control.finish()
    expect(await running.journal.end(control)).toMatchObject({
      protocol: 'udp',
      code: 'OK',
      up: 12,
      down: 12,
    })
    expect(tunnel.tunnel.account.flow.read()).toEqual({ up: 12, down: 12 })
  })

  it('ends with its tunnel, and is refused where nobody can carry it', async () => {
    const tunnel = await open({ mode: 'socks5' })
    const { control } = await associate(tunnel)
    running.registry.removeTunnel(tunnel.tunnel)
    expect(await running.journal.end(control)).toMatchObject({ code: 'TUNNEL_REMOVED' })
    const { client: owner, agent } = running.addClient()
    running.registry.left(owner, agent)
    const alone = await open({ mode: 'socks5' }, { client: owner, agent })
    const refused = await TestClient.connect(alone)
    refused.send(encodeGreeting({ methods: Uint8Array.of(METHOD.NONE) }))
    refused.send(encodeRequest({ command: COMMAND.UDP_ASSOCIATE, address: NOWHERE }))
    expect(decodeReply((await refused.rest()).subarray(AGREED))!.value.reply).toBe(4)
    expect(await running.journal.end(refused)).toMatchObject({ code: 'AGENT_OFFLINE' })
  })
})
