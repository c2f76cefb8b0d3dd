import { ConfigError, makePassword, readSecret } from '@sluice/service'
import { z } from 'zod'
import type { PlainLogin } from '../manager-inputs.ts'
import { TUNNEL_MODES, type TunnelMode } from '../records.ts'
import { isPrivate } from '../store/record-schemas.ts'
import { BY, type Call, type Found, type RecordCommandIo, type Verb, verb } from './record-command.ts'
import {
  about,
  type CommonRecordFlags,
  commonPatch,
  commonRecordFlags,
  type Flags,
  type Listen,
  listen,
  mentioned,
  optionalTextOrNone,
  type ServedFlags,
  servedFlags,
  servedPatch,
  settingOf,
  stdinFlag,
  withoutNulls,
} from './record-flags.ts'
import { tunnelLines, tunnelTable } from './record-tables.ts'
import { type TunnelView, tunnelView } from './record-views.ts'
import {
  listVerb,
  ofClient,
  type RecordVerbs,
  removeVerb,
  resetFlowVerb,
  showVerb,
  switchVerbs,
} from './record-verbs.ts'

interface TunnelFlags extends CommonRecordFlags, ServedFlags {
  listen: Listen | undefined
  login: string | null | undefined
  passwordStdin: boolean
  folder: string | null | undefined
  stripPrefix: string | null | undefined
}

const tunnelFlags: Flags<TunnelFlags> = {
  listen: listen
    .optional()
    .meta(about('where visitors come to; a range of ports is a tunnel each, with targets port by port')),
  ...servedFlags,
  login: optionalTextOrNone(
    'name that visitors of a proxy sign in with; that of the client unless told',
    'NAME',
  ),
  passwordStdin: stdinFlag('the password of --login, or of a secret or p2p tunnel,'),
  folder: optionalTextOrNone(
    'of a file tunnel: which folder below the --files of "client run"; that itself unless told',
    'DIR',
  ),
  stripPrefix: optionalTextOrNone('of a file tunnel: what is cut off the front of paths', 'PATH'),
  ...commonRecordFlags,
}

const mode = z.enum(TUNNEL_MODES).meta(about('what kind of tunnel it is'))

const RECORDS: RecordVerbs = {
  of: 'tunnel',
  show: {
    about: 'Shows a tunnel: limits, flow, and why it is not open where it is not.',
  },
  enable: 'Opens a tunnel again.',
  disable: 'Closes a tunnel and cuts its visitors.',
  remove: 'Removes a tunnel and cuts its visitors.',
  shown,
  setEnabled: ({ id, manager }, enabled) => manager.patchTunnel(id, { enabled }, BY),
  removed: ({ id, manager }) => manager.removeTunnel(id, BY),
}

/** What can follow `tunnel`. */
export function tunnelVerbs({ schema }: Pick<RecordCommandIo, 'schema'>): Verb[] {
  const of = 'tunnel'
  const ports = settingOf<unknown>(schema, 'ports')
  return [
    verb(
      {
        of,
        words: 'add',
        about: 'Adds a tunnel, or one for each of a range of ports.',
        more: [
          'tcp, udp: to a target; socks5, httpProxy, mixed: a proxy whose visitors say where to; secret, p2p: for those who ' +
            'have its password, at their own machines; file: a folder at the client.',
          'Whether a target is allowed is the client’s to say. Where a password is needed and none is given, one is made and ' +
            'printed, this once.',
        ],
        examples: [
          {
            does: 'Who comes to port 8001 is at the web server of the client:',
            line: 'tunnel add --client 1 --mode tcp --listen 0.0.0.0:8001 --target 127.0.0.1:80',
          },
          {
            does: 'Ten ports, to ten ports:',
            line: 'tunnel add --client 1 --mode udp --listen 0.0.0.0:9001-9010 --target 127.0.0.1:9001-9010',
          },
          {
            does: 'For those alone who have the password:',
            line: 'tunnel add --client 1 --mode secret --target 22',
          },
        ],
      },
      { ...ofClient, mode, ...tunnelFlags, ports },
      add,
    ),
    listVerb(
      of,
      ({ store }) => store.tunnels(),
      (records, call) => {
        const state = call.store.presence.read()
        const views = records.map((record) => tunnelView(record, call, state))
        return { json: views, lines: tunnelTable(views) }
      },
    ),
    showVerb(RECORDS),
    verb(
      {
        of,
        words: 'set ID',
        about: 'Changes what the flags say, `none` takes it away. It holds for open connections too.',
        examples: [
          {
            does: 'Another target, and no more than a megabyte a second:',
            line: 'tunnel set 1 --target 8080 --total 1MB/s',
          },
        ],
      },
      { ...tunnelFlags, ports },
      set,
    ),
    ...switchVerbs(RECORDS),
    removeVerb(RECORDS),
    resetFlowVerb(RECORDS),
  ]
}

async function add(call: Call, flags: TunnelFlags & { client: number; mode: TunnelMode }): Promise<Found> {
  const { made, ...rest } = await inputOf(call, flags, flags.mode)
  const input = { ...withoutNulls(rest), clientId: flags.client, mode: flags.mode }
  const { listen: place } = flags
  const added =
    place === undefined
      ? [await call.manager.addTunnel(input, BY)]
      : await call.manager.addTunnels({ ...input, host: place.host, ports: place.ports }, BY)
  const state = call.store.presence.read()
  const views = added.map((record) => ({
    ...tunnelView(record, call, state),
    ...(made !== undefined && { password: made }),
  }))
  return {
    json: place?.ports.includes('-') ? views : views[0],
    lines: [...added.map(({ id }) => `added tunnel ${id}`), ...onceLines(made)],
  }
}

async function set(call: Call, flags: TunnelFlags): Promise<Found> {
  const { mode: kind } = call.store.tunnel(call.id)
  const { made, ...change } = await inputOf(call, flags, kind, true)
  const { listen: place } = flags
  const at = place && { host: place.host, port: portOf(place) }
  if (Object.keys(change).length === 0 && at === undefined)
    throw new ConfigError('USAGE', 'tunnel set: wanted something to change, see --help')
  await call.manager.patchTunnel(call.id, { ...change, ...at }, BY)
  const { json, lines } = shown(call)
  return {
    json: made === undefined ? json : { ...Object(json), password: made },
    lines: [...lines, ...onceLines(made)],
  }
}

interface Asked extends ReturnType<typeof commonPatch>, ReturnType<typeof servedPatch> {
  password?: string
  logins?: PlainLogin[] | null
  localPath?: string | null
  stripPrefix?: string | null
}

/** … and the password, where it was made here. */
async function inputOf(
  { io }: Call,
  flags: TunnelFlags,
  kind: TunnelMode,
  isOld = false,
): Promise<Asked & { made?: string }> {
  const { login, folder, stripPrefix, passwordStdin } = flags
  const given = passwordStdin ? Buffer.from(await readSecret(io.stdin)).toString() : undefined
  const isLogin = typeof login === 'string'
  if (given !== undefined && !isLogin && !isPrivate(kind))
    throw new ConfigError('USAGE', `--password-stdin: ${kind} wants --login with it`)
  const needs = isLogin || (isPrivate(kind) && !isOld)
  const made = needs && given === undefined ? makePassword() : undefined
  const password = given ?? made
  return {
    ...commonPatch(flags),
    ...servedPatch(flags),
    ...mentioned({ localPath: folder, stripPrefix }),
    ...(login === null && { logins: null }),
    ...(isLogin && { logins: [{ name: login, password: password ?? '' }] }),
    ...(!isLogin && password !== undefined && { password }),
    ...(made !== undefined && { made }),
  }
}

function portOf({ ports }: Listen): number {
  if (/^\d+$/.test(ports)) return Number(ports)
  throw new ConfigError('USAGE', '--listen: wanted one port, since it is one tunnel')
}

function shown(call: Call): Found & { json: TunnelView } {
  const view = tunnelView(call.store.tunnel(call.id), call, call.store.presence.read())
  return { json: view, lines: tunnelLines(view) }
}

const onceLines = (password: string | undefined): string[] =>
  password === undefined ? [] : [`password (shown this once): ${password}`]
