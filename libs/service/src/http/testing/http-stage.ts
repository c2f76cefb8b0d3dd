import { AddressPolicy, createDial } from '@sluice/net'
import { encodeBasic } from '@sluice/wire'
import type { Directory } from '../../directory.ts'
import { ScriptedTarget } from '../../testing/scripted-target.ts'
import { TestClient } from '../../testing/test-client.ts'
import { openTestDoor, type TestDoor, type TestDoorOptions, type TestUser } from '../../testing/test-door.ts'
import { Deadlines } from '../forward/deadlines.ts'
import type { Enter, ForwardSettings } from '../forward/settings.ts'
import type { HttpDoor } from '../http.ts'
import { testHttp } from './test-http.ts'

export const ADA: TestUser = { name: 'ada', password: 'horse' }
export const BOB: TestUser = { name: 'bob', password: 'horse' }

export const basic = ({ name, password }: TestUser): string =>
  encodeBasic({ username: Buffer.from(name), password: Buffer.from(password) })

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'

/** A door that speaks HTTP, a target behind it, and time in the test's hands. */
export class HttpStage implements AsyncDisposable {
  readonly door: TestDoor
  readonly target: ScriptedTarget
  readonly #time: { now: number }
  readonly #deadlines: Deadlines
  readonly #clients: TestClient[] = []

  static async open(
    settings: Partial<ForwardSettings> = {},
    more: (directory: Directory) => Partial<HttpDoor> = () => ({}),
    options: Partial<TestDoorOptions> = {},
  ): Promise<HttpStage> {
    const time = { now: 0 }
    const deadlines = new Deadlines(() => time.now)
    const dial = createDial({ policy: new AddressPolicy(['127.0.0.0/8']) })
    const handshake = testHttp({ deadlines, ...settings }, more)
    const door = await openTestDoor(handshake, { users: [ADA, BOB], dial, ...options })
    return new HttpStage(door, await ScriptedTarget.open(), time, deadlines)
  }

  private constructor(door: TestDoor, target: ScriptedTarget, time: { now: number }, deadlines: Deadlines) {
    this.door = door
    this.target = target
    this.#time = time
    this.#deadlines = deadlines
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close()
    await this.door.close()
    this.target[Symbol.dispose]()
  }

  /** A client that has said `text`. */
  async client(text: string, half = false): Promise<TestClient> {
    const client = await TestClient.connect(this.door.address, { half })
    this.#clients.push(client)
    client.send(Buffer.from(text, 'latin1'))
    return client
  }

  /** A request to the target. */
  get(more: string = `Proxy-Authorization: ${basic(ADA)}\r\n`, method = 'GET'): string {
    return `${method} http://${this.target.authority}/ HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  }

  connect(more: string = `Proxy-Authorization: ${basic(ADA)}\r\n`): string {
    return `CONNECT ${this.target.authority} HTTP/1.1\r\nHost: x\r\n${more}\r\n`
  }

  /** Moves the clock, and has it looked at. */
  pass(ms: number): void {
    this.#time.now += ms
    this.#deadlines.sweep()
  }

  /** Lines of the log with this message. */
  lines(msg: string): Record<string, unknown>[] {
    const all = this.door.lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    return all.filter((line) => line['msg'] === msg)
  }
}

/** Waits until the client has got `sign` behind its first `skip` bytes. @returns all behind those */
export const heard = async (client: TestClient, sign: string, skip = 0): Promise<string> => {
  for (;;) {
    const text = client.received.toString('latin1').slice(skip)
    if (text.includes(sign)) return text
    if (client.over) throw new Error(`over: ${text}`)
    await client.take(client.received.length + 1)
  }
}

/** One who waits for a turn. */
export interface Waiting {
  readonly user: string | undefined
  readonly protocol: string
  readonly bytes: number
  readonly signal: AbortSignal
  /** It is their turn. */
  admit(): void
  refuse(error: Error): void
}

/** A queue in which nobody's turn comes before the test says so. */
export class TestQueue {
  readonly waiting: Waiting[] = []
  /** Slots that were given, and of those, that were disposed of. */
  given = 0
  freed = 0
  readonly #arrivals: ((waiting: Waiting) => void)[] = []
  #seen = 0

  readonly enter: Enter = (caller, bytes, signal) =>
    new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      const admit = (): void => {
        this.given += 1
        resolve({ [Symbol.dispose]: () => void (this.freed += 1) })
      }
      const { account, protocol } = caller
      const waiting = { user: account.name, protocol, bytes, signal, admit, refuse: reject }
      this.waiting.push(waiting)
      this.#arrivals.shift()?.(waiting)
    })

  /** The next who comes, in order. */
  async next(): Promise<Waiting> {
    const there = this.waiting[this.#seen]
    this.#seen += 1
    return there ?? new Promise((resolve) => this.#arrivals.push(resolve))
  }
}
