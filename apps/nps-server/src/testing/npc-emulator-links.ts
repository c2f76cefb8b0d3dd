import { createSocket } from 'node:dgram'
import { isIPv6, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { type Address, decodeSocksDatagram, encodeSocksDatagram, parseAddress } from '@sluice/wire'
import { encodeUdp5 } from '@sluice/wire/npc'
import { emulateSnappy } from './npc-emulator-snappy.ts'
import type { EmulatorStream } from './npc-emulator-stream.ts'

/** Does what the link of a stream asks for, as the program does. */
export const serveLink = (stream: EmulatorStream): void => {
  const { type, host } = stream.link!
  if (type === 'udp5') servePackets(stream)
  else if (type === 'udp') serveDatagrams(stream, addressOf(host))
  else serveBytes(stream, addressOf(host))
}

/** A bare port is one of its own loopback. */
const addressOf = (host: string): Address =>
  host.includes(':') ? parseAddress(host) : { host: '127.0.0.1', port: Number(host) }

const serveBytes = (stream: EmulatorStream, target: Address): void => {
  const socket = connect({ ...target, allowHalfOpen: true, noDelay: true })
  socket.on('error', () => stream.destroy())
  socket.on('connect', () => joinBoth(inside(stream), socket))
  socket.on('close', () => stream.end())
  stream.on('close', () => socket.destroySoon())
}

const inside = (stream: EmulatorStream): Duplex => {
  const { crypt, compress } = stream.link!
  if (crypt)
    return connectTls({ socket: stream, rejectUnauthorized: false }).on('error', () => stream.destroy())
  return compress ? emulateSnappy(stream) : stream
}

/** The end of either side ends both. */
const joinBoth = (stream: Duplex, socket: Socket): void => {
  stream.pipe(socket)
  socket.pipe(stream)
  stream.on('error', () => socket.destroy()).on('end', () => socket.destroySoon())
}

const serveDatagrams = (stream: EmulatorStream, { host, port }: Address): void => {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  socket.on('message', (message) => stream.send(message)).on('error', () => stream.destroy())
  socket.connect(port, host)
  const early: Uint8Array[] = []
  let isOpen = false
  socket.on('connect', () => {
    isOpen = true
    for (const payload of early) socket.send(payload)
  })
  stream.onDatagram = (payload) => {
    if (isOpen) socket.send(Uint8Array.from(payload))
    else early.push(Uint8Array.from(payload))
  }
  stream
    .on('end', () => stream.end())
    .on('close', () => socket.close())
    .resume()
}

/** To wherever each datagram says; what comes back says where it came from, behind its length. */
const servePackets = (stream: EmulatorStream): void => {
  const socket = createSocket('udp4')
  socket.on('message', (message, { address: host, port }) => {
    const head = encodeSocksDatagram({ fragment: 0, address: { host, port } })
    stream.send(encodeUdp5(Buffer.concat([head, message])))
  })
  stream.onDatagram = (datagram) => {
    const { value, size } = decodeSocksDatagram(datagram)!
    socket.send(Uint8Array.from(datagram.subarray(size)), value.address.port, value.address.host)
  }
  stream
    .on('end', () => stream.end())
    .on('close', () => socket.close())
    .resume()
}
