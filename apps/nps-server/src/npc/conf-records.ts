import { isIP } from 'node:net'
import { hashPassword } from '@sluice/userstore'
import type { NpsHost, NpsTunnel } from '@sluice/wire/npc'
import { modeOfNps } from '../nps-mode.ts'
import { ANY_HOST, type HostRecord, type Login, type TunnelMode, type TunnelRecord } from '../records.ts'
import { npcHash } from '../secret-hash.ts'
import { isPrivate } from '../store/record-schemas.ts'
import { parseTarget } from '../target-picker.ts'

/** What a program has asked for cannot be had; the message is for the log. */
export class NpcConfError extends Error {
  override readonly name = 'NpcConfError'
  readonly code = 'RECORD_VALUE'
}

/** What all records have that a program brings. */
export interface LentParts {
  readonly clientId: number
  /** Wall clock, ms since 1970. */
  readonly now: number
}

/** Of one request; each is a listener. */
const MAX_PORTS = 256
const MAX_TARGETS = 64
const MAX_LOGINS = 64
const MAX_HEADERS = 64
const MAX_TEXT = 256
const TARGETLESS: ReadonlySet<TunnelMode> = new Set(['socks5', 'httpProxy', 'mixed', 'file'])
const HOST_NAME = /^(?:\*\.)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/
const HEADER = /^([!#$%&'*+\-.^_`|~\dA-Za-z]+):[ \t]*([\x20-\x7e]*)$/

/**
 * One tunnel for each of its ports.
 * @throws NpcConfError
 */
export const lentTunnels = async (asked: NpsTunnel, parts: LentParts): Promise<TunnelRecord[]> => {
  const mode = modeOfNps(asked.Mode)
  if (mode === undefined) throw new NpcConfError('there is no such mode')
  const rest = { ...(await common(asked, mode)), ...lentBase(asked.Remark, parts), mode }
  if (isPrivate(mode)) {
    const passwordHash = passwordHashOf(asked.Password)
    return [{ ...rest, passwordHash, targets: targetsOf(asked, mode) }]
  }
  const ports = portsOf(asked.Ports)
  const host = hostOf(asked.ServerIp)
  if (ports.length === 1) {
    return [{ ...rest, host, port: ports[0]!, targets: targetsOf(asked, mode) }]
  }
  const targets = TARGETLESS.has(mode) ? ports.map(() => []) : targetOfEach(asked, ports.length)
  return ports.map((port, at) => ({
    ...rest,
    ...{ host, port, targets: targets[at]! },
    remark: `${rest.remark}_${port}`,
  }))
}

/** @throws NpcConfError */
export const lentHost = (asked: NpsHost, parts: LentParts): HostRecord => {
  const host = asked.Host.toLowerCase()
  if (host.length > 253 || !HOST_NAME.test(host)) throw new NpcConfError('no name of a host')
  const location = asked.Location === '' ? '/' : asked.Location
  if (!/^\/[\x21-\x7e]{0,255}$/.test(location)) throw new NpcConfError('no path')
  return {
    ...lentBase(asked.Remark, parts),
    host,
    location,
    scheme: schemeOf(asked.Scheme),
    targets: listOf(asked.Target.TargetStr).map(checkedTarget),
    balance: 'roundRobin',
    ...(asked.HostChange !== '' && { hostChange: short(asked.HostChange) }),
    headers: headersOf(asked.HeaderChange),
    // Its paths of certificates are none of ours to read.
    passThrough: false,
    autoHttps: asked.AutoHttps,
    autoCert: false,
  }
}

const lentBase = (
  remark: string,
  { clientId, now }: LentParts,
): Pick<TunnelRecord, 'id' | 'clientId' | 'remark' | 'enabled' | 'limits' | 'createdAt'> => ({
  // Whoever lends it gives it another.
  ...{ id: 0, clientId, remark: short(remark), enabled: true, limits: {}, createdAt: now },
})

const common = async (
  { MultiAccount, LocalPath, StripPre, ProtoVersion }: NpsTunnel,
  mode: TunnelMode,
): Promise<Pick<TunnelRecord, 'balance' | 'logins' | 'proxyHeader' | 'localPath' | 'stripPrefix'>> => {
  const logins = await loginsOf(MultiAccount.AccountMap)
  const version = ({ V1: 1, V2: 2 } as const)[ProtoVersion]
  return {
    balance: 'roundRobin',
    ...(logins.length > 0 && { logins }),
    ...(version !== undefined && { proxyHeader: version }),
    ...(mode === 'file' && { localPath: short(LocalPath), stripPrefix: short(StripPre) }),
  }
}

/** One after the other: hashes share their threads with all else. */
const loginsOf = async (accounts: ReadonlyMap<string, string>): Promise<Login[]> => {
  if (accounts.size > MAX_LOGINS) throw new NpcConfError(`more than ${MAX_LOGINS} logins`)
  const logins: Login[] = []
  for (const [name, password] of accounts) {
    logins.push({ name: short(name), hash: await hashPassword(short(password)) })
  }
  return logins
}

/** Whoever guesses must not find what has no password. */
const passwordHashOf = (password: string): string => {
  if (password === '') throw new NpcConfError('a private tunnel needs a password')
  return npcHash(password)
}

/** `9006-9010,9012` */
const portsOf = (text: string): number[] => {
  const ports = listOf(text).flatMap((part) => {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? []
    const [from, to] = [Number(first), Number(last)]
    if (!(from >= 1 && from <= to && to <= 65_535)) throw new NpcConfError('no ports')
    if (to - from >= MAX_PORTS) throw new NpcConfError(`more than ${MAX_PORTS} ports`)
    return Array.from({ length: to - from + 1 }, (_, at) => from + at)
  })
  if (ports.length === 0 || ports.length > MAX_PORTS) throw new NpcConfError(`not 1 to ${MAX_PORTS} ports`)
  return ports
}

/** Port by port, at one address. */
const targetOfEach = ({ Target, TargetAddr }: NpsTunnel, count: number): string[][] => {
  const ports = portsOf(Target.TargetStr)
  if (ports.length !== count) throw new NpcConfError('not as many targets as ports')
  return ports.map((port) => [checkedTarget(TargetAddr === '' ? `${port}` : `${TargetAddr}:${port}`)])
}

const targetsOf = ({ Target }: NpsTunnel, mode: TunnelMode): string[] => {
  if (TARGETLESS.has(mode)) return []
  const targets = listOf(Target.TargetStr).map(checkedTarget)
  if (targets.length === 0) throw new NpcConfError('no target')
  return targets
}

/** By lines or commas. */
const listOf = (text: string): string[] => {
  const parts = text.split(/[\n,]/).flatMap((part) => part.trim() || [])
  if (parts.length > MAX_TARGETS) throw new NpcConfError(`more than ${MAX_TARGETS} of a kind`)
  return parts
}

const checkedTarget = (text: string): string => {
  try {
    parseTarget(text)
    return text
  } catch (cause) {
    throw new NpcConfError('no target', { cause })
  }
}

const hostOf = (ip: string): string => {
  if (ip !== '' && isIP(ip) === 0) throw new NpcConfError('no address to listen on')
  return ip === '' ? ANY_HOST : ip
}

const schemeOf = (text: string): HostRecord['scheme'] => (text === 'http' || text === 'https' ? text : 'all')

/** `Name:value` by lines; values may have colons. */
const headersOf = (text: string): [string, string][] => {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '')
  if (lines.length > MAX_HEADERS) throw new NpcConfError(`more than ${MAX_HEADERS} headers`)
  return lines.map((line) => {
    const [, name, value] = HEADER.exec(line) ?? []
    if (name === undefined || value === undefined) throw new NpcConfError('no header')
    return [name, value]
  })
}

const short = (text: string): string => {
  if (text.length > MAX_TEXT) throw new NpcConfError(`more than ${MAX_TEXT} characters`)
  return text
}
