import type { AppCommand } from '@sluice/service'
import { clientVerbs } from './client-verbs.ts'
import { hostVerbs } from './host-verbs.ts'
import type { Commands, RecordCommandIo } from './record-command.ts'
import { recordGroup } from './record-group.ts'
import { tokenVerbs } from './token-verbs.ts'
import { tunnelVerbs } from './tunnel-verbs.ts'

export type { Commands, RecordCommandIo } from './record-command.ts'

/**
 * `client`, `tunnel`, `host` and `token` among the commands of the program.
 * @param ofClient what else can follow `client`: what client programs do themselves, such as `run`
 */
export const recordCommands = (
  io: RecordCommandIo,
  ofClient: Commands = {},
): Record<'client' | 'tunnel' | 'host' | 'token', AppCommand> => ({
  client: recordGroup(
    {
      word: 'client',
      about: 'Adds, changes and lists clients, and runs one.',
      head: 'who may come in by the bridge, and what passes to and from them',
      examples: [
        { does: 'A new client; its keys are printed once:', line: 'client add --remark laptop' },
        { does: 'What it has moved, and whether it is there:', line: 'client show 1' },
      ],
    },
    clientVerbs(io),
    io,
    ofClient,
  ),
  tunnel: recordGroup(
    {
      word: 'tunnel',
      about: 'Adds, changes and lists the tunnels of clients.',
      head: 'ports that lead to what clients can reach',
      examples: [
        {
          does: 'Port 8001 leads to the web server of a client:',
          line: 'tunnel add --client 1 --mode tcp --listen 127.0.0.1:8001 --target 127.0.0.1:80',
        },
      ],
    },
    tunnelVerbs(io),
    io,
  ),
  host: recordGroup(
    {
      word: 'host',
      about: 'Adds, changes and lists the hosts of clients.',
      head: 'names that lead to web servers of clients',
      examples: [
        { does: 'A name:', line: 'host add --client 1 --host www.example.org --target 127.0.0.1:80' },
      ],
    },
    hostVerbs(),
    io,
  ),
  token: recordGroup(
    {
      word: 'token',
      about: 'Adds, lists and removes tokens of the API.',
      head: 'what programs show to the REST API',
      examples: [
        { does: 'A token that may look and change:', line: 'token add --name ci --scopes read,write' },
      ],
    },
    tokenVerbs(),
    io,
  ),
})
