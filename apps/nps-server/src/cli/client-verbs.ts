import { ConfigError, makePassword, readSecrets, wholeNumber, orNone } from '@sluice/service'
import type { PlainLogin } from '../manager-inputs.ts'
import type { Selection } from '../records.ts'
import { z } from 'zod'
import { BY, type Call, type Found, type RecordCommandIo, type Verb, verb } from './record-command.ts'
import {
  about,
  type CommonRecordFlags,
  commonPatch,
  commonRecordFlags,
  type Flags,
  mentioned,
  optionalFlag,
  optionalTextOrNone,
  servers,
  settingOf,
  stdinFlag,
  withoutNulls,
} from './record-flags.ts'
import { clientLines, clientTable } from './record-tables.ts'
import { type ClientView, clientView } from './record-views.ts'
import { type RecordVerbs, removeVerb, resetFlowVerb, showVerb, switchVerbs } from './record-verbs.ts'

interface ClientFlags extends CommonRecordFlags {
  user: string | null | undefined
  maxTunnels: number | null | undefined
  login: string | null | undefined
  passwordStdin: boolean
  vkeyStdin: boolean
  crypt: boolean | undefined
  compress: boolean | undefined
  selection: Selection | undefined
  mayConfigure: boolean | undefined
  registeredOnly: boolean | undefined
}

const clientFlags: Flags<ClientFlags> = {
  user: optionalTextOrNone('user whose limits hold for the client too', 'NAME'),
  ...commonRecordFlags,
  maxTunnels: orNone(wholeNumber(1)).optional().meta(about('tunnels and hosts together', 'limits')),
  login: optionalTextOrNone('name that visitors sign in with at hosts and proxies', 'NAME'),
  passwordStdin: stdinFlag('the password of --login'),
  vkeyStdin: stdinFlag('the vkey, in place of one that is made,'),
  crypt: optionalFlag('streams to npc are over TLS'),
  compress: optionalFlag('streams to npc are compressed, where there is no TLS'),
  selection: z
    .enum(['primary', 'roundRobin', 'random'])
    .optional()
    .meta(about('which of several connected programs is taken; primary, the first that came, unless told')),
  mayConfigure: optionalFlag('its program may bring tunnels of its own'),
  registeredOnly: optionalFlag('visitors come from addresses alone that "npc register" has named lately'),
}

const ENROL_ONCE =
  'The vkey is for npc, the enrolment for "client run --enroll-stdin" of this program. Both are printed this once.'

const RECORDS: RecordVerbs = {
  of: 'client',
  show: {
    about: 'Shows a client: limits, flow, and which programs are connected.',
    example: { does: 'What has passed, in bytes:', line: 'client show 1 --json | jq .inlet,.export' },
  },
  enable: 'Lets visitors in again.',
  disable: 'Cuts its visitors and its programs, and lets neither in.',
  remove: 'Removes a client with its tunnels and hosts.',
  shown,
  setEnabled: ({ id, manager }, enabled) => manager.patchClient(id, { enabled }, BY),
  removed: ({ id, manager }) => manager.removeClient(id, BY),
}

/** What can follow `client`, but for what client programs do themselves. */
export function clientVerbs({ schema }: Pick<RecordCommandIo, 'schema'>): Verb[] {
  const of = 'client'
  const bridge = settingOf<unknown>(schema, 'bridge')
  return [
    verb(
      {
        of,
        words: 'add',
        about: 'Adds a client. Its keys are made and printed, this once.',
        more: [
          ENROL_ONCE,
          'Rates and sizes: KB is 1,000 bytes, KiB 1,024; bare numbers are bytes, of rates in a second.',
        ],
        examples: [
          { does: 'For a laptop, and whatever it needs to come in:', line: 'client add --remark laptop' },
          {
            does: 'Of a user whose limits hold for it too:',
            line: 'client add --user alice --quota 10GiB/month',
          },
        ],
      },
      { ...clientFlags, server: servers, bridge },
      add,
    ),
    verb(
      {
        of,
        words: 'list',
        about: 'Lists the clients.',
        examples: [
          {
            does: 'Ids of those that are connected:',
            line: `client list --json | jq '.[]|select(.online).id'`,
          },
        ],
      },
      {},
      async (call) => {
        const views = await all(call)
        return { json: views, lines: clientTable(views) }
      },
    ),
    showVerb(RECORDS),
    verb(
      {
        of,
        words: 'set ID',
        about: 'Changes what the flags say, `none` takes it away. It holds for open connections too.',
        examples: [
          { does: 'Slower, and no quota any more:', line: 'client set 1 --down 250KB/s --quota none' },
        ],
      },
      clientFlags,
      set,
    ),
    ...switchVerbs(RECORDS),
    removeVerb(RECORDS),
    verb(
      {
        of,
        words: 'new-key ID',
        about: 'Makes new keys for a client and prints them, this once. The old ones are void at once.',
        more: [ENROL_ONCE],
        examples: [{ does: 'After a laptop was lost:', line: 'client new-key 1' }],
      },
      { server: servers, bridge },
      async ({ id, manager }, { server }) => {
        const keys = await manager.newKey(id, BY, server)
        return { json: { id, ...keys }, lines: keyLines(`new keys of client ${id}`, keys) }
      },
    ),
    resetFlowVerb(RECORDS),
  ]
}

async function add(
  call: Call,
  flags: ClientFlags & { server: Parameters<Call['manager']['newKey']>[2] },
): Promise<Found> {
  const { made, ...input } = await inputOf(call, flags)
  const { client, ...keys } = await call.manager.addClient(withoutNulls(input), BY, flags.server)
  const { id } = client
  return {
    json: { id, ...keys, ...(made !== undefined && { password: made }) },
    lines: [...keyLines(`added client ${id}`, keys), ...(made === undefined ? [] : [once('password', made)])],
  }
}

async function set(call: Call, flags: ClientFlags): Promise<Found> {
  const { made, ...change } = await inputOf(call, flags)
  if (Object.keys(change).length === 0)
    throw new ConfigError('USAGE', 'client set: wanted something to change, see --help')
  await call.manager.patchClient(call.id, change, BY)
  const { json, lines } = await shown(call)
  if (made === undefined) return { json, lines }
  return { json: { ...Object(json), password: made }, lines: [...lines, once('password', made)] }
}

interface Asked extends ReturnType<typeof commonPatch> {
  user?: string | null
  login?: PlainLogin | null
  vkey?: string
  crypt?: boolean
  compress?: boolean
  selection?: Selection
  mayConfigure?: boolean
  registeredOnly?: boolean
  maxTunnels?: number | null
}

/** … and the password, where it was made here. */
async function inputOf(call: Call, flags: ClientFlags): Promise<Asked & { made?: string }> {
  const { user, login, crypt, compress, selection, mayConfigure, registeredOnly, maxTunnels } = flags
  const wanted = (['passwordStdin', 'vkeyStdin'] as const).filter((key) => flags[key])
  const inOrder = [...call.given.keys()].filter((key) => wanted.some((each) => each === key))
  const secrets = await readSecrets(call.io.stdin, inOrder)
  const textOf = (key: string): string | undefined => {
    const secret = secrets.get(key)
    return secret && Buffer.from(secret).toString()
  }
  const password = textOf('passwordStdin')
  const vkey = textOf('vkeyStdin')
  if (password !== undefined && typeof login !== 'string')
    throw new ConfigError('USAGE', '--password-stdin: wanted --login with it')
  const made = typeof login === 'string' && password === undefined ? makePassword() : undefined
  return {
    ...commonPatch(flags),
    ...mentioned({ user, crypt, compress, selection, mayConfigure, registeredOnly, maxTunnels, vkey }),
    ...(login !== undefined && {
      login: login === null ? null : { name: login, password: password ?? made ?? '' },
    }),
    ...(made !== undefined && { made }),
  }
}

async function shown(call: Call): Promise<Found> {
  const view = await clientView(call.store.client(call.id), call, call.store.presence.read())
  return { json: view, lines: clientLines(view) }
}

async function all(call: Call): Promise<ClientView[]> {
  const state = call.store.presence.read()
  const views: ClientView[] = []
  for (const record of call.store.clients()) views.push(await clientView(record, call, state))
  return views
}

const once = (what: string, secret: string): string => `${what} (shown this once): ${secret}`

const keyLines = (head: string, { vkey, enroll }: { vkey: string; enroll?: string }): string[] => [
  head,
  once('vkey', vkey),
  enroll === undefined
    ? 'no enrolment: tell where the bridge is by --server HOST:PORT'
    : once('enrolment', enroll),
]
