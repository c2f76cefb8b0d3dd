import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Address } from '@sluice/wire'
import { portOf } from '../subject/echo.ts'
import { HttpTunnel } from '../subject/http-tunnel.ts'
import { type HttpsWay, openHttpsTunnel } from '../subject/https-tunnel.ts'
import { loginOf, openTunnel } from '../subject/proxy-client.ts'
import type { Tunnel } from './exchange.ts'
import { USERS, type UserName } from './load.ts'
import { SideLoad } from './side-load.ts'
import type { SoakedDoor } from './soak-door.ts'

const SIDE = 'side'
const COMPAT = 'compat'

type Way = HttpsWay | 'connect'

/** How each comes: what breaks off within a body, or has nothing to say, is none for JSON. */
const WAYS: Readonly<Record<UserName, readonly Way[]>> = {
  short: ['stream', 'h2', 'json', 'connect'],
  long: ['stream', 'h2', 'connect'],
  halves: ['stream', 'h2', 'connect'],
  aborts: ['stream', 'h2', 'connect'],
  idle: ['connect'],
  edited: ['stream', 'connect'],
}

/** Clients of the API, of the proxy and of the frames, and an origin of HTTP for all but the tunnels. */
export const soakedHttpsProxy: SoakedDoor = {
  app: 'https-proxy',
  share: 0.25,
  prepare: async (installed, tunnelled) => {
    const password = randomBytes(12).toString('hex')
    for (const [name, flags] of Object.entries({ ...USERS, [SIDE]: [], [COMPAT]: [] }))
      await installed.addUser(name, password, flags)
    const origin = createServer({ keepAliveTimeout: 1000 })
    const url = `http://127.0.0.1:${await portOf(origin)}/`
    origin.unref()
    const side = new SideLoad({ user: COMPAT, login: loginOf(SIDE, password), url })
    return {
      flags: [
        ...['--listen', '127.0.0.1:0', '--compat', '127.0.0.1:0', '--compat-user', COMPAT],
        ...['--allow', '127.0.0.1', '--keep-alive-timeout', '2', '--request-timeout', '10', '--slots', '24'],
        ...['--breaker', '0'],
      ],
      secrets: [password],
      clients: 6,
      datagrams: [],
      others: [side],
      serveOrigin: async (_subject, take) => {
        origin.on('request', (request: IncomingMessage, response: ServerResponse) => {
          if (!side.answer(request, response)) take(originTunnel(request, response))
        })
      },
      visit: (subject) => side.start({ proxy: subject.port('proxy'), compat: subject.port('compat') }),
      openTunnel: (subject) => (user, dice) => {
        const at = { port: subject.port('proxy'), login: loginOf(user, password) }
        return openWay(dice.pick(WAYS[user]), at, { url, tunnelled })
      },
    }
  },
}

const openWay = (
  way: Way,
  { port, login }: Parameters<typeof openHttpsTunnel>[1],
  { url, tunnelled }: { url: string; tunnelled: Address },
): Promise<Tunnel> =>
  way === 'connect'
    ? openTunnel(port, { protocol: 'connect', login, target: tunnelled })
    : Promise.resolve(openHttpsTunnel(way, { port, login }, url))

/** The origin's end of an exchange: an answer does not end before its request, which would end that as well. */
const originTunnel = (request: IncomingMessage, response: ServerResponse): Tunnel => {
  const endsAfter = Promise.race([once(request, 'end'), once(response, 'close')]).catch(() => undefined)
  const tunnel = new HttpTunnel({
    up: response,
    endsAfter,
    reset: () => {
      if (!request.socket.destroyed) request.socket.resetAndDestroy()
    },
  })
  tunnel.attach(request)
  response.flushHeaders()
  return tunnel
}
