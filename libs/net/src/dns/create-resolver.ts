import { isIP } from 'node:net'
import { Line } from './line.ts'
import type { IpFamily, NameSource } from './name-source.ts'
import { Resolver, type ResolverOptions } from './resolver.ts'
import { serverNames } from './server-names.ts'
import { type LookupAll, systemNames } from './system-names.ts'

export interface CreateResolverOptions extends Pick<ResolverOptions, 'clock' | 'onLookup' | 'onHit'> {
  /** `IP`, `IP:PORT` or `[IPv6]:PORT` each. @default none: the system is asked */
  readonly servers?: readonly string[] | undefined
  /** Whose addresses are tried first. @default as the source gave them */
  readonly prefer?: IpFamily | undefined
  /** Names lead only to addresses of this family. @default both */
  readonly only?: IpFamily | undefined
  /** @default getaddrinfo */
  readonly lookup?: LookupAll
}

const LOOPBACK: Readonly<Record<IpFamily, string>> = { ipv4: '127.0.0.1', ipv6: '::1' }
const LOCALHOST = /^(?:.+\.)?localhost\.?$/

/**
 * With name servers given they are asked for every name that has a dot. Names without one are the system's, its hosts
 * file among them, and `localhost` with all below it is loopback whatever anyone says (RFC 6761 §6.3).
 */
export const createResolver = (options: CreateResolverOptions = {}): Resolver => {
  const { servers = [], prefer, only, lookup } = options
  const system = systemNames({ only, ...(lookup && { lookup }) })
  const named = servers.length === 0 ? system : serverNames({ servers, only })
  const local = loopback(only)
  const sourceOf = (name: string): NameSource => {
    if (servers.length === 0) return system
    if (LOCALHOST.test(name)) return local
    return name.includes('.') ? named : system
  }
  return new Resolver({ ...options, sourceOf, order: (ips) => preferred(ips, prefer) })
}

const loopback = (only: IpFamily | undefined): NameSource => {
  const ips = only === undefined ? Object.values(LOOPBACK) : [LOOPBACK[only]]
  return { line: new Line(Infinity, 0), ask: () => Promise.resolve({ ips, ttlMs: Infinity }) }
}

const preferred = (ips: readonly string[], family: IpFamily | undefined): readonly string[] => {
  if (family === undefined) return ips
  const version = family === 'ipv4' ? 4 : 6
  const isFirst = (ip: string): boolean => isIP(ip) === version
  return [...ips.filter(isFirst), ...ips.filter((ip) => !isFirst(ip))]
}
