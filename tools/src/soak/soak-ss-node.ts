import type { SsPlace } from '../subject/ss-users.ts'
import { SsUsers } from '../subject/ss-users.ts'
import { type SsLogin, SsTunnel } from '../subject/ss-tunnel.ts'
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
    return {
      flags: users.flags,
      secrets: users.secrets,
      clients: CLIENTS,
      openTunnel: () => (user) => SsTunnel.open(logins.get(user)!, target),
    }
  },
}
