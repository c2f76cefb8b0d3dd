import { isSecure, type SsKey } from '@sluice/wire/shadowsocks'
import { SHARED_PORT, type SsUser } from './ss-user.ts'
import type { TimeSlices } from './time-slices.ts'
import type { Unserved, UnservedReason } from './unserved.ts'

/** What decides who is served where, besides the users. */
export interface PlanSettings {
  /** The port of users without one of their own; 0: any that is free. Who has it as their own shares it too. */
  readonly sharedPort: number | undefined
  /** Keys of servers by port: clients say there in an identity header who they are (SIP023). */
  readonly serverKeys: ReadonlyMap<number, SsKey>
  /** Whether methods that protect nothing are served. */
  readonly insecureMethods: boolean
}

/** Who is served on a port. */
export interface PortPlan {
  readonly users: readonly SsUser[]
  readonly serverKey: SsKey | undefined
}

export interface Plan {
  readonly ports: ReadonlyMap<number, PortPlan>
  readonly unserved: readonly Unserved[]
}

/**
 * Shares out the ports. On a port there is either one user, with whatever method; or any number with AEAD methods of 2017,
 * told apart by trial; or, with a server's key, any number of its 2022 method. Who is served already stays, then those who
 * are enabled come first, then the order of the users counts. In slices: thousands of users take tens of ms.
 */
export const planPorts = async (
  users: readonly SsUser[],
  settings: PlanSettings,
  slices: TimeSlices,
): Promise<Plan> => {
  const unserved: Unserved[] = []
  const numberOf = (port: number): number => (port === settings.sharedPort ? SHARED_PORT : port)
  const serverKeys = new Map([...settings.serverKeys].map(([port, key]) => [numberOf(port), key]))
  const wanted = new Map<number, SsUser[]>([...serverKeys.keys()].map((port) => [port, []]))
  if (settings.sharedPort !== undefined) wanted.set(SHARED_PORT, [])
  for (const user of inOrder(users)) {
    if (slices.isOver) await slices.pause()
    const port = numberOf(user.port)
    if (!settings.insecureMethods && !isSecure(user.method)) {
      unserved.push(unservedUser(user, 'METHOD_INSECURE'))
    } else if (wanted.has(port)) wanted.get(port)!.push(user)
    else if (port === SHARED_PORT) unserved.push(unservedUser(user, 'PORT_MISSING'))
    else wanted.set(port, [user])
  }
  const ports = new Map<number, PortPlan>()
  for (const [port, candidates] of wanted) {
    const serverKey = serverKeys.get(port)
    ports.set(port, { users: await choose(candidates, serverKey, unserved, slices), serverKey })
  }
  return { ports, unserved }
}

const inOrder = (users: readonly SsUser[]): SsUser[] => {
  const ranks: SsUser[][] = [[], [], []]
  for (const user of users) ranks[rankOf(user)]!.push(user)
  return ranks.flat()
}

const rankOf = ({ served, account }: SsUser): number => {
  if (!account.user.enabled) return 2
  return served ? 0 : 1
}

const choose = async (
  candidates: readonly SsUser[],
  serverKey: SsKey | undefined,
  unserved: Unserved[],
  slices: TimeSlices,
): Promise<SsUser[]> => {
  const chosen = new Map<string, SsUser>()
  const first = candidates[0]
  for (const user of candidates) {
    if (slices.isOver) await slices.pause()
    const { identity } = user
    const other = chosen.get(identity)
    if (other !== undefined) unserved.push(unservedUser(user, 'SECRET_TAKEN', other))
    else if (user === first ? fits(user, serverKey) : canShare(user, first!, serverKey)) {
      chosen.set(identity, user)
    } else unserved.push(unservedUser(user, 'PORT_TAKEN', serverKey === undefined ? first : undefined))
  }
  return [...chosen.values()]
}

const fits = (user: SsUser, serverKey: SsKey | undefined): boolean =>
  serverKey === undefined || user.method === serverKey.method

const canShare = (user: SsUser, first: SsUser, serverKey: SsKey | undefined): boolean =>
  serverKey === undefined
    ? user.method.kind === 'aead' && first.method.kind === 'aead'
    : user.method === serverKey.method

const unservedUser = ({ name, port }: SsUser, reason: UnservedReason, other?: SsUser): Unserved => ({
  name,
  port: port === SHARED_PORT ? undefined : port,
  reason,
  detail: other && `by ${other.name}`,
})
