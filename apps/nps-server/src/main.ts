import { runApp, runTop, storeUrl, TOP_ABOUT, topFlags, userCommand } from '@sluice/service'
import { openStore, type UserStore } from '@sluice/userstore'
import pkg from '../package.json' with { type: 'json' }
import { recordCommands } from './cli/index.ts'
import { clientVerbs } from './client/client-verbs.ts'
import { schema } from './config.ts'
import { serve } from './door.ts'
import { description, examples } from './help.ts'
import { importCommand } from './import/index.ts'
import { link } from './link.ts'
import { makeEnrolment } from './make-enrolment.ts'

const { env, stdin, stdout, stderr } = process
const io = { app: 'nps-server', schema, env, stdin, stdout, stderr }

const openUsers = (place: { data: string; store: string | undefined }): Promise<UserStore> =>
  openStore(storeUrl(place))
const user = userCommand({ ...io, openStore: openUsers, link })
const ofClient = clientVerbs({ version: pkg.version, env, stdin, stdout, stderr })
const records = recordCommands({ ...io, openUsers, enrol: makeEnrolment }, ofClient)

const top = {
  about: TOP_ABOUT,
  usage: '[flags]',
  flags: topFlags(schema),
  run: (argv: readonly string[]): Promise<number> => runTop(argv, io),
}

const code = await runApp(
  {
    name: 'nps-server',
    version: pkg.version,
    intro: 'reverse tunnels with flow counts that are exact, and quotas that cut',
    description,
    examples,
    schema,
    serve: (config) => serve(pkg.version, config),
    commands: { user, ...records, import: importCommand(io), top },
  },
  process.argv.slice(2),
)
process.exit(code)
