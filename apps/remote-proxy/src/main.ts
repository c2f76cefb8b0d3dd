import { runApp, runUserCommand, storeUrl } from '@sluice/service'
import { openStore } from '@sluice/userstore'
import pkg from '../package.json' with { type: 'json' }
import { schema } from './config.ts'
import { serve } from './door.ts'
import { link } from './link.ts'

const intro = `remote-proxy ${pkg.version}: a SOCKS5 and HTTP CONNECT proxy that holds each user to their limits

  remote-proxy [serve] [flags]      run it
  remote-proxy user COMMAND …       add, list, show, set, disable, enable, remove, usage, link; see user --help`

const user = (argv: readonly string[]): Promise<number> =>
  runUserCommand(argv, {
    app: 'remote-proxy',
    schema,
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    openStore: (place) => openStore(storeUrl(place)),
    link,
  })

process.exitCode = await runApp(
  {
    name: 'remote-proxy',
    version: pkg.version,
    intro,
    schema,
    serve: (config) => serve(pkg.version, config),
    commands: { user },
  },
  process.argv.slice(2),
)
