import { statSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import {
  type AppCommand,
  ConfigError,
  type ConfigSchema,
  createLog,
  type Example,
  isLoopbackListener,
  loadConfig,
  type Log,
  manualText,
  readSecrets,
  type Row,
  Signals,
  withSettings,
} from '@sluice/service'
import { formatAddress, WireError } from '@sluice/wire'
import { type Enrolment, parseEnrolment } from '../bridge/enrolment.ts'
import { BridgeError } from './bridge-error.ts'
import {
  type ConnectConfig,
  type RunConfig,
  runSchema,
  type StatusConfig,
  statusSchema,
  type VisitConfig,
  visitSchema,
} from './client-config.ts'
import { ClientRunner } from './client-runner.ts'
import { askStatus, statusText } from './status.ts'
import { VisitListener } from './visit-listener.ts'

export interface ClientIo {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** @default lines on stdout */
  readonly log?: Log
}

/** One command behind `client` that connects to a bridge. */
interface Verb<Config extends ConnectConfig> {
  readonly word: string
  /** One sentence. */
  readonly about: string
  readonly description: readonly string[]
  readonly schema: ConfigSchema<Config>
  readonly examples: readonly Example[]
  run(config: Config, io: ClientIo): Promise<number>
}

const EXITS: readonly Row[] = [
  ['0', 'stopped by a signal'],
  ['1', 'refused for good: the server knows no such enrolment, or is not the one of the enrolment'],
  ['2', 'bad usage or settings: one line on stderr says what and where'],
]

const run: Verb<RunConfig> = {
  word: 'run',
  about:
    'Connects to a server, and leads the visitors of its tunnels to programs that this machine can reach.',
  description: [
    'Only this machine itself is dialled, unless --allow names more. "ready" is printed once the server has let the ' +
      'client in. A connection that is lost is got back by itself, with pauses of 0.1 to 3 s.',
  ],
  schema: runSchema,
  examples: [
    { does: 'With what "client add" has printed:', line: 'run --enroll-stdin <enrolment.txt' },
    {
      does: 'Show the files of a folder to visitors of file tunnels:',
      line: 'run --enroll-stdin --files ./public --listing <enrolment.txt',
    },
    {
      does: 'Let tunnels reach the local network too:',
      line: 'run --enroll-stdin --allow 192.168.1.0/24 <enrolment.txt',
    },
  ],
  run: async (config, io) => {
    checkFiles(config)
    const { enrolment } = await secretsOf(config, io, ['--enroll-stdin'])
    const { allow, files, listing, graceMs, ops } = config
    const log = logOf(config, io)
    const onReady = (): void => log.announce('ready')
    const runner = new ClientRunner({
      ...{ version: io.version, log, ops, onReady },
      client: { enrolment, allow, files, listing, graceMs },
    })
    return untilStopped(runner, io)
  },
}

const visit: Verb<VisitConfig> = {
  word: 'visit',
  about: 'Opens a port on this machine that leads to a secret tunnel of a server.',
  description: [
    'Each connection becomes a stream to whoever has the tunnel. Standard input has two lines: the enrolment and the ' +
      "tunnel's password.",
  ],
  schema: visitSchema,
  examples: [
    {
      does: 'Reach a secret tunnel as port 2222 of this machine:',
      line: 'visit --enroll-stdin --password-stdin --listen 127.0.0.1:2222 <secrets.txt',
    },
  ],
  run: async (config, io) => {
    checkListen(config)
    const { enrolment, password } = await secretsOf(config, io, ['--enroll-stdin', '--password-stdin'])
    const log = logOf(config, io)
    const onReady = (): void => log.announce('ready')
    const runner = new ClientRunner({
      ...{ version: io.version, log, onReady },
      client: { enrolment, role: 'visit', graceMs: config.graceMs },
    })
    const listener = await VisitListener.open({ at: config.listen, client: runner.client, password, log })
    runner.onStop = (): void => listener.close()
    return untilStopped(runner, io)
  },
}

const status: Verb<StatusConfig> = {
  word: 'status',
  about: 'Shows what a client has at its server.',
  description: ['Takes no visitors: whatever runs for the client goes on.'],
  schema: statusSchema,
  examples: [{ does: 'With what "client add" has printed:', line: 'status --enroll-stdin <enrolment.txt' }],
  run: async (config, io) => {
    const { enrolment } = await secretsOf(config, io, ['--enroll-stdin'])
    const { stdout, version } = io
    return orRefused(io, async () => {
      const found = await askStatus({ enrolment, version, log: logOf(config, io) })
      stdout.write(config.json ? `${JSON.stringify(found)}\n` : statusText(found))
      return 0
    })
  },
}

/** `run`, `status` and `visit`, to stand beside the other commands of `client`, by their words. */
export const clientVerbs = (io: ClientIo): Readonly<Record<'run' | 'status' | 'visit', AppCommand>> => ({
  run: commandOf(run, io),
  status: commandOf(status, io),
  visit: commandOf(visit, io),
})

const commandOf = <Config extends ConnectConfig>(verb: Verb<Config>, io: ClientIo): AppCommand => ({
  about: verb.about,
  usage: '[flags]',
  flags: verb.schema,
  run: async (argv) => {
    if (argv.includes('--help') || argv.includes('-h')) {
      io.stdout.write(help(verb))
      return 0
    }
    const { config, given, positionals } = loadConfig(verb.schema, { argv, env: io.env })
    const [extra] = positionals
    if (extra !== undefined) {
      throw usage(`client ${verb.word}: ${JSON.stringify(extra.slice(0, 80))} is one word too many`)
    }
    try {
      return await verb.run(config as Config, io)
    } catch (error) {
      throw withSettings(error, verb.schema, { config, given })
    }
  },
})

const help = <Config extends ConnectConfig>({
  word,
  about,
  description,
  schema,
  examples,
}: Verb<Config>): string =>
  manualText({
    head: `nps-server client ${word}: ${about}`,
    synopsis: [`nps-server client ${word} [flags]`],
    description,
    flags: schema,
    examples: examples.map(({ does, line }) => ({ does, line: `nps-server client ${line}` })),
    sections: { 'exit status': EXITS },
  })

/** @returns the exit code */
const untilStopped = async (runner: ClientRunner, io: ClientIo): Promise<number> => {
  using signals = new Signals()
  try {
    await runner.start()
    return await orRefused(io, () => Promise.race([signals.run(runner), rejectionOf(runner.client.ended)]))
  } finally {
    await runner.stop()
  }
}

/** @returns what `work` does, or 1 where the server is of no use, which stderr then says */
const orRefused = async ({ stderr }: ClientIo, work: () => Promise<number>): Promise<number> => {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BridgeError)) throw error
    stderr.write(`nps-server: ${error.message.replaceAll(/\p{Cc}+/gu, ' ')}\n`)
    return 1
  }
}

/** Never resolves. */
const rejectionOf = async (promise: Promise<void>): Promise<never> => {
  await promise
  return new Promise(() => {})
}

interface Secrets {
  readonly enrolment: Enrolment
  readonly password: string
}

type SecretFlag = '--enroll-stdin' | '--password-stdin'

/** @throws ConfigError where one is not there, or is none */
const secretsOf = async (
  config: ConnectConfig & { passwordStdin?: boolean },
  { stdin }: ClientIo,
  flags: readonly SecretFlag[],
): Promise<Secrets> => {
  const given = { '--enroll-stdin': config.enrollStdin, '--password-stdin': config.passwordStdin === true }
  const missing = flags.find((flag) => !given[flag])
  if (missing !== undefined) throw usage(`${missing} is missing: secrets are not taken from the command line`)
  const secrets = await readSecrets(stdin, flags)
  const text = (flag: SecretFlag): string => Buffer.from(secrets.get(flag) ?? []).toString()
  try {
    return { enrolment: parseEnrolment(text('--enroll-stdin')), password: text('--password-stdin') }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    throw usage(`--enroll-stdin: ${error.message}`)
  }
}

/** @throws ConfigError where the listener leads beyond this machine and nobody has said that this is meant */
const checkListen = ({ listen, open }: VisitConfig): void => {
  if (isLoopbackListener(listen) || open) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `--listen: ${formatAddress(listen)} is not loopback: whoever reaches it would reach the tunnel; give --open`,
  )
}

/** @throws ConfigError where there is no such folder */
const checkFiles = ({ files, listing }: RunConfig): void => {
  if (files === undefined && listing)
    throw new ConfigError('CONFIG_INVALID', '--listing: wanted with --files')
  if (files === undefined || statSync(files, { throwIfNoEntry: false })?.isDirectory() === true) return
  throw new ConfigError('CONFIG_INVALID', `--files: ${files} is not a folder`)
}

const logOf = ({ logLevel }: ConnectConfig, { log }: ClientIo): Log => log ?? createLog({ level: logLevel })

const usage = (message: string): ConfigError => new ConfigError('USAGE', message)
