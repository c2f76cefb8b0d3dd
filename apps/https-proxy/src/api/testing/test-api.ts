import { createHash } from 'node:crypto'
import { createMetrics } from '@sluice/metrics'
import { type Conn, listen, NetError, type Route, straight } from '@sluice/net'
import { Shaper } from '@sluice/ratelimit'
import { createLog, Directory, type Handshake, runSession, ServiceError, Sessions } from '@sluice/service'
import { hashPassword, type Limits, PasswordVerifier, type User, type UserStore } from '@sluice/userstore'
import {
  type Address,
  createRequestHeadDecoder,
  type Decode,
  isHttp2Preface,
  type RequestHead,
} from '@sluice/wire'
import { HeldBytes } from '../../held-bytes.ts'
import { ApiServer } from '../api-server.ts'
import type { ApiSettings } from '../settings.ts'
import { FakeJobs } from './fake-jobs.ts'

export interface TestApiOptions extends Partial<Omit<ApiSettings, 'jobs'>> {
  readonly limits?: Limits
  readonly enabled?: boolean
  /** Where tunnels end. */
  readonly dial?: (target: Address) => Promise<Conn>
}

/** A listener of the API with the session spine behind it, and jobs that a test answers. The user is ada, password horse. */
export interface TestApi extends AsyncDisposable {
  readonly address: Address
  readonly url: string
  readonly jobs: FakeJobs
  readonly sessions: Sessions
  readonly directory: Directory
  readonly server: ApiServer
  readonly settings: ApiSettings
  /** The next lines of the log with this message, in order. */
  line(msg: string): Promise<Record<string, unknown>>
}

export const BASIC: string = `Basic ${Buffer.from('ada:horse').toString('base64')}`
export const TOKEN = 'token-of-ada-0123456789'
const COST = 1

const peeked = (): Decode<RequestHead> => {
  const decode = createRequestHeadDecoder()
  return (bytes) => {
    const decoded = decode(bytes)
    return decoded && { value: decoded.value, size: 0 }
  }
}

const handshakeOf =
  (server: ApiServer): Handshake =>
  async (reader, directory) => {
    if (await reader.read(isHttp2Preface)) return server.h2Handshake(reader, directory)
    return server.handshake(reader, directory, await reader.read(peeked()))
  }

const nowhere = (): Promise<never> => Promise.reject(new NetError('DIAL_FAILED', 'nobody dials here'))

export const openTestApi = async (options: TestApiOptions = {}): Promise<TestApi> => {
  const { limits = {}, enabled = true, dial = nowhere, ...given } = options
  const jobs = new FakeJobs()
  const settings: ApiSettings = {
    jobs,
    via: 'proxy.test',
    version: '1.2.3',
    headMs: 10_000,
    bodyMs: 10_000,
    keepAliveMs: 60_000,
    redirects: 5,
    jsonBytes: { up: 1024 * 1024, down: 1024 * 1024 },
    held: new HeldBytes(64 * 1024 * 1024),
    maxRequestBytes: Infinity,
    isOpen: () => false,
    queue: ({ account }) => ({ user: account.name, waiting: 0 }),
    ...given,
  }
  const journal = new Journal()
  const shaper = new Shaper()
  const hash = await hashPassword('horse', COST)
  const token = createHash('sha256').update(TOKEN).digest('hex')
  const ada: User = {
    id: 'id',
    name: 'ada',
    enabled,
    limits,
    credentials: [
      { kind: 'password', hash },
      { kind: 'token', hash: token },
    ],
  }
  const onError = (error: unknown): void => journal.write(JSON.stringify({ msg: String(error) }))
  const verifier = new PasswordVerifier({ cost: COST })
  const directory = new Directory({ store: storeOf([ada]), shaper, verifier, onError })
  await directory.start()
  const sessions = new Sessions({
    directory,
    log: createLog({ level: 'info', sink: journal }),
    handshakeMs: 10_000,
    idleMs: 3_600_000,
    unauthenticatedPerIp: 1024,
    onInternal: onError,
  })
  const server = new ApiServer(settings)
  const metrics = createMetrics({ app: 'test', version: '0' }).door('proxy')
  const parts = {
    door: 'proxy',
    metrics,
    sessions,
    dial: async (target: Address): Promise<Route> => straight(await dial(target)),
    mayReuse: () => false,
  }
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    onConn: (conn) => void runSession(conn, handshakeOf(server), parts),
    onError,
  })
  return {
    address: listener.address,
    url: `http://127.0.0.1:${listener.address.port}`,
    jobs,
    sessions,
    directory,
    server,
    settings,
    line: (msg) => journal.next(msg),
    [Symbol.asyncDispose]: async () => {
      listener.close()
      sessions.cutAll('SHUTDOWN')
      await sessions.drained()
      server.close()
      directory.stop()
      shaper.close()
    },
  }
}

class Journal {
  readonly #lines: Record<string, unknown>[] = []
  readonly #waiting = new Set<() => void>()

  write(line: string): void {
    this.#lines.push(JSON.parse(line) as Record<string, unknown>)
    for (const look of this.#waiting) look()
  }

  next(msg: string): Promise<Record<string, unknown>> {
    return new Promise((resolve) => {
      const look = (): void => {
        const at = this.#lines.findIndex((line) => line['msg'] === msg)
        if (at < 0) return
        this.#waiting.delete(look)
        resolve(this.#lines.splice(at, 1)[0]!)
      }
      this.#waiting.add(look)
      look()
    })
  }
}

const none = (): Promise<never> => Promise.reject(new ServiceError('INTERNAL', 'this store only lists'))

const storeOf = (users: readonly User[]): UserStore => ({
  installId: 'test',
  list: () => Promise.resolve({ users, used: [] }),
  watch: () => ({ [Symbol.dispose]: () => {} }),
  account: none,
  usage: none,
  history: none,
  sync: none,
  unreported: none,
  report: none,
  add: none,
  update: none,
  remove: none,
  close: () => Promise.resolve(),
})
