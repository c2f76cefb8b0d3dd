import { resolve } from 'node:path'
import { ConfigError, orNone, size, textType } from '@sluice/service'
import { z } from 'zod'
import type { HostScheme } from '../records.ts'
import { BY, type Call, type Found, type Verb, verb } from './record-command.ts'
import {
  about,
  type CommonRecordFlags,
  commonPatch,
  commonRecordFlags,
  type Flags,
  mentioned,
  optionalFlag,
  optionalText,
  optionalTextOrNone,
  type ServedFlags,
  servedFlags,
  servedPatch,
  withoutNulls,
} from './record-flags.ts'
import { hostLines, hostTable } from './record-tables.ts'
import { hostView } from './record-views.ts'
import {
  listVerb,
  ofClient,
  type RecordVerbs,
  removeVerb,
  resetFlowVerb,
  showVerb,
  switchVerbs,
} from './record-verbs.ts'

type Header = [name: string, value: string]

interface HostFlags extends CommonRecordFlags, ServedFlags {
  host: string | undefined
  location: string | undefined
  scheme: HostScheme | undefined
  hostChange: string | null | undefined
  header: Header[] | undefined
  cert: string | null | undefined
  key: string | null | undefined
  passThrough: boolean | undefined
  autoHttps: boolean | undefined
  autoCert: boolean | undefined
  cache: number | null | undefined
}

// A comma ends a header only where the next one begins: values may have commas, too.
const NEXT_HEADER = /,(?=[!#$%&'*+.^_`|~\w-]+: )/

const headers = textType('NAME: VALUE', 'a header as NAME: VALUE, or none', (written): Header[] =>
  written === 'none'
    ? []
    : written.split(NEXT_HEADER).map((line) => {
        const [, name, value] = /^([^:\s]+): *(.*)$/s.exec(line) ?? []
        if (name === undefined || value === undefined) throw new RangeError('no header')
        return [name, value]
      }),
)

const hostFlags: Flags<HostFlags> = {
  host: optionalText('name that visitors ask for, or *. and a name', 'NAME'),
  location: optionalText('front of the paths that are meant; all unless told', '/PATH'),
  scheme: z.enum(['all', 'http', 'https']).optional().meta(about('how visitors may come; all unless told')),
  ...servedFlags,
  hostChange: optionalTextOrNone(
    'what targets see as Host; what the visitor asked for unless told',
    'HOST[:PORT]',
  ),
  header: headers.optional().meta({ ...about('set in requests; may be given several times'), list: true }),
  cert: optionalTextOrNone('certificate of its own, PEM', 'FILE'),
  key: optionalTextOrNone('private key of --cert, PEM', 'FILE'),
  passThrough: optionalFlag('TLS goes through to the target, by its SNI'),
  autoHttps: optionalFlag('visitors that come by http are sent to https'),
  autoCert: optionalFlag('its certificate is asked for by ACME, where the server has --acme-agree'),
  cache: orNone(size)
    .optional()
    .meta(about('how much of its answers is kept in memory, for others; nothing unless told')),
  ...commonRecordFlags,
}

const RECORDS: RecordVerbs = {
  of: 'host',
  show: {
    about: 'Shows a host: limits and flow.',
  },
  enable: 'Serves a host again.',
  disable: 'Serves a host no more and cuts its visitors.',
  remove: 'Removes a host and cuts its visitors.',
  shown,
  setEnabled: ({ id, manager }, enabled) => manager.patchHost(id, { enabled }, BY),
  removed: ({ id, manager }) => manager.removeHost(id, BY),
}

/** What can follow `host`. */
export function hostVerbs(): Verb[] {
  const of = 'host'
  return [
    verb(
      {
        of,
        words: 'add',
        about: 'Adds a host: what visitors of --http and --https ask for by its name.',
        examples: [
          {
            does: 'A site at the web server of the client:',
            line: 'host add --client 1 --host www.example.org --target 127.0.0.1:80',
          },
          {
            does: 'Only what is below a path, and only over TLS:',
            line: 'host add --client 1 --host example.org --location /wiki --scheme https --target 8080',
          },
        ],
      },
      { ...ofClient, ...hostFlags },
      async (call, { client, ...flags }) => {
        const { host = '', ...input } = withoutNulls(inputOf(flags))
        const { id } = await call.manager.addHost({ ...input, clientId: client, host }, BY)
        return { json: viewOf(call, id), lines: [`added host ${id}`] }
      },
    ),
    listVerb(
      of,
      ({ store }) => store.hosts(),
      (records, call) => {
        const state = call.store.presence.read()
        const views = records.map((record) => hostView(record, call, state))
        return { json: views, lines: hostTable(views) }
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
            does: 'Two targets in turn, by their load:',
            line: 'host set 1 --target 8080,8081 --balance leastConnections',
          },
        ],
      },
      hostFlags,
      async (call, flags) => {
        const change = inputOf(flags)
        if (Object.keys(change).length === 0)
          throw new ConfigError('USAGE', 'host set: wanted something to change, see --help')
        await call.manager.patchHost(call.id, change, BY)
        return shown(call)
      },
    ),
    ...switchVerbs(RECORDS),
    removeVerb(RECORDS),
    resetFlowVerb(RECORDS),
  ]
}

interface Asked extends ReturnType<typeof commonPatch>, ReturnType<typeof servedPatch> {
  host?: string
  location?: string
  scheme?: HostScheme
  hostChange?: string | null
  headers?: Header[]
  certFile?: string | null
  keyFile?: string | null
  passThrough?: boolean
  autoHttps?: boolean
  autoCert?: boolean
  cacheBytes?: number | null
}

function inputOf(flags: HostFlags): Asked {
  const { host, location, scheme, hostChange, header, cert, key } = flags
  const { passThrough, autoHttps, autoCert, cache: cacheBytes } = flags
  const files = { certFile: absolute(cert), keyFile: absolute(key) }
  const own = { host, location, scheme, hostChange, headers: header, ...files }
  return {
    ...commonPatch(flags),
    ...servedPatch(flags),
    ...mentioned({ ...own, passThrough, autoHttps, autoCert, cacheBytes }),
  }
}

/** The server may run in another folder. */
const absolute = (path: string | null | undefined): string | null | undefined => path && resolve(path)

const viewOf = (call: Call, id: number): ReturnType<typeof hostView> =>
  hostView(call.store.host(id), call, call.store.presence.read())

function shown(call: Call): Found {
  const view = viewOf(call, call.id)
  return { json: view, lines: hostLines(view) }
}
