// `npm start`: the doors that exist, in one process, on loopback, with a demo user. For people who want to see it run.
import { curlLines, DOORS, openDoor, type RemoteProxyConfig, schema } from '@sluice/remote-proxy'
import { createLog, makePassword, Program, runApp } from '@sluice/service'
import { hashPassword, type UserStore } from '@sluice/userstore'
import pkg from '../package.json' with { type: 'json' }

const DEMO = 'demo'

/** The demo user with a password that is new at each start. */
const signUpDemo = async (store: UserStore): Promise<string> => {
  const password = makePassword()
  const credentials = [{ kind: 'password', hash: await hashPassword(password) }] as const
  const { users } = await store.list()
  if (users.some(({ name }) => name === DEMO)) await store.update(DEMO, { credentials, enabled: true })
  else await store.add({ name: DEMO, credentials })
  return password
}

const serve = async (config: RemoteProxyConfig): Promise<Program> => {
  // The lines of the log are for programs; people see what goes wrong.
  const log = Object.assign(createLog({ level: 'warn' }), { announce: () => {} })
  const program = await Program.start({ app: 'start', version: pkg.version, config, doors: DOORS, log })
  try {
    const password = await signUpDemo(program.store)
    const door = await openDoor(program, config)
    const ops = await program.ready()
    const lines = [
      '',
      `Sluice ${pkg.version} is up. Ctrl-C stops it.`,
      '',
      'remote-proxy, by SOCKS5, CONNECT, plain HTTP and SOCKS4a; the password is new at each start:',
      ...curlLines(DEMO, password, door).map((line) => `  ${line}`),
      '',
      ...(ops === undefined
        ? []
        : ['healthz', 'readyz', 'metrics'].map((path) => `  http://${ops.host}:${ops.port}/${path}`)),
      '',
      `Users and usage are in ${config.store ?? config.data}. Limit the demo user while it runs:`,
      `  npx nx build remote-proxy && node_modules/.bin/node apps/remote-proxy/dist/main.mjs user set ${DEMO} --down 1MB/s`,
      '',
    ]
    process.stdout.write(lines.join('\n'))
    return program
  } catch (error) {
    await program.stop()
    throw error
  }
}

const intro = 'the doors that exist, in one process, on loopback, with a demo user; flags go behind --'
const code = await runApp(
  { name: 'npm start', version: pkg.version, intro, schema, serve, commands: {} },
  process.argv.slice(2),
)
// As the programs themselves: a lookup by the system must not hold up the end.
process.exit(code)
