import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { createAuthority } from '@sluice/net/testing'
import { NpcEmulator } from '../../../apps/nps-server/src/testing/npc-emulator.ts'
import { freePort } from '../subject/free-port.ts'
import type { Installed } from '../subject/install.ts'
import {
  addNpsClient,
  askDatagram,
  askEcho,
  askHost,
  askRest,
  type NpsClient,
} from '../subject/nps-client.ts'
import { loginOf, openTunnel } from '../subject/proxy-client.ts'
import { Subject } from '../subject/subject.ts'
import type { World } from './handshake-case.ts'

/** Names of hosts: of the proper client, and of the one that bad programs come as. */
export const HOSTS = { proper: 'proper.example', victim: 'victim.example', wild: '*.wild.example' } as const

/** The last three are for whatever else is added. */
type PortName =
  'bridge' | 'tcp' | 'npc' | 'mixed' | 'udp' | 'victim' | 'victimUdp' | 'p2p' | 'spare' | 'spare2' | 'spare3'
const PORTS: readonly PortName[] = [
  ...(['bridge', 'tcp', 'npc', 'mixed', 'udp', 'victim', 'victimUdp', 'p2p'] as const),
  ...(['spare', 'spare2', 'spare3'] as const),
]

/** All that is not settled by the program itself. */
export interface NpsPrepared extends World {
  readonly ports: Readonly<Record<PortName, number>>
  /** Whose agents are proper: one of ours, and one that is npc. */
  readonly native: NpsClient
  readonly npc: NpsClient
  /** As whom everything else comes. */
  readonly victim: NpsClient
  /** Of the REST API: one that may change things, and one that may look. */
  readonly token: string
  readonly readToken: string
  readonly npsKey: string
  readonly flags: readonly string[]
  readonly secrets: readonly string[]
}

/** A running program, its proper agents, and what they lead to. */
export interface NpsWorld extends NpsPrepared {
  readonly subject: Subject
  readonly agent: Subject
  readonly emulator: NpcEmulator
  /** The last records of the world: what comes later is no part of it. */
  readonly last: Readonly<Record<Records, number>>
}

const RECORDS = ['tunnels', 'hosts', 'clients', 'tokens'] as const
type Records = (typeof RECORDS)[number]

/** Seconds: of a handshake, and of whoever says nothing. */
const SECONDS = '2'
const DEAD_AFTER = '5'

/** Adds clients and tokens, and chooses ports. */
export async function prepareNps(installed: Installed, origin: World['origin']): Promise<NpsPrepared> {
  const ports = {} as Record<PortName, number>
  for (const name of PORTS) ports[name] = await freePort()
  const add = (...flags: string[]): Promise<NpsClient> => addNpsClient(installed, ports.bridge, flags)
  const native = await add()
  const npc = await add()
  const victim = await add('--may-configure', '--max-tunnels', '20')
  const token = await addToken(installed, 'all', 'read,write')
  const readToken = await addToken(installed, 'look', 'read')
  const npsKey = randomBytes(16).toString('hex')
  const password = randomBytes(12).toString('hex')
  const secrets = [token, readToken, npsKey, password, native.vkey, npc.vkey, victim.vkey]
  const flags = flagsOf(ports, npsKey, certificate(installed))
  const shared = { ports, native, npc, victim, token, readToken, npsKey, flags, secrets, origin }
  return { ...shared, login: loginOf('fuzz', password) }
}

const addToken = async (installed: Installed, name: string, scopes: string): Promise<string> => {
  const added = await installed.command(['token', 'add', '--name', name, '--scopes', scopes, '--json'])
  return (JSON.parse(added) as { token: string }).token
}

const certificate = ({ data }: Installed): string[] => {
  const { cert, key } = createAuthority().issue(HOSTS.proper)
  const [certFile, keyFile] = [join(data, 'hosts.crt'), join(data, 'hosts.key')]
  writeFileSync(certFile, cert)
  writeFileSync(keyFile, key)
  return ['--https-cert', certFile, '--https-key', keyFile]
}

const flagsOf = (ports: Record<PortName, number>, npsKey: string, certificates: string[]): string[] => [
  ...['--bridge', `127.0.0.1:${ports.bridge}`, '--npc-bridge', '127.0.0.1:0', '--http', '127.0.0.1:0'],
  ...['--https', '127.0.0.1:0', ...certificates, '--web', '127.0.0.1:0', '--nps-api', npsKey],
  ...['--p2p', `127.0.0.1:${ports.p2p}`, '--ports', Object.values(ports).join(',')],
  ...['--ops', '127.0.0.1:0', '--grace', '1', '--auth-failures', '0', '--dead-after', DEAD_AFTER],
  ...['--handshake-timeout', SECONDS, '--dial-timeout', SECONDS, '--idle-timeout', SECONDS],
  ...['--udp-idle', SECONDS, '--keep-alive-timeout', '1', '--response-timeout', SECONDS],
]

/** Starts what leads from the tunnels to their targets. @param nodeFlags of both programs */
export async function openNpsWorld(
  prepared: NpsPrepared,
  { installed, nodeFlags, echo }: { installed: Installed; nodeFlags: readonly string[]; echo: number },
): Promise<NpsWorld> {
  const { flags, secrets, ports, origin, native, npc } = prepared
  const options = { nodeFlags, secrets }
  const subject = await Subject.start(installed, { ...options, flags, env: { FUZZ_ORIGIN_PORT: '1' } })
  try {
    const last = await addRecords(prepared, subject, echo)
    const agent = await Subject.start(installed, {
      ...options,
      flags: ['--grace', '1'],
      command: { words: ['client', 'run', '--enroll-stdin'], input: `${native.enroll}\n` },
      env: { FUZZ_ORIGIN_PORT: `${origin.port},${ports.bridge}` },
    })
    const emulator = await NpcEmulator.connect({ port: subject.port('npc-bridge'), vkey: npc.vkey })
    return { ...prepared, subject, agent, emulator, last }
  } catch (error) {
    await subject.stop(0)
    throw error
  }
}

async function addRecords(
  { ports, origin, native, npc, victim, login, token }: NpsPrepared,
  subject: Subject,
  echo: number,
): Promise<NpsWorld['last']> {
  const at = { port: subject.port('web'), token }
  const tunnel = (clientId: number, mode: string, port: number, more: object): Promise<unknown> =>
    askRest(at, 'POST /v1/tunnels', { clientId, mode, host: '127.0.0.1', port, ...more })
  const host = (clientId: number, name: string): Promise<unknown> =>
    askRest(at, 'POST /v1/hosts', { clientId, host: name, targets })
  const [targets, datagrams] = [[`127.0.0.1:${origin.port}`], [`127.0.0.1:${echo}`]]
  await tunnel(native.id, 'tcp', ports.tcp, { targets })
  await tunnel(npc.id, 'tcp', ports.npc, { targets })
  const [name, password] = [login.username, login.password].map((each) => Buffer.from(each).toString())
  await tunnel(native.id, 'mixed', ports.mixed, { logins: [{ name, password }] })
  await tunnel(native.id, 'udp', ports.udp, { targets: datagrams })
  await tunnel(victim.id, 'tcp', ports.victim, { targets })
  await tunnel(victim.id, 'udp', ports.victimUdp, { targets: datagrams })
  await askRest(at, 'POST /v1/tunnels', {
    clientId: victim.id,
    mode: 'secret',
    targets,
    password: 'open sesame',
  })
  await host(native.id, HOSTS.proper)
  await host(native.id, HOSTS.wild)
  await host(victim.id, HOSTS.victim)
  return Object.fromEntries(
    await Promise.all(RECORDS.map(async (kind) => [kind, Math.max(...(await idsOf(at, kind)))])),
  ) as NpsWorld['last']
}

const idsOf = async (at: Parameters<typeof askRest>[0], kind: Records): Promise<number[]> => {
  const { items } = await askRest<{ items: { id: number }[] }>(at, `GET /v1/${kind}?limit=500`)
  return items.map(({ id }) => id)
}

/** Removes what was added since. @returns how much that was */
export async function removeOthers({ subject, token, last }: NpsWorld): Promise<number> {
  const at = { port: subject.port('web'), token }
  let removed = 0
  for (const kind of RECORDS) {
    for (;;) {
      const others = (await idsOf(at, kind)).filter((id) => id > last[kind])
      for (const id of others) await askRest(at, `DELETE /v1/${kind}/${id}`)
      removed += others.length
      if (others.length === 0) break
    }
  }
  return removed
}

/** By every way in. @throws Error where one of them is shut */
export async function askProperly({ subject, ports, login, origin, token }: NpsWorld): Promise<void> {
  const proxied = openTunnel(ports.mixed, { protocol: 'socks5', login, target: origin })
  const ways: Readonly<Record<string, Promise<unknown>>> = {
    'tcp tunnel': askEcho(ports.tcp),
    'tcp tunnel of npc': askEcho(ports.npc),
    'udp tunnel': askDatagram(ports.udp),
    'mixed tunnel': proxied.then((socket) => socket.destroy()),
    'host over HTTP': askHost(subject.port('http'), HOSTS.proper, false),
    'host over HTTPS': askHost(subject.port('https'), HOSTS.proper, true),
    API: askRest({ port: subject.port('web'), token }, 'GET /v1/status'),
  }
  const heard = await Promise.allSettled(Object.values(ways))
  const names = Object.keys(ways)
  const shut = heard.flatMap((each, nth) =>
    each.status === 'rejected' ? [`${names[nth]}: ${String(each.reason)}`] : [],
  )
  if (shut.length > 0) throw new Error(shut.join(', '))
}
