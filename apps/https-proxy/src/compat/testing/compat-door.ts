import { createMetrics, type DoorMetrics } from '@sluice/metrics'
import { listen, NetError } from '@sluice/net'
import { Shaper } from '@sluice/ratelimit'
import { createLog, Directory, runSession, Sessions } from '@sluice/service'
import type { Limits, User, UserStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { HeldBytes } from '../../held-bytes.ts'
import { compatAccount, compatHandshake, type CompatSettings } from '../index.ts'
import { FakeJobs } from './fake-jobs.ts'

export interface CompatDoorOptions extends Partial<Omit<CompatSettings, 'jobs' | 'accountFor'>> {
  /** The one whose requests they are; guests are let in where there is none. */
  readonly user?: { readonly name: string; readonly limits?: Limits; readonly enabled?: boolean }
  readonly isClosed?: boolean
}

/** A listener for clients of the original with the session spine behind it, and jobs that the test answers. */
export interface CompatDoor extends AsyncDisposable {
  readonly address: Address
  readonly jobs: FakeJobs
  readonly sessions: Sessions
  readonly directory: Directory
  readonly metrics: DoorMetrics
  /** Lines of the log with this message. */
  lines(msg: string): Record<string, unknown>[]
}

export const openCompatDoor = async (options: CompatDoorOptions = {}): Promise<CompatDoor> => {
  const {
    user,
    isClosed = false,
    keepAlive = false,
    redirects = () => 0,
    held = new HeldBytes(64 << 20),
  } = options
  const jobs = new FakeJobs()
  const logged: string[] = []
  const shaper = new Shaper()
  const store = storeOf(
    user === undefined ? [] : [{ id: 'id', enabled: true, limits: {}, credentials: [], ...user }],
  )
  const directory = new Directory({ store, shaper, onError: (error) => logged.push(String(error)) })
  await directory.start()
  const sessions = new Sessions({
    directory,
    log: createLog({ level: 'info', sink: { write: (line) => void logged.push(line) } }),
    handshakeMs: 10_000,
    idleMs: 3_600_000,
    unauthenticatedPerIp: 1024,
    onInternal: (error) => logged.push(String(error)),
  })
  const metrics = createMetrics({ app: 'test', version: '0' }).door('compat')
  const accountFor = compatAccount({ user: user?.name, isOpen: () => !isClosed })
  const handshake = compatHandshake({
    jobs,
    accountFor,
    keepAlive,
    redirects,
    held,
  })
  const parts = { door: 'compat', metrics, sessions, dial, mayReuse: () => false }
  const listener = await listen({
    host: '127.0.0.1',
    port: 0,
    onConn: (conn) => void runSession(conn, handshake, parts),
    onError: (error) => logged.push(String(error)),
  })
  return {
    address: listener.address,
    jobs,
    sessions,
    directory,
    metrics,
    lines: (msg) => logged.map((line) => JSON.parse(line)).filter((line) => line.msg === msg),
    [Symbol.asyncDispose]: async () => {
      listener.close()
      sessions.cutAll('SHUTDOWN')
      await sessions.drained()
      directory.stop()
      shaper.close()
    },
  }
}

const dial = (): Promise<never> => Promise.reject(new NetError('DIAL_FAILED', 'nobody dials here'))
const none = (): Promise<never> => Promise.reject(new Error('this store only lists'))

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
