import { createMetrics, type DoorMetrics } from '@sluice/metrics'
import { type Dial, listen, straight } from '@sluice/net'
import { Shaper } from '@sluice/ratelimit'
import { hashPassword, type Limits, PasswordVerifier, type User, type UserStore } from '@sluice/userstore'
import type { Address } from '@sluice/wire'
import { Directory } from '../directory.ts'
import { createLog } from '../log.ts'
import type { CallerDial, Handshake } from '../request.ts'
import { runSession } from '../session.ts'
import { Sessions } from '../sessions.ts'
import type { SignInGuard } from '../sign-in-guard.ts'
import { OWN_HOST } from './own-loopback.ts'

/** Who signs in. */
export interface Login {
  readonly name: string | Uint8Array
  readonly password: string | Uint8Array
}

/** A user of the test; `cost` is scrypt's, so low that a check takes no time. */
export interface TestUser extends Login {
  readonly name: string
  readonly limits?: Limits
  readonly enabled?: boolean
  readonly expiresAt?: number
}

export interface TestDoorOptions {
  readonly users: readonly TestUser[]
  readonly dial: Dial
  readonly handshakeMs?: number
  readonly idleMs?: number
  readonly unauthenticatedPerIp?: number
  readonly verifier?: PasswordVerifier
  readonly guard?: SignInGuard
}

/** The `session.end` line of the log. */
export interface End {
  readonly time: number
  readonly client: string
  readonly target?: string
  readonly user?: string
  readonly code: string
  readonly up: number
  readonly down: number
}

/** Its place among all that ended, or whose it was: the port, and when it began at the earliest. */
export type WhichEnd = { readonly nth: number } | { readonly port: number; readonly since: number }

/** One listener on loopback with the session spine behind it, and nothing else of a program. */
export interface TestDoor {
  readonly address: Address
  readonly sessions: Sessions
  readonly metrics: DoorMetrics
  /** All that was logged, as it was written. */
  readonly lines: readonly string[]
  end(which: WhichEnd): Promise<End>
  /** How many have ended. */
  readonly ended: number
  close(): Promise<void>
}

const COST = 1

/** A user as a store has them. */
export const storedUser = async (user: TestUser): Promise<User> => ({
  id: user.name,
  name: user.name,
  enabled: user.enabled ?? true,
  limits: user.limits ?? {},
  credentials: [{ kind: 'password', hash: await hashPassword(user.password, COST) }],
  ...(user.expiresAt !== undefined && { expiresAt: user.expiresAt }),
})

const none = (): Promise<never> => Promise.reject(new Error('this store only lists'))

const memoryStore = (users: readonly User[]): UserStore => {
  return {
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
  }
}

/** Opens a door that leads its conns through `handshake`; close it when the test is over. */
export const openTestDoor = async (handshake: Handshake, options: TestDoorOptions): Promise<TestDoor> => {
  const journal = new Journal()
  const shaper = new Shaper()
  const directory = new Directory({
    store: memoryStore(await Promise.all(options.users.map(storedUser))),
    shaper,
    verifier: options.verifier ?? new PasswordVerifier({ cost: COST }),
    ...(options.guard && { guard: options.guard }),
    onError: (error) => journal.write(String(error)),
  })
  await directory.start()
  const sessions = new Sessions({
    directory,
    log: createLog({ level: 'trace', sink: journal }),
    handshakeMs: options.handshakeMs ?? 10_000,
    idleMs: options.idleMs ?? 3_600_000,
    unauthenticatedPerIp: options.unauthenticatedPerIp ?? 1024,
    onInternal: () => {},
  })
  const metrics = createMetrics({ app: 'test', version: '0' }).door('test')
  const parts = {
    door: 'test',
    metrics,
    sessions,
    dial: (async (target, signal) => straight(await options.dial(target, signal))) satisfies CallerDial,
    mayReuse: () => true,
  }
  const listener = await listen({
    host: OWN_HOST,
    port: 0,
    onConn: (conn) => void runSession(conn, handshake, parts),
    onError: (error) => journal.write(String(error)),
  })
  return {
    address: listener.address,
    sessions,
    metrics,
    lines: journal.lines,
    end: (which) => journal.end(which),
    get ended() {
      return journal.ends.length
    },
    close: async () => {
      listener.close()
      sessions.cutAll('SHUTDOWN')
      await sessions.drained()
      directory.stop()
      shaper.close()
    },
  }
}

/** The log, and who waits for a session to end. */
export class Journal {
  readonly lines: string[] = []
  readonly ends: End[] = []
  readonly #waiting = new Set<() => void>()

  write(line: string): void {
    this.lines.push(line)
    if (!line.includes('"session.end"')) return
    this.ends.push(JSON.parse(line) as End)
    for (const check of this.#waiting) check()
  }

  /** How a session ended, or will. */
  end(which: WhichEnd): Promise<End> {
    const isIt = (end: End): boolean =>
      'port' in which && end.client.endsWith(`:${which.port}`) && end.time >= which.since
    const find = (): End | undefined => ('nth' in which ? this.ends[which.nth] : this.ends.find(isIt))
    return new Promise((resolve) => {
      const check = (): void => {
        const end = find()
        if (end === undefined) return
        this.#waiting.delete(check)
        resolve(end)
      }
      this.#waiting.add(check)
      check()
    })
  }
}
