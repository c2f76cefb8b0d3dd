import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { fastify } from 'fastify'
import { describe, it } from 'vitest'
import { GrpcClient } from '../grpc/testing/grpc-client.ts'
import { freePort } from '../testing/own-loopback.ts'
import { configOf, openTestNode, type TestNode } from '../testing/test-node.ts'
import { openRemote, type Remote } from './open-remote.ts'
import { remotePorts } from './remote-ports.ts'

const TOKEN = 'a-token-of-24-characters'
const hex = (text: string): string => Buffer.from(text).toString('hex')

const openTestRemote = async (node: TestNode, ...argv: string[]): Promise<Remote> => {
  const config = configOf(...argv)
  return openRemote(node.program, config, remotePorts(node.door.ports, config))
}

describe.concurrent('in the program', () => {
  it('a user that gRPC adds is served, until it is stopped', async ({ expect }) => {
    await using node = await openTestNode([])
    const remote = await openTestRemote(
      node,
      '--grpc-host',
      '127.0.0.1',
      '--grpc-port',
      '0',
      '--grpc-token',
      TOKEN,
    )
    expect(node.journal.of('listening')).toContainEqual(
      expect.objectContaining({ door: 'grpc', ...remote.grpc }),
    )
    using client = new GrpcClient(remote.grpc!, { token: TOKEN })
    const port = freePort()
    const varint = Buffer.of((port & 0x7f) | 0x80, ((port >> 7) & 0x7f) | 0x80, port >> 14).toString('hex')
    const user = `080110${varint}1a0b${hex('aes-256-gcm')}2204${hex('hush')}2801`
    expect(await client.call('/aioshadowsocks.ss/CreateUser', user)).toContain(user)
    expect(await client.call('/aioshadowsocks.ss/InitUserServer', '0801')).toBe('08012801')
    expect(node.journal.of('listening')).toContainEqual(
      expect.objectContaining({ door: 'ss', port, user: 'ss-1' }),
    )
    await client.call('/aioshadowsocks.ss/StopUserServer', '0801')
    expect(await client.call('/aioshadowsocks.ss/GetUserServer', '0801')).toBe('0801')
    await client.call('/aioshadowsocks.ss/DeleteUser', '0801')
    await expect.poll(() => node.door.ports.open.has(port)).toBe(false)
    expect(node.journal.lines.join('')).not.toMatch(/hush|a-token/)
  })

  it('a manager adds ports', async ({ expect }) => {
    await using node = await openTestNode([])
    const remote = await openTestRemote(node, '--manager', '127.0.0.1:0')
    const socket = createSocket('udp4')
    const port = freePort()
    socket.send(`add: {"server_port":${port},"password":"hush"}`, remote.manager!.port, '127.0.0.1')
    await once(socket, 'message')
    await expect.poll(() => node.door.ports.open.has(port)).toBe(true)
    socket.close()
    expect(node.journal.of('user.changed')).toMatchObject([{ by: 'manager', name: `port-${port}` }])
  })

  it('the management API adds users of the shared port', async ({ expect }) => {
    const key = Buffer.alloc(16, 1).toString('base64')
    const flags = ['--identity-key', `0:2022-blake3-aes-128-gcm:${key}`]
    await using node = await openTestNode([], ...flags)
    const remote = await openTestRemote(node, '--ssm', '127.0.0.1:0', '--ssm-token', TOKEN, ...flags)
    const url = `http://127.0.0.1:${remote.ssm!.port}/users`
    const headers = { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' }
    const uPSK = Buffer.alloc(16, 2).toString('base64')
    const { status } = await fetch(url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ username: 'ada', uPSK }),
    })
    expect(status).toBe(201)
    await expect.poll(() => node.door.ports.users.map(({ name }) => name)).toEqual(['ada'])
    expect(node.door.ports.report).toBeDefined()
    const users = await (await fetch(url, { headers })).json()
    expect(users).toEqual({ users: [{ username: 'ada', uPSK }] })
  })

  it('nothing is open where nothing is asked for', async ({ expect }) => {
    await using node = await openTestNode([])
    expect(await openTestRemote(node)).toEqual({ grpc: undefined, manager: undefined, ssm: undefined })
  })

  it('what cannot be is refused before anything opens', async ({ expect }) => {
    await using node = await openTestNode([])
    await expect(openTestRemote(node, '--manager', '0.0.0.0:0')).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
    })
    const tls = ['--ssm-cert', '/nowhere', '--ssm-key', '/nowhere']
    await expect(openTestRemote(node, '--ssm', '127.0.0.1:0', '--ssm-token', TOKEN, ...tls)).rejects.toThrow(
      /ENOENT/,
    )
    await using taken = fastify()
    await taken.listen({ host: '127.0.0.1', port: 0 })
    const { port } = taken.server.address() as AddressInfo
    for (const flags of [
      ['--ssm', `127.0.0.1:${port}`, '--ssm-token', TOKEN],
      ['--grpc-host', '127.0.0.1', '--grpc-port', String(port)],
    ]) {
      await expect(openTestRemote(node, ...flags)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    }
  })
})
