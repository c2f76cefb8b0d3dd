import { runApp, runTop, storeUrl, TOP_ABOUT, topFlags, userCommand } from '@sluice/service'
import { openStore } from '@sluice/userstore'
import pkg from '../package.json' with { type: 'json' }
import { adminCommand } from './admin-command.ts'
import { peerCommand } from './client/peer-command.ts'
import { schema } from './config.ts'
import { serve } from './door.ts'
import { description, examples } from './help.ts'
import { link } from './link.ts'

const { env, stdin, stdout, stderr } = process
const io = { app: 'relay', schema, env, stdin, stdout, stderr }

const user = userCommand({ ...io, openStore: (place) => openStore(storeUrl(place)), link })

const peer = peerCommand({ version: pkg.version, env, stdin, stdout, stderr, schema })

const top = {
  about: TOP_ABOUT,
  usage: '[flags]',
  flags: topFlags(schema),
  run: (argv: readonly string[]): Promise<number> => runTop(argv, io),
}

const code = await runApp(
  {
    name: 'relay',
    version: pkg.version,
    intro: 'circuits for peers that nobody can reach, held to limits',
    description,
    examples,
    schema,
    serve: (config) => serve(pkg.version, config),
    commands: { user, admin: adminCommand(io), peer, top },
  },
  process.argv.slice(2),
)
// All is closed, but a name that the system is looking up cannot be given up.
process.exit(code)
