import { randomBytes } from 'node:crypto'
import { loginOf, openTunnel, PROTOCOLS } from '../subject/proxy-client.ts'
import { USERS } from './load.ts'
import type { SoakedDoor } from './soak-door.ts'

/** Clients of every protocol, at both listeners. */
export const soakedRemoteProxy: SoakedDoor = {
  app: 'remote-proxy',
  prepare: async (installed, target) => {
    const password = randomBytes(12).toString('hex')
    for (const [name, flags] of Object.entries(USERS)) await installed.addUser(name, password, flags)
    return {
      flags: ['--http', '127.0.0.1:0', '--socks', '127.0.0.1:0', '--allow', '127.0.0.1'],
      secrets: [password],
      clients: 4,
      datagrams: [],
      openTunnel: (subject) => (user, dice) => {
        const port = subject.port(dice.pick(['socks', 'http']))
        return openTunnel(port, { protocol: dice.pick(PROTOCOLS), login: loginOf(user, password), target })
      },
    }
  },
}
