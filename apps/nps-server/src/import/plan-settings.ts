import type { IniEntry, NpsConf } from '@sluice/wire/npc'
import { ANY_HOST } from '../records.ts'
import type { Plan } from './plan.ts'

/** Flags for the settings of nps.conf, and what there is no flag for. No key and no password is repeated. */
export const planSettings = (plan: Plan, conf: NpsConf, unknown: readonly IniEntry[]): void => {
  const note = (text: string): void => void plan.notes.push(`nps.conf: ${text}`)
  listeners(plan, conf)
  if (conf.httpsDefaultCertFile !== undefined && conf.httpsDefaultKeyFile !== undefined) {
    plan.flags.push(`--https-cert ${quoted(plan.pathOf(conf.httpsDefaultCertFile))}`)
    plan.flags.push(`--https-key ${quoted(plan.pathOf(conf.httpsDefaultKeyFile))}`)
  }
  const ports =
    conf.allowPorts?.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)) ?? []
  if (ports.length > 0) plan.flags.push(`--ports ${ports.join(',')}`)
  const level = LEVELS[conf.logLevel ?? -1]
  if (level !== undefined) plan.flags.push(`--log-level ${level}`)
  if (conf.webPort && !conf.webIp?.startsWith('127.')) {
    note('web_port: the console speaks plain HTTP; keep it on loopback, or put TLS in front of it')
  }
  if (conf.bridgeType === 'kcp') note('bridge_type kcp: there is no such bridge; clients have to come by tcp')
  if (conf.authKey !== undefined) {
    note('auth_key: set it as SLUICE_NPS_API for scripts that use the web API; 16 characters at least')
  }
  if (conf.webUsername !== undefined || conf.webPassword !== undefined) {
    note('web_username, web_password: the console asks for a token, which is printed at the first start')
  }
  if (conf.publicVkey !== undefined) note('public_vkey: each client has a key of its own')
  if (conf.httpsJustProxy === true) {
    note('https_just_proxy: hosts without a certificate of their own have passThrough')
  }
  for (const [key, text] of LEFT_OUT) if (isSet(conf[key])) note(text)
  for (const { key, line } of unknown) note(`line ${line}: nobody knows ${JSON.stringify(key.slice(0, 64))}`)
}

const listeners = ({ flags }: Plan, conf: NpsConf): void => {
  const add = (flag: string, ip: string | undefined, port: number | undefined): void => {
    if (port) flags.push(`--${flag} ${addressOf(ip ?? ANY_HOST, port)}`)
  }
  add('npc-bridge', conf.bridgeIp, conf.bridgePort)
  add('http', conf.httpProxyIp, conf.httpProxyPort)
  add('https', conf.httpProxyIp, conf.httpsProxyPort)
  add('web', conf.webIp, conf.webPort)
  add('p2p', conf.p2pIp, conf.p2pPort)
}

const addressOf = (ip: string, port: number): string =>
  ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`

/** As a shell has it. */
const quoted = (text: string): string =>
  /^[\w./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

/** From emergency to debug, as syslog counts. */
const LEVELS: Readonly<Record<number, string>> = {
  0: 'error',
  1: 'error',
  2: 'error',
  3: 'error',
  4: 'warn',
  5: 'info',
  6: 'info',
  7: 'debug',
}

const isSet = (value: unknown): boolean => value !== undefined && value !== false && value !== 0

const LEFT_OUT: readonly (readonly [key: keyof NpsConf, text: string])[] = [
  [
    'ipLimit',
    'ip_limit: `client set ID --registered-only` of each client, or `allow` of clients, tunnels and hosts',
  ],
  ['webBaseUrl', 'web_base_url: the console is at /'],
  ['webHost', 'web_host: the console has a listener of its own'],
  ['webOpenSsl', 'web_open_ssl: there is no TLS at the console; put it in front'],
  ['allowUserLogin', 'allow_user_login: there is no console for users of clients'],
  ['allowUserRegister', 'allow_user_register: nobody registers by themselves'],
  ['allowLocalProxy', 'allow_local_proxy: no tunnel dials from the server'],
  ['httpCache', 'http_cache: each host has a cache of 16 MiB, of what its answers allow'],
  ['pprofPort', 'pprof_port: /metrics of --ops tells how the program does'],
  ['disconnectTimeout', 'disconnect_timeout: --dead-after, 15 s unless told'],
]
