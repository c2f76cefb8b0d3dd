import {
  type AppCommand,
  createLog,
  type Log,
  manualText,
  readSecret,
  Signals,
  withSettings,
} from '@sluice/service'
import { loadLocalConfig, localSchema, serverAccess } from './local-config.ts'
import { LocalEnd, type LocalEndOptions } from './local-end.ts'

const ABOUT = 'Lets programs on this machine use a server without its password.'

export interface LocalCommandIo {
  readonly version: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: AsyncIterable<Uint8Array | string>
  readonly stdout: { write(text: string): unknown }
  /** @default lines on stdout */
  readonly log?: Log
}

/** `remote-proxy local`. */
export const localCommand = (io: LocalCommandIo): AppCommand => ({
  about: ABOUT,
  usage: '--server HOST:PORT --user NAME --password-stdin [flags]',
  flags: localSchema,
  run: (argv) => runLocal(argv, io),
})

const runLocal = async (argv: readonly string[], io: LocalCommandIo): Promise<number> => {
  if (argv.includes('--help') || argv.includes('-h')) {
    io.stdout.write(help())
    return 0
  }
  const config = loadLocalConfig(argv, io.env)
  const access = serverAccess(config, await readSecret(io.stdin))
  using signals = new Signals()
  const log = io.log ?? createLog({ level: config.logLevel })
  return await signals.run(await started({ config, access, log, version: io.version }))
}

const started = async (options: LocalEndOptions): Promise<LocalEnd> => {
  try {
    return await LocalEnd.start(options)
  } catch (error) {
    throw withSettings(error, localSchema, options)
  }
}

const help = (): string =>
  manualText({
    head: 'remote-proxy local: lets programs on this machine use a server without its password',
    synopsis: ['remote-proxy local --server HOST:PORT --user NAME --password-stdin [flags]'],
    description: [
      'Programs come in by SOCKS5 or HTTP without a password. To the server it signs in for them: by the sumbit: line, ' +
        'which anyone on the way can read, or with --tls by SOCKS5 with name and password inside of TLS.',
      'Each client is a connection of its own to the server. Where the server is away it is tried for 5 s; then the ' +
        'client is told so.',
    ],
    flags: localSchema,
    examples: [
      {
        does: 'Over TLS, with the password from a file:',
        line: 'remote-proxy local --server proxy.example.org:8443 --tls --user alice --password-stdin < password',
      },
      { does: 'Then, for one program:', line: 'curl --proxy socks5h://127.0.0.1:1080 https://example.com/' },
    ],
    sections: {
      'exit status': [
        ['0', 'stopped by a signal'],
        ['1', 'failed while running'],
        ['2', 'bad usage or settings'],
      ],
    },
  })
