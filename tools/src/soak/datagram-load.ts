import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '@sluice/wire'
import { Dice } from '../fuzz/dice.ts'
import { openDatagramEcho } from '../fuzz/datagram-client.ts'
import { ssDatagrams } from '../subject/ss-datagrams.ts'
import type { SsLogin } from '../subject/ss-tunnel.ts'
import { Tally } from './tally.ts'

const HOST = '127.0.0.1'
/** Of one session. */
const MOST = 8
const MAX_BYTES = 1200
const ANSWER_MS = 2000

export interface DatagramClients {
  readonly user: string
  readonly login: SsLogin
  /** Who open one session after the other, with a pause in between. */
  readonly clients: number
  readonly pauseMs: number
}

/** Clients that send datagrams to an echo, each session from a port of its own, and the books on what came back. */
export class DatagramLoad {
  readonly user: string
  readonly tally: Tally = new Tally()
  readonly #options: DatagramClients
  readonly #echo: Awaited<ReturnType<typeof openDatagramEcho>>
  readonly #dice = new Dice(2)
  #over = false
  #running: Promise<unknown> = Promise.resolve()

  static async of(options: DatagramClients): Promise<DatagramLoad> {
    return new DatagramLoad(options, await openDatagramEcho())
  }

  private constructor(options: DatagramClients, echo: Awaited<ReturnType<typeof openDatagramEcho>>) {
    this.user = options.user
    this.#options = options
    this.#echo = echo
  }

  /** Until `stop`. */
  start(): void {
    const { clients, pauseMs } = this.#options
    const client = async (): Promise<void> => {
      while (!this.#over) {
        await this.session()
        await sleep(pauseMs)
      }
    }
    this.#running = Promise.all(Array.from({ length: clients }, client))
  }

  async stop(): Promise<void> {
    this.#over = true
    await this.#running
  }

  close(): void {
    this.#echo.close()
  }

  /** One session: some datagrams, each of which waits for its echo, so that none is dropped for coming too fast. */
  async session(): Promise<void> {
    const { login } = this.#options
    const { seal, open } = ssDatagrams(login)
    const target = { host: HOST, port: this.#echo.port }
    const socket = createSocket('udp4').on('error', () => undefined)
    const moved = { clientSent: 0, originGot: 0, originSent: 0, clientGot: 0 }
    try {
      for (let left = 1 + this.#dice.below(MOST); left > 0; left -= 1) {
        const payload = Buffer.from(this.#dice.bytes(1 + this.#dice.below(MAX_BYTES)))
        moved.clientSent += payload.length
        moved.originSent += payload.length
        const answer = await ask(socket, seal(target, payload), { host: HOST, port: login.port })
        const heard = answer && open(answer)
        if (heard === undefined || !payload.equals(heard)) break
        moved.originGot += payload.length
        moved.clientGot += payload.length
      }
    } finally {
      socket.close()
      this.tally.add(moved, moved.clientGot === moved.clientSent)
    }
  }
}

async function ask(socket: Socket, bytes: Uint8Array, to: Address): Promise<Buffer | undefined> {
  const over = new AbortController()
  const answer = once(socket, 'message', { signal: over.signal }) as Promise<[Buffer]>
  socket.send(bytes, to.port, to.host)
  try {
    const heard = await Promise.race([answer, sleep(ANSWER_MS, undefined, { signal: over.signal })])
    return heard?.[0]
  } finally {
    over.abort()
    answer.catch(() => undefined)
  }
}
