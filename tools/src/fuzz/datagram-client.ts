import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createConnection, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { COMMAND, encodeSocksDatagram } from '@sluice/wire'
import { messagesOf } from '../subject/proxy-client.ts'
import type { Dice } from './dice.ts'
import type { World } from './handshake-case.ts'
import { mutate } from './mutation.ts'

const HOST = '127.0.0.1'
const NOWHERE = { host: '0.0.0.0', port: 0 }
/** Method, status, and the head of the reply up to its port, which is IPv4 as the listener is. */
const PORT_AT = 2 + 2 + 8
/** Of one association. */
const DATAGRAMS = 50
/** How long it stays for answers. */
const ANSWER_MS = 50

/** An origin that says datagrams back. */
export async function openDatagramEcho(): Promise<{ port: number; close: () => void }> {
  const socket = await bound()
  socket.on('message', (bytes, { port, address }) => socket.send(bytes, port, address))
  return { port: socket.address().port, close: () => socket.close() }
}

/** One association, damaged datagrams over it, and its end. @returns how many came back */
export async function playDatagrams(dice: Dice, port: number, world: World, echo: number): Promise<number> {
  const control = createConnection({ port, host: HOST })
  control.on('error', () => undefined)
  const own = await bound()
  let heard = 0
  own.on('message', () => (heard += 1))
  try {
    const relay = await associate(control, world)
    if (relay === undefined) return 0
    for (let sent = 0; sent < DATAGRAMS; sent += 1) {
      const bytes = makeDatagram(dice, echo)
      await new Promise((resolve) => own.send(bytes, relay, HOST, resolve))
    }
    await sleep(ANSWER_MS)
    return heard
  } finally {
    control.destroy()
    own.close()
  }
}

function makeDatagram(dice: Dice, port: number): Uint8Array {
  const host = dice.pick([HOST, HOST, HOST, 'localhost', '::1', '10.0.0.1', 'nobody.invalid'])
  const head = encodeSocksDatagram({ fragment: dice.once(16) ? 1 : 0, address: { host, port } })
  const whole = Buffer.concat([head, dice.bytes(dice.below(1200))])
  return dice.once(3) ? whole : mutate(dice, whole)
}

/** The port to send to, undefined where the door was shut. */
async function associate(control: Socket, { login }: World): Promise<number | undefined> {
  const wish = { protocol: 'socks5', command: COMMAND.UDP_ASSOCIATE, login, target: NOWHERE } as const
  control.write(Buffer.concat(messagesOf(wish)))
  const closed = once(control, 'close')
  let reply = Buffer.alloc(0)
  control.on('data', (chunk) => (reply = Buffer.concat([reply, chunk])))
  while (reply.length < PORT_AT + 2) {
    await Promise.race([once(control, 'data'), closed])
    if (control.destroyed) return undefined
  }
  return reply.readUInt16BE(PORT_AT)
}

async function bound(): Promise<UdpSocket> {
  const socket = createSocket('udp4').on('error', () => undefined)
  await once(socket.bind(0, HOST), 'listening')
  return socket
}
