import { once } from 'node:events'
import { createServer } from 'node:http'
import { createConnection } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Conn, createDial, createResolver } from '@sluice/net'
import { TunnelClient } from '@sluice/nps-server/client'
import { type Address, formatAddress } from '@sluice/wire'
import { openDatagramEcho } from '../fuzz/datagram-client.ts'
import { openEcho, portOf } from '../subject/echo.ts'
import { freePort } from '../subject/free-port.ts'
import type { Installed } from '../subject/install.ts'
import { addNpsClient, askDatagram, askEcho, askHost, type NpsClient } from '../subject/nps-client.ts'
import type { Subject } from '../subject/subject.ts'
import { USERS } from './load.ts'
import type { SoakedDoor } from './soak-door.ts'

const HOST = '127.0.0.1'
const GUEST_HOST = 'guest.example'
const GUESTS = 4
/** Between two losses of an agent's connection, and two edits. */
const LOSS_MS = 3000
const EDIT_MS = 1000
const RETRY_MS = 200
/** An agent that was cut off is back after that. */
const BACK_MS = 30_000

/** One client and one tunnel for each user; and a client of nobody, whose visitors have to bear more. */
export const soakedNpsServer: SoakedDoor = {
  app: 'nps-server',
  prepare: async (installed, target) => {
    const bridge = await freePort()
    const ports = new Map<string, number>()
    const clients = new Map<string, NpsClient>()
    for (const [name, flags] of Object.entries(USERS)) {
      await installed.command(['user', 'add', name, ...flags, ...PASSWORDLESS], 'password of nobody\n')
      const client = await addNpsClient(installed, bridge, ['--user', name])
      clients.set(name, client)
      ports.set(name, await addTunnel(installed, client, 'tcp', target))
    }
    const guest = await Guest.prepare(installed, await addNpsClient(installed, bridge))
    const agents = [...clients.values()].map(({ enroll }) => new TunnelClient({ enrolment: enroll }))
    return {
      flags: [
        '--bridge',
        `${HOST}:${bridge}`,
        '--http',
        `${HOST}:0`,
        '--udp-idle',
        '2',
        '--keep-alive-timeout',
        '2',
      ],
      secrets: [...clients.values()].map(({ vkey }) => vkey),
      clients: 12,
      datagrams: [],
      serveOrigin: async (subject) => {
        for (const agent of [...agents, guest.agent]) await isUp(agent)
        await guest.askAll(subject)
      },
      visit: (subject) => guest.visit(subject),
      openTunnel: () => async (user) => {
        const port = ports.get(user)!
        const socket = createConnection({ port, host: HOST, allowHalfOpen: true, noDelay: true })
        socket.on('error', () => undefined)
        await once(socket, 'connect')
        return socket
      },
      booked: () => Promise.all([...clients].map(([name, { id }]) => flowOf(installed, name, id))),
      close: () => {
        guest.close()
        for (const agent of agents) end(agent)
      },
    }
  },
}

const PASSWORDLESS = ['--password-stdin']

const addTunnel = async (
  installed: Installed,
  { id }: NpsClient,
  mode: string,
  target: Address,
): Promise<number> => {
  const port = await freePort()
  const place = ['--listen', `${HOST}:${port}`, '--target', formatAddress(target)]
  await installed.command(['tunnel', 'add', '--client', String(id), '--mode', mode, ...place])
  return port
}

/** What is counted for the client itself. */
const flowOf = async (
  installed: Installed,
  name: string,
  id: number,
): Promise<{ name: string; up: number; down: number }> => {
  const shown = await installed.command(['client', 'show', String(id), '--json'])
  const { inlet, export: down } = JSON.parse(shown) as { inlet: number; export: number }
  return { name, up: inlet, down }
}

const isUp = async (agent: TunnelClient): Promise<void> => {
  agent.start()
  await patiently(() =>
    agent.status.server === undefined
      ? Promise.reject(new Error('an agent does not come up'))
      : Promise.resolve(),
  )
}

const end = (agent: TunnelClient): void => {
  void agent.stop().catch(() => undefined)
  agent.hurry()
}

/** @throws what `act` throws to the end */
const patiently = async (act: () => Promise<void>): Promise<void> => {
  for (const endsAt = performance.now() + BACK_MS; ; await sleep(RETRY_MS)) {
    try {
      return await act()
    } catch (error) {
      if (performance.now() > endsAt) throw error
    }
  }
}

interface GuestParts {
  readonly client: NpsClient
  readonly ports: Readonly<Record<'tcp' | 'udp' | 'spare', number>>
  readonly installed: Installed
  readonly closers: readonly (() => void)[]
}

/** A client whose agent loses its connection now and then, whose tunnels change, and who has datagrams and a host, too. */
class Guest {
  readonly agent: TunnelClient
  readonly #parts: GuestParts
  #carrier: Conn | undefined = undefined
  #isOver = false

  static async prepare(installed: Installed, client: NpsClient): Promise<Guest> {
    const echo = await openEcho()
    const datagrams = await openDatagramEcho()
    const web = createServer((request, response) => void response.end(request.url))
    const target = { host: HOST, port: await portOf(web) }
    const ports = {
      tcp: await addTunnel(installed, client, 'tcp', { host: HOST, port: echo.port }),
      udp: await addTunnel(installed, client, 'udp', { host: HOST, port: datagrams.port }),
      spare: await freePort(),
    }
    const place = ['--host', GUEST_HOST, '--target', formatAddress(target)]
    await installed.command(['host', 'add', '--client', String(client.id), ...place])
    const closers = [() => echo.close(), () => datagrams.close(), () => web.close()]
    return new Guest({ client, ports, installed, closers })
  }

  private constructor(parts: GuestParts) {
    this.#parts = parts
    const dial = createDial({ policy: { check: () => {} }, resolver: createResolver() })
    this.agent = new TunnelClient({
      enrolment: parts.client.enroll,
      dial: async (...to) => (this.#carrier = await dial(...to)),
    })
  }

  close(): void {
    end(this.agent)
    for (const close of this.#parts.closers) close()
  }

  async askAll(subject: Subject): Promise<void> {
    const { tcp, udp } = this.#parts.ports
    await patiently(async () => {
      await askEcho(tcp)
      await askDatagram(udp)
      await askHost(subject.port('http'), GUEST_HOST, false)
    })
  }

  /** @returns what ends it, and then asks once more @throws Error where nobody is served any more */
  visit(subject: Subject): () => Promise<void> {
    const { tcp, udp } = this.#parts.ports
    const asked = [
      () => askEcho(tcp),
      () => askDatagram(udp),
      () => askHost(subject.port('http'), GUEST_HOST, false),
    ]
    const visitors = asked.flatMap((ask) => Array.from({ length: GUESTS }, () => this.#visitor(ask)))
    const others = [this.#loseCarriers(), this.#edit()]
    return async () => {
      this.#isOver = true
      await Promise.all([...visitors, ...others])
      await this.askAll(subject)
    }
  }

  /** Comes again and again: between two connections of the agent it is refused. */
  async #visitor(ask: () => Promise<unknown>): Promise<void> {
    while (!this.#isOver) {
      await ask().catch(() => undefined)
      await sleep(RETRY_MS)
    }
  }

  async #loseCarriers(): Promise<void> {
    for (; !this.#isOver; await sleep(LOSS_MS)) this.#carrier?.destroy()
  }

  async #edit(): Promise<void> {
    const { installed, client, ports } = this.#parts
    const id = String(client.id)
    for (let round = 0; !this.#isOver; round += 1) {
      await installed.command(['client', 'set', id, '--down', round % 2 === 0 ? '1MB/s' : 'none'])
      const listen = ['--listen', `${HOST}:${ports.spare}`, '--target', '1', '--json']
      const added = await installed.command(['tunnel', 'add', '--client', id, '--mode', 'tcp', ...listen])
      await sleep(EDIT_MS)
      const found: unknown = JSON.parse(added)
      const [tunnel] = (Array.isArray(found) ? found : [found]) as { id: number }[]
      await installed.command(['tunnel', 'remove', String(tunnel!.id)])
    }
  }
}
