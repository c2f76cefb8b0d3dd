import type { SsPlace } from '../subject/ss-users.ts'
import { SsUsers } from '../subject/ss-users.ts'
import { type SsLogin, SsTunnel } from '../subject/ss-tunnel.ts'
import { DatagramLoad } from './datagram-load.ts'
import { type UserName, USERS } from './load.ts'
import type { SoakedDoor } from './soak-door.ts'

/** With these a run of ten minutes has some 100,000 connections. */
const CLIENTS = 20

/** One user for each way to be known, and most methods. */
const WAYS: Readonly<Record<UserName, readonly [place: SsPlace, method?: string]>> = {
  short: ['shared', 'aes-256-gcm'],
  long: ['shared', 'chacha20-ietf-poly1305'],
  halves: ['own', 'aes-128-gcm'],
  aborts: ['identity'],
  idle: ['own', '2022-blake3-chacha20-poly1305'],
  edited: ['shared', 'xchacha20-ietf-poly1305'],
}

export const soakedSsNode: SoakedDoor = {
  app: 'ss-node',
  prepare: async (installed, target) => {
    const users = await SsUsers.of(installed)
    const logins = new Map<string, SsLogin>()
    for (const [name, [place, method]] of Object.entries(WAYS)) {
      logins.set(name, await users.add(name, place, method, USERS[name as UserName]))
    }
    const plain = await users.add('datagrams', 'own', 'aes-256-gcm')
    const timed = await users.add('packets', 'identity')
    return {
      flags: [...users.flags, '--udp-idle', '2', '--allow', '127.0.0.1'],
      secrets: users.secrets,
      clients: CLIENTS,
      datagrams: [
        await DatagramLoad.of({ user: 'datagrams', login: plain, clients: 4, pauseMs: 20 }),
        // A user has 1,024 associations, and these stay for over a minute.
        await DatagramLoad.of({ user: 'packets', login: timed, clients: 1, pauseMs: 100 }),
      ],
      openTunnel: () => (user) => SsTunnel.open(logins.get(user)!, target),
    }
  },
}
