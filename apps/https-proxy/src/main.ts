import { runApp, runTop, storeUrl, TOP_ABOUT, topFlags, userCommand } from '@sluice/service'
import { openStore } from '@sluice/userstore'
import pkg from '../package.json' with { type: 'json' }
import { operands } from './argv.ts'
import { getCommand } from './client/get-command.ts'
import { schema } from './config.ts'
import { serve } from './door.ts'
import { description, examples } from './help.ts'
import { link } from './link.ts'

const { env, stdin, stdout, stderr } = process
const io = { app: 'https-proxy', schema, env, stdin, stdout, stderr }

const user = userCommand({ ...io, openStore: (place) => openStore(storeUrl(place)), link })

const top = {
  about: TOP_ABOUT,
  usage: '[flags]',
  flags: topFlags(schema),
  run: (argv: readonly string[]): Promise<number> => runTop(argv, io),
}

const code = await runApp(
  {
    name: 'https-proxy',
    version: pkg.version,
    intro: 'requests that wait in a fair queue, and are answered whatever the load',
    description,
    examples,
    schema,
    operands,
    serve: (config) => serve(pkg.version, config),
    commands: { user, get: getCommand({ env, stdin, stdout, stderr, schema }), top },
  },
  process.argv.slice(2),
)
// All is closed, but a name that the system is looking up cannot be given up.
process.exit(code)
