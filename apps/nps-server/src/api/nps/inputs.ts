import type { FlowLimits, HostScheme, TunnelMode } from '../../records.ts'
import type { ClientChange, HostChange, PlainLogin, TunnelChange } from '../../manager-inputs.ts'
import { modeOfNps } from '../../nps-mode.ts'
import { NpsRefusal } from './nps-refusal.ts'
import type { Params } from './params.ts'

// What requests of nps say, as changes of records. What is not there stays as it is; 0 and '' clear it.

const KIB = 1024
const MIB = 1024 * 1024

type LimitsChange = { [K in keyof FlowLimits]?: FlowLimits[K] | null }

export const clientChange = (params: Params): ClientChange => {
  refuseLocal(params, 'ipwhitepass')
  const vkey = params.text('vkey')
  return withoutUndefined({
    ...(vkey !== undefined && vkey !== '' && { vkey }),
    remark: params.text('remark'),
    login: loginOf(params.text('u'), params.text('p')),
    webLogin: loginOf(params.text('web_username'), params.text('web_password')),
    crypt: params.flag('crypt'),
    compress: params.flag('compress'),
    mayConfigure: params.flag('config_conn_allow'),
    maxTunnels: cleared(params.number('max_tunnel')),
    expiresAt: timeOf(params.text('expire_time')),
    deny: list(params.lines('blackiplist')),
    allow: params.flag('ipwhite') === false ? null : list(params.lines('ipwhitelist')),
    limits: limitsOf(params),
  })
}

/** `rate_limit` is KiB a second, both directions together; `flow_limit` MiB. */
const limitsOf = (params: Params): LimitsChange | undefined => {
  const rate = params.number('rate_limit')
  const quota = params.number('flow_limit')
  const limits: LimitsChange = withoutUndefined({
    total: rate === undefined ? undefined : cleared(rate * KIB),
    quotaBytes: quota === undefined ? undefined : cleared(quota * MIB),
    connections: cleared(params.number('max_conn')),
  })
  return Object.keys(limits).length === 0 ? undefined : limits
}

/** undefined: it is not there. @throws NpsRefusal */
export const modeOf = (params: Params): TunnelMode | undefined => {
  const type = params.text('type')
  if (type === undefined || type === '') return undefined
  const mode = modeOfNps(type)
  if (mode === undefined) throw new NpsRefusal('type: there is no such tunnel here')
  return mode
}

export const tunnelChange = (params: Params): TunnelChange => {
  refuseLocal(params, 'local_proxy')
  return withoutUndefined({
    host: emptied(params.text('server_ip')),
    port: cleared(params.number('port')),
    targets: params.lines('target'),
    remark: params.text('remark'),
    // It is not shown, so who sends back what they were shown does not mean to clear it.
    password: params.text('password') || undefined,
    localPath: emptied(params.text('local_path')),
    stripPrefix: emptied(params.text('strip_pre')),
  })
}

export const hostChange = (params: Params): HostChange => {
  refuseLocal(params, 'local_proxy')
  return withoutUndefined({
    host: params.text('host') || undefined,
    scheme: schemeOf(params.text('scheme')),
    location: params.text('location') === '' ? '/' : params.text('location'),
    targets: params.lines('target'),
    headers: params.lines('header')?.map(headerOf),
    hostChange: emptied(params.text('hostchange')),
    remark: params.text('remark'),
    certFile: emptied(params.text('cert_file_path')),
    keyFile: emptied(params.text('key_file_path')),
    autoHttps: params.flag('AutoHttps'),
  })
}

type WithoutNull<T> = { [K in keyof T]: K extends 'limits' ? FlowLimits : Exclude<T[K], null> }

/** The same for a new one, which has nothing to clear. */
export const withoutNull = <T extends object>(change: T): WithoutNull<T> =>
  Object.fromEntries(
    Object.entries(change)
      .filter(([, value]) => value !== null)
      .map(([key, value]) => [key, key === 'limits' ? withoutNull(value as object) : (value as unknown)]),
  ) as WithoutNull<T>

const withoutUndefined = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as never

const cleared = (number: number | undefined): number | null | undefined => (number === 0 ? null : number)

const emptied = (text: string | undefined): string | null | undefined => (text === '' ? null : text)

const list = (lines: string[] | undefined): string[] | null | undefined =>
  lines?.length === 0 ? null : lines

/** A name without a password keeps the one that it has. */
const loginOf = (name: string | undefined, password: string | undefined): PlainLogin | null | undefined => {
  if (name === '') return null
  return name === undefined || password === undefined || password === '' ? undefined : { name, password }
}

const schemeOf = (text: string | undefined): HostScheme | undefined => {
  if (text === undefined || text === '') return undefined
  if (text === 'all' || text === 'http' || text === 'https') return text
  throw new NpsRefusal('scheme: wanted all, http or https')
}

/** `Name:value`, whose value may have colons. */
const headerOf = (line: string): [name: string, value: string] => {
  const at = line.indexOf(':')
  if (at <= 0) throw new NpsRefusal('header: wanted Name:value')
  return [line.slice(0, at).trim(), line.slice(at + 1).trim()]
}

/** Of this machine's time zone, as forks have it. */
const timeOf = (text: string | undefined): number | null | undefined => {
  if (text === undefined || text === '') return text === '' ? null : undefined
  const isTime = /^\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d)?)?$/.test(text)
  const time = isTime
    ? new Date(text.length === 10 ? `${text}T00:00:00` : text.replace(' ', 'T')).getTime()
    : Number.NaN
  if (Number.isNaN(time)) throw new NpsRefusal('expire_time: wanted YYYY-MM-DD hh:mm:ss')
  return time
}

/** What would let others than the client's program serve visitors, or visitors let themselves in, is not offered. */
const refuseLocal = (params: Params, name: string): void => {
  const text = params.text(name)
  if (text !== undefined && !/^(?:|0|f|false)$/i.test(text)) throw new NpsRefusal(`${name}: not offered here`)
}
