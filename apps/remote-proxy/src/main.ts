import { runApp } from '@sluice/service'
import pkg from '../package.json' with { type: 'json' }
import { schema } from './config.ts'
import { serve } from './door.ts'

const intro = `remote-proxy ${pkg.version}: SOCKS5 and HTTP CONNECT proxy that holds each user to their limits

  remote-proxy [serve] [flags]      run it
  remote-proxy user COMMAND …       add, list, show, set, disable, enable, remove, usage, link; see user --help`

process.exitCode = await runApp(
  {
    name: 'remote-proxy',
    version: pkg.version,
    intro,
    schema,
    serve: (config) => serve(pkg.version, config),
    commands: {},
  },
  process.argv.slice(2),
)
