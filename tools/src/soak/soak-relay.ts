import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { newIdentity, openCircuit, RelayDestination, type RelayIdentity } from '../subject/relay-client.ts'
import { USERS } from './load.ts'
import type { SoakedDoor } from './soak-door.ts'

/** Those who come and go, each with a reservation for one second. */
const GUESTS = 8
const GUEST_MS = 1000

/** Sources of all kinds, for whom one peer is the way to the origin, and peers that hold reservations for a while. */
export const soakedRelay: SoakedDoor = {
  app: 'relay',
  prepare: async (installed) => {
    const sources = new Map<string, RelayIdentity>()
    const secrets: string[] = []
    const add = async (name: string, flags: readonly string[]): Promise<RelayIdentity> => {
      const token = randomBytes(16).toString('hex')
      secrets.push(token)
      await installed.command(['user', 'add', name, '--token-stdin', ...flags], `${token}\n`)
      return newIdentity(token)
    }
    for (const [name, flags] of Object.entries(USERS)) sources.set(name, await add(name, flags))
    const origin = await add('origin', [])
    return {
      flags: [
        ...['--listen', 'tcp://127.0.0.1:0', '--preset', 'private', '--circuit-idle-timeout', '10'],
        ...['--ping-interval', '2'],
      ],
      secrets,
      clients: 8,
      datagrams: [],
      serveOrigin: async (subject, take) => {
        await RelayDestination.open(subject.port('tcp'), origin, (socket) => take(socket.resume()))
      },
      visit: (subject) => comeAndGo(subject.port('tcp'), origin),
      openTunnel: (subject) => (user) => openCircuit(subject.port('tcp'), sources.get(user)!, origin),
    }
  },
}

/** @returns what ends it */
const comeAndGo = (port: number, { token }: RelayIdentity): (() => Promise<void>) => {
  const over = new AbortController()
  const guest = async (nth: number): Promise<void> => {
    const identity = { ...newIdentity(), token }
    while (!over.signal.aborted) {
      const held = await RelayDestination.open(port, identity, (socket: Socket) => socket.destroy())
      await new Promise((resolve) => setTimeout(resolve, GUEST_MS + nth * 10))
      held.close()
    }
  }
  const guests = Array.from({ length: GUESTS }, (_, nth) => guest(nth))
  return async () => {
    over.abort()
    await Promise.allSettled(guests)
  }
}
