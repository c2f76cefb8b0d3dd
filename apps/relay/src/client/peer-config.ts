import { join } from 'node:path'
import {
  address,
  baseSchema,
  ConfigError,
  type ConfigInput,
  type ConfigSchema,
  duration,
  type LogLevel,
  loadConfig,
  readSecret,
  wholeNumber,
  isLoopbackListener,
} from '@sluice/service'
import type { Address } from '@sluice/wire'
import { formatNodeId, parseNodeId, type RelayAddress } from '@sluice/wire/relay'
import { z } from 'zod'
import { type Identity, openIdentity } from '../identity.ts'
import { relayUrls } from '../listen-url.ts'
import { KnownRelaysFile } from './known-relays.ts'
import type { PeerOptions } from './peer.ts'
import { PeerNotes } from './peer-notes.ts'

/** Of every peer command. */
export interface PlaceConfig {
  config: string | undefined
  data: string
  store: string | undefined
  help: boolean
}

/** Of those that reach relays. */
export interface RelaysConfig extends PlaceConfig {
  relay: RelayAddress[]
  tokenStdin: boolean
  checkCertificate: boolean
}

/** Of those that have circuits. */
interface CircuitsConfig extends RelaysConfig {
  noEncrypt: boolean
}

/** Of those that run until they are stopped. */
export interface EndConfig extends CircuitsConfig {
  ops: Address | undefined
  logLevel: LogLevel
  graceMs: number
}

export interface ListenConfig extends EndConfig {
  forward: Address
  allowPeer: string[]
}

export interface DialConfig extends EndConfig {
  listen: Address | undefined
  stdio: boolean
  open: boolean
  waitMs: number
}

export interface StatusConfig extends RelaysConfig {
  json: boolean
}

export interface PingConfig extends CircuitsConfig {
  json: boolean
  count: number
}

export interface IdConfig extends PlaceConfig {
  json: boolean
}

/** In the file that servers and peers share, and in the environment, the same word is a server's. */
const FLAG_ALONE = { from: ['flag'] } as const
const { config, data, store, help, ops, logLevel, graceMs } = baseSchema().shape

const place: ConfigSchema<PlaceConfig> = z.object({
  config,
  data: data.meta({ ...data.meta(), description: 'folder of the identity and the known relays' }),
  store: store.meta({ ...store.meta(), description: 'of no use here; as at the other commands' }),
  help,
})

const json = z
  .boolean()
  .default(false)
  .meta({ description: 'print one JSON value and nothing else', group: 'information', ...FLAG_ALONE })

const relays: ConfigSchema<RelaysConfig> = place.extend({
  relay: relayUrls.prefault([]).meta({
    description:
      'where the relays are, those of the last command unless given; without an ID the one seen there first has to stay',
    placeholder: 'URL[,URL]',
    wanted: 'relays, such as tls://relay.example.org:443/p2p/ID',
    group: 'relays',
  }),
  tokenStdin: z
    .boolean()
    .default(false)
    .meta({ description: 'read an access token from standard input', group: 'relays', ...FLAG_ALONE }),
  checkCertificate: z.boolean().default(false).meta({
    description: "check the relays' certificates as browsers do, for relays behind something that ends TLS",
    group: 'relays',
  }),
})

const circuits: ConfigSchema<CircuitsConfig> = relays.extend({
  noEncrypt: z.boolean().default(false).meta({
    description: 'let the relay read and change everything; the other peer has to be told the same',
    group: 'circuits',
  }),
})

const end: ConfigSchema<EndConfig> = circuits.extend({
  ops: ops.meta({
    ...ops.meta(),
    description: 'where /healthz, /readyz and /metrics are served',
    ...FLAG_ALONE,
  }),
  logLevel,
  graceMs: graceMs.meta({ ...graceMs.meta(), description: 'how long circuits may go on after SIGTERM' }),
})

const nodeIds: z.ZodType<string[], string | string[]> = z
  .union([z.array(z.string()).max(1000), z.string().transform((value) => value.split(','))])
  .transform((values, context) => {
    try {
      return values.map((value) => formatNodeId(parseNodeId(value.trim())))
    } catch {
      context.addIssue({ code: 'custom', message: 'not a NodeID' })
      return z.NEVER
    }
  })
  .meta({ placeholder: 'ID[,ID]', wanted: 'NodeIDs, as "relay peer id" prints them', list: true })

export const listenSchema: ConfigSchema<ListenConfig> = end.extend({
  forward: address.meta({
    description: 'where circuits lead to, such as a server on this machine',
    group: 'circuits',
    ...FLAG_ALONE,
  }),
  allowPeer: nodeIds.prefault([]).meta({
    description: 'peers who may come; anybody whom the relay admits unless given',
    group: 'circuits',
  }),
})

export const dialSchema: ConfigSchema<DialConfig> = end.extend({
  listen: address.optional().meta({
    description: 'where programs on this machine come in',
    group: 'circuits',
    ...FLAG_ALONE,
  }),
  stdio: z
    .boolean()
    .default(false)
    .meta({
      description: 'one circuit for standard input and output, in the place of --listen',
      group: 'circuits',
      ...FLAG_ALONE,
    }),
  open: z
    .boolean()
    .default(false)
    .meta({
      description: 'listen beyond loopback: whoever reaches the listener reaches the peer',
      group: 'circuits',
      ...FLAG_ALONE,
    }),
  waitMs: duration.prefault('10').meta({
    description: 'how long a connection waits where a relay has no room for one more circuit',
    flag: 'wait',
    group: 'circuits',
  }),
})

export const statusSchema: ConfigSchema<StatusConfig> = relays.extend({ json })
export const pingSchema: ConfigSchema<PingConfig> = circuits.extend({
  count: wholeNumber(1, 1000)
    .prefault(4)
    .meta({ description: 'how many circuits, one after the other', group: 'circuits', ...FLAG_ALONE }),
  json,
})
export const idSchema: ConfigSchema<IdConfig> = place.extend({ json })

export interface Called<T> {
  readonly config: T
  /** The peer that was named, in Base58; '' where none has to be. */
  readonly peer: string
}

/**
 * What a command line says.
 * @param word the command
 * @throws ConfigError for what cannot be
 */
export const called = <T extends PlaceConfig>(
  word: string,
  schema: ConfigSchema<T>,
  input: ConfigInput,
  namesPeer = false,
): Called<T> => {
  const { config: settings, positionals } = loadConfig(schema, input)
  const [peer = '', extra] = namesPeer ? positionals : ['', ...positionals]
  if (extra !== undefined) throw usage(`peer ${word}: ${JSON.stringify(extra)} is one word too many`)
  if (namesPeer && peer === '') throw usage(`peer ${word}: the ID of a peer is missing`)
  return { config: settings as T, peer: namesPeer ? checkedId(word, peer) : '' }
}

const checkedId = (word: string, text: string): string => {
  try {
    return formatNodeId(parseNodeId(text))
  } catch {
    throw usage(`peer ${word}: ${JSON.stringify(text.slice(0, 80))} is no ID of a peer`)
  }
}

/** @throws ConfigError where the listener leads beyond this machine and nobody has said that this is meant */
export const checkDial = ({ listen, stdio, open, tokenStdin }: DialConfig): void => {
  if ((listen === undefined) !== stdio) throw usage('peer dial: wanted one of --listen and --stdio')
  if (stdio && tokenStdin) throw usage('peer dial: --stdio and --token-stdin both want standard input')
  if (listen === undefined || isLoopbackListener(listen) || open) return
  throw new ConfigError(
    'CONFIG_INVALID',
    `--listen: ${listen.host}:${listen.port} is not loopback: whoever reaches it would reach the peer; give --open`,
  )
}

/** Who this peer is, on this machine. @throws ConfigError */
export const identityAt = ({ data: folder }: PlaceConfig): Identity =>
  openIdentity(join(folder, 'peer-identity.pem'))

/** Those that were given, or else the last time. @throws ConfigError where there never were any */
const relaysOf = ({ relay, data: folder }: RelaysConfig): readonly RelayAddress[] => {
  const notes = new PeerNotes(folder)
  const known = relay.length > 0 ? relay : notes.relays
  if (known.length === 0) {
    throw usage('--relay is missing, wanted relays, such as tls://relay.example.org:443/p2p/ID')
  }
  if (relay.length > 0) notes.keepRelays(relay)
  return known
}

/** @throws ConfigError */
export const peerOptions = async (
  settings: RelaysConfig & { noEncrypt?: boolean },
  stdin: AsyncIterable<Uint8Array | string>,
): Promise<PeerOptions> => ({
  identity: identityAt(settings),
  relays: relaysOf(settings),
  known: new KnownRelaysFile(join(settings.data, 'known-relays')),
  checksCertificate: settings.checkCertificate,
  encrypt: settings.noEncrypt !== true,
  token: settings.tokenStdin ? await readSecret(stdin) : undefined,
})

const usage = (message: string): ConfigError => new ConfigError('USAGE', message)
