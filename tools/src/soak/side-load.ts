import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Credentials } from '@sluice/wire'
import { Dice } from '../fuzz/dice.ts'
import { askCompat, askForward } from '../subject/https-client.ts'
import { openHttpsTunnel } from '../subject/https-tunnel.ts'
import { Tally } from './tally.ts'

const MAX_BYTES = 50_000
const PAUSE_MS = 50
/** How long somebody stays who reads nothing. */
const DEAF_MS = 2000

export interface SideLoadOptions {
  /** Whose requests in frames are. */
  readonly user: string
  /** Who asks otherwise, in nobody's books. */
  readonly login: Credentials
  /** Of the origin, with a slash at its end. */
  readonly url: string
}

/** Where they come to. */
export interface SidePorts {
  readonly proxy: number
  readonly compat: number
}

/** Clients whose requests carry no bytes both ways: in frames, with books on these; forwarded; and some who read nothing. */
export class SideLoad {
  readonly user: string
  readonly tally: Tally = new Tally()
  readonly #options: SideLoadOptions
  readonly #dice = new Dice(3)
  #over = false

  constructor(options: SideLoadOptions) {
    this.user = options.user
    this.#options = options
  }

  /** @returns what ends it, once all is answered */
  start({ proxy, compat }: SidePorts): () => Promise<void> {
    const { login, url } = this.#options
    const at = { port: proxy, login }
    const clients = [
      ...[1, 2].map(() => this.#repeat(() => this.#frames(compat))),
      this.#repeat(() => askForward(at, `${url}plain`)),
      this.#repeat(() => stayDeaf(() => openHttpsTunnel('stream', at, `${url}endless`))),
      this.#repeat(() => stayDeaf(() => openHttpsTunnel('h2', at, `${url}endless`))),
    ]
    return async () => {
      this.#over = true
      await Promise.all(clients)
    }
  }

  /** The origin's part. @returns whether it is one of these */
  answer(request: IncomingMessage, response: ServerResponse): boolean {
    const bytes = /^\/frames\?(\d+)$/.exec(request.url ?? '')?.[1]
    if (bytes === undefined && request.url === '/') return false
    request.resume()
    if (request.url === '/endless') pour(response)
    else request.on('end', () => response.end('x'.repeat(Number(bytes ?? 10))))
    return true
  }

  async #repeat(act: () => Promise<unknown>): Promise<void> {
    while (!this.#over) {
      await act()
      await sleep(PAUSE_MS)
    }
  }

  /** @throws Error for another answer than that of the origin */
  async #frames(port: number): Promise<void> {
    const [up, down] = [this.#dice.below(MAX_BYTES), 1 + this.#dice.below(MAX_BYTES)]
    const wish = { url: `${this.#options.url}frames?${down}`, post_data: 'y'.repeat(up) }
    const { body } = await askCompat(port, wish)
    if (body !== 'x'.repeat(down)) throw new Error(`compat: ${body.slice(0, 100)}`)
    this.tally.add({ clientSent: up, originGot: up, originSent: down, clientGot: down }, true)
  }
}

const pour = (response: ServerResponse): void => {
  const block = Buffer.alloc(16 * 1024)
  const more = (): void => {
    while (response.write(block));
  }
  response.on('drain', more).on('error', () => undefined)
  more()
}

const stayDeaf = async (open: () => ReturnType<typeof openHttpsTunnel>): Promise<void> => {
  const tunnel = open()
  const closed = once(tunnel, 'close')
  tunnel.end()
  await sleep(DEAF_MS)
  tunnel.resetAndDestroy()
  await closed
}
