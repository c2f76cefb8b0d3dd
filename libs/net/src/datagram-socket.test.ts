import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { DatagramSocket } from './datagram-socket.ts'
import { hasIpv6, turns } from './testing/loopback.ts'
import { OWN_HOST } from './testing/own-loopback.ts'

const open: { close(): void }[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.close()
})

/** A socket of ours, and what it was told, as text and address. */
const ours = async (
  host: string,
  ports?: { first: number; last: number },
): Promise<{ socket: DatagramSocket; told: [string, string, number][]; next: () => Promise<void> }> => {
  const told: [string, string, number][] = []
  let onTold = (): void => {}
  const socket = await DatagramSocket.bind({
    host,
    ports,
    onDatagram: (bytes, from, port) => {
      told.push([Buffer.from(bytes).toString(), from, port])
      onTold()
    },
  })
  open.push(socket)
  return { socket, told, next: () => new Promise((resolve) => (onTold = resolve)) }
}

const plain = async (host: string): Promise<Socket> => {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.bind(0, host)
  await once(socket, 'listening')
  open.push(socket)
  return socket
}

test.each(['127.0.0.1', ...(hasIpv6 ? ['::1'] : [])])('sends and receives on %s', async (host) => {
  const { socket, told, next } = await ours(host)
  const peer = await plain(host)
  socket.send(Buffer.from('ping'), host, peer.address().port)
  const [bytes, from] = (await once(peer, 'message')) as [Buffer, { port: number }]
  expect([bytes.toString(), from.port]).toEqual(['ping', socket.local.port])
  peer.send('pong', socket.local.port, host)
  await next()
  expect(told).toEqual([['pong', host, peer.address().port]])
})

test('sends pieces as one datagram, and the longest whole', async () => {
  const { socket } = await ours('127.0.0.1')
  const peer = await plain('127.0.0.1')
  const longest = Buffer.alloc(socket.maxBytes - 5, 'x')
  socket.send([Buffer.from('head:'), longest], '127.0.0.1', peer.address().port)
  const [bytes] = (await once(peer, 'message')) as [Buffer]
  expect(bytes.equals(Buffer.concat([Buffer.from('head:'), longest]))).toBe(true)
})

test('is told of the longest datagram whole', async () => {
  const { socket, told, next } = await ours('127.0.0.1')
  const peer = await plain('127.0.0.1')
  peer.send(Buffer.alloc(65_507, 'x'), socket.local.port, '127.0.0.1')
  await next()
  expect(told[0]![0].length).toBe(65_507)
})

test('does not mind what cannot be sent, or nobody takes', async () => {
  const { socket } = await ours('127.0.0.1')
  const gone = await plain('127.0.0.1')
  const { port } = gone.address()
  gone.close()
  open.splice(open.indexOf(gone), 1)
  for (let i = 0; i < 3; i++) {
    socket.send(Buffer.from('x'), '127.0.0.1', port)
    socket.send(Buffer.alloc(70_000), '127.0.0.1', port)
    socket.send(Buffer.from('x'), '::1', port)
    socket.send(Buffer.from('x'), '127.0.0.1', 0)
    await turns()
  }
  socket.close()
  socket.close()
  socket.send(Buffer.from('x'), '127.0.0.1', port)
  await turns()
})

test('keeps to its ports, and says when none is free', async () => {
  const { socket } = await ours(OWN_HOST)
  const { port } = socket.local
  await expect(ours(OWN_HOST, { first: port, last: port })).rejects.toMatchObject({
    code: 'DIAL_LOCAL_LIMIT',
  })
  socket.close()
  await turns()
  expect((await ours(OWN_HOST, { first: port, last: port })).socket.local.port).toBe(port)
})

test('says where it cannot be bound', async () => {
  await expect(ours('192.0.2.1')).rejects.toMatchObject({ code: 'DIAL_SOURCE_UNAVAILABLE' })
})

describe('a socket for many clients', () => {
  /** What it was told, and sent back. */
  const echo = async (host: string): Promise<{ socket: DatagramSocket; told: string[] }> => {
    const told: string[] = []
    const socket = await DatagramSocket.listen({
      host,
      port: 0,
      onDatagram: (bytes, from, port) => {
        told.push(from)
        socket.send([Buffer.from('re:'), bytes], from, port)
      },
    })
    open.push(socket)
    return { socket, told }
  }

  const asked = async (from: string, port: number): Promise<string> => {
    const peer = await plain(from)
    peer.send('x', port, from)
    const [bytes] = (await once(peer, 'message')) as [Buffer]
    return bytes.toString()
  }

  test.runIf(hasIpv6)('on :: has clients of both families, each with its own kind of address', async () => {
    const { socket, told } = await echo('::')
    expect(await asked('127.0.0.1', socket.local.port)).toBe('re:x')
    expect(await asked('::1', socket.local.port)).toBe('re:x')
    expect(told).toEqual(['127.0.0.1', '::1'])
    expect([socket.local.host, socket.maxBytes]).toEqual(['::', 65_507])
  })

  test.each(['127.0.0.1', '0.0.0.0'])('on %s has those of IPv4', async (host) => {
    const { socket, told } = await echo(host)
    expect(await asked('127.0.0.1', socket.local.port)).toBe('re:x')
    expect(told).toEqual(['127.0.0.1'])
  })

  test('says with the system why it cannot be bound', async () => {
    const { socket } = await echo('127.0.0.1')
    const again = DatagramSocket.listen({ ...socket.local, onDatagram: () => {} })
    await expect(again).rejects.toMatchObject({ code: 'EADDRINUSE' })
    const elsewhere = DatagramSocket.listen({ host: '192.0.2.1', port: 0, onDatagram: () => {} })
    await expect(elsewhere).rejects.toMatchObject({ code: 'EADDRNOTAVAIL' })
  })

  test('goes on after what bounced, and what was too long', async () => {
    const { socket } = await echo(hasIpv6 ? '::' : '127.0.0.1')
    const gone = await plain('127.0.0.1')
    const { port } = gone.address()
    gone.close()
    open.splice(open.indexOf(gone), 1)
    for (let i = 0; i < 3; i++) {
      socket.send(Buffer.from('x'), '127.0.0.1', port)
      socket.send(Buffer.alloc(65_508), '127.0.0.1', port)
      socket.send(Buffer.from('x'), '255.255.255.255', port)
      await turns()
    }
    expect(await asked('127.0.0.1', socket.local.port)).toBe('re:x')
  })
})
