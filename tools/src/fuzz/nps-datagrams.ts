import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { hex } from '../../../libs/wire/src/testing/hex.ts'
import { meetings } from '../../../libs/wire/src/testing/npc-vectors.ts'
import type { Dice } from './dice.ts'
import { mutate } from './mutation.ts'
import type { NpsPrepared } from './nps-world.ts'

const SENT = 20
const STAY_MS = 50
const HOST = '127.0.0.1'

/** One visitor with datagrams to tunnels, and with meetings. @returns how many came back */
export async function playNpsDatagrams(dice: Dice, { ports }: Pick<NpsPrepared, 'ports'>): Promise<number> {
  const socket = createSocket('udp4').on('error', () => undefined)
  let heard = 0
  socket.on('message', () => (heard += 1))
  const places = [ports.udp, ports.victimUdp, ports.p2p, ports.p2p + 1, ports.p2p + 2]
  try {
    for (let sent = 0; sent < SENT; sent += 1) {
      const [meeting] = dice.pick(meetings)
      const bytes = dice.once(3) ? dice.bytes(dice.below(1400)) : mutate(dice, hex(meeting))
      await new Promise((resolve) => socket.send(bytes, dice.pick(places), HOST, resolve))
    }
    await sleep(STAY_MS)
    return heard
  } finally {
    socket.close()
  }
}
