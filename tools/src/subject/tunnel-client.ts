import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { TunnelClient } from '@sluice/nps-server/client'

/** Runs a command of nps-server with `--json`. @returns what that prints */
export type Tell = (...words: string[]) => Promise<unknown>

/** One client of nps-server, whose program comes and goes with the conns of its visitors, and its tunnel. */
export class TunnelSubject {
  #enrolment = ''

  /** @param bridge its port on loopback @param origin port that the tunnel leads to, through the program in this process */
  async prepare(tell: Tell, { user, bridge, origin }: Prepared): Promise<void> {
    const server = ['--server', `127.0.0.1:${bridge}`]
    const client = (await tell('client', 'add', '--user', user, ...server)) as { enroll: string }
    this.#enrolment = client.enroll
    const place = ['--listen', '127.0.0.1:0', '--target', `127.0.0.1:${origin}`]
    await tell('tunnel', 'add', '--client', '1', '--mode', 'tcp', ...place)
  }

  /** A visitor. */
  async visit(port: number): Promise<Socket> {
    const up = Promise.withResolvers<void>()
    const client = new TunnelClient({
      enrolment: this.#enrolment,
      graceMs: 1,
      events: { up: () => up.resolve() },
    })
    client.start()
    await Promise.race([up.promise, client.ended])
    const socket = connect(port, '127.0.0.1')
    socket.on('close', () => void client.stop())
    await once(socket, 'connect')
    return socket
  }

  /** What visitors were sent in all, as client and tunnel have it booked. */
  async booked(tell: Tell): Promise<Record<string, number>> {
    const [client, tunnel] = (await Promise.all([
      tell('client', 'show', '1'),
      tell('tunnel', 'show', '1'),
    ])) as Flow[]
    return { client: client?.export ?? 0, tunnel: tunnel?.export ?? 0 }
  }
}

interface Prepared {
  readonly user: string
  readonly bridge: number
  readonly origin: number
}

interface Flow {
  readonly export: number
}
