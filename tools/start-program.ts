// `npm start`: the doors that exist, in one process, on loopback, with a demo user. For people who want to see it run.
import { createHash } from 'node:crypto'
import { curlLines as apiLines, getLine, openDoor as openHttpsProxy } from '@sluice/https-proxy'
import { openDoor as openNpsServer, runLine } from '@sluice/nps-server'
import { openDoor as openRelay, peerLines } from '@sluice/relay'
import { curlLines, openDoor as openRemoteProxy } from '@sluice/remote-proxy'
import { createLog, makePassword, Program, runApp } from '@sluice/service'
import { openNode, ssLocalLines } from '@sluice/ss-node'
import { hashPassword, type UserStore } from '@sluice/userstore'
import pkg from '../package.json' with { type: 'json' }
import {
  httpsProxyConfigOf,
  npsServerConfigOf,
  relayConfigOf,
  START_DOORS,
  type StartConfig,
  startDefaults,
  startSchema,
} from './src/start-config.ts'
import { signUpClient } from './src/start-tunnel.ts'

const DEMO = 'demo'
/** What every Shadowsocks client speaks. */
const METHOD = 'aes-256-gcm'
/** Of what `npx nx build` makes, as pasted into a shell. */
const programOf = (app: string): string => `node_modules/.bin/node apps/${app}/dist/main.mjs`

interface Secrets {
  readonly password: string
  readonly ss: string
  readonly token: string
}

/** The demo user, one for all doors, with secrets that are new at each start. */
const signUpDemo = async (store: UserStore): Promise<Secrets> => {
  const secrets = { password: makePassword(), ss: makePassword(), token: makePassword() }
  const credentials = [
    { kind: 'password', hash: await hashPassword(secrets.password) },
    { kind: 'ss', method: METHOD, secret: secrets.ss },
    { kind: 'token', hash: createHash('sha256').update(secrets.token).digest('hex') },
  ] as const
  const { users } = await store.list()
  if (users.some(({ name }) => name === DEMO)) await store.update(DEMO, { credentials, enabled: true })
  else await store.add({ name: DEMO, credentials })
  return secrets
}

const serve = async (config: StartConfig): Promise<Program> => {
  // The lines of the log are for programs; people see what goes wrong.
  const log = Object.assign(createLog({ level: 'warn' }), { announce: () => {} })
  const defaults = startDefaults(config)
  const doors = START_DOORS
  const about = { app: 'start', version: pkg.version }
  const program = await Program.start({ ...about, config, doors, defaults, log, circuits: true })
  try {
    const secrets = await signUpDemo(program.store)
    // Doors that find nobody would let everybody in.
    await program.directory.refresh()
    const proxy = curlLines(DEMO, secrets.password, await openRemoteProxy(program, config))
    const node = await ssLines(program, config, secrets)
    const relay = await relayLines(program, config, secrets)
    const requests = await requestLines(program, config, secrets)
    const tunnel = await tunnelLines(program, config)
    const ops = await program.ready()
    const lines = [
      '',
      `Sluice ${pkg.version} is up. Ctrl-C stops it.`,
      '',
      'remote-proxy, by SOCKS5, CONNECT, plain HTTP and SOCKS4a; the password is new at each start:',
      ...proxy.map((line) => `  ${line}`),
      '',
      'ss-node, by Shadowsocks, for the same user; its secret is new as well:',
      ...node.map((line) => `  ${line}`),
      '',
      'relay, circuits between peers, for the same user; its token is new as well. The first peer lets the other reach ssh:',
      '  npx nx build relay',
      ...relay.map((line) => `  ${line}`),
      '',
      'https-proxy, as a proxy, by its API, and with its own client, for the same user; requests wait in a fair queue:',
      '  npx nx build https-proxy',
      ...requests.map((line) => `  ${line}`),
      '',
      'nps-server, where visitors come in by a tunnel and a host, for the same user; the enrolment of its client is new as well.',
      'The client leads them to whatever listens at 127.0.0.1:3000:',
      '  npx nx build nps-server',
      ...tunnel.map((line) => `  ${line}`),
      '',
      ...(ops === undefined
        ? []
        : ['healthz', 'readyz', 'metrics'].map((path) => `  http://${ops.host}:${ops.port}/${path}`)),
      '',
      `Users and usage are in ${config.store ?? config.data}. Limit the demo user while it runs, at all doors:`,
      `  npx nx build remote-proxy && ${programOf('remote-proxy')} user set ${DEMO} --down 1MB/s`,
      '',
    ]
    process.stdout.write(lines.join('\n'))
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}

const ssLines = async (program: Program, config: StartConfig, secrets: Secrets): Promise<string[]> => {
  const { ports } = await openNode(program, config)
  const port = ports.open.get(0)
  if (port === undefined) throw new Error(`the shared port ${config.port} cannot be opened`)
  return ssLocalLines({ method: METHOD, secret: secrets.ss, address: port.address, tag: DEMO })
}

const relayLines = async (program: Program, config: StartConfig, secrets: Secrets): Promise<string[]> => {
  const { urls } = await openRelay(program, relayConfigOf(config), { version: pkg.version })
  const { tls, tcp, wss, ws } = urls()
  const url = tls ?? tcp ?? wss ?? ws ?? ''
  return peerLines({ program: programOf('relay'), url, token: secrets.token, data: config.data })
}

const requestLines = async (program: Program, config: StartConfig, secrets: Secrets): Promise<string[]> => {
  // The relay tells of itself at /status.
  const options = { version: pkg.version, status: '/https-proxy/status' }
  const { proxy } = await openHttpsProxy(program, httpsProxyConfigOf(config), options)
  const client = { program: programOf('https-proxy'), name: DEMO, password: secrets.password, proxy }
  return [...apiLines(DEMO, secrets.password, { proxy }), getLine(client)]
}

const tunnelLines = async (program: Program, config: StartConfig): Promise<string[]> => {
  const door = await openNpsServer(program, npsServerConfigOf(config), { version: pkg.version })
  const { enroll, urls } = await signUpClient(door, { user: DEMO, http: door.http?.port })
  return [runLine({ program: programOf('nps-server'), enroll }), ...urls.map((url) => `curl ${url}`)]
}

const intro = 'the doors that exist, in one process, on loopback, with a demo user; flags go behind --'
const code = await runApp(
  { name: 'npm start', version: pkg.version, intro, schema: startSchema, serve, commands: {} },
  process.argv.slice(2),
)
// As the programs themselves: a lookup by the system must not hold up the end.
process.exit(code)
