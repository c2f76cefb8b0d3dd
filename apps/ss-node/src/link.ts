import {
  ConfigError,
  type ConfigSchema,
  loadConfig,
  textType,
  type UserCommandIo,
  type UserLink,
} from '@sluice/service'
import { parseHost } from '@sluice/wire'
import { encodeSsUri, ssDocument, type SsDocumentServer } from '@sluice/wire/shadowsocks'
import { renderUnicodeCompact } from 'uqr'
import { z } from 'zod'
import { sip008Path } from './remote/sip008.ts'
import { type ServerPlaces, userServers } from './user-servers.ts'

/** What links need of the program's settings. */
export interface LinkSettings {
  readonly listen: string
  readonly port: number | undefined
  readonly identityKey: ServerPlaces['identityKeys']
  /** Of documents that are served to clients; none are where there is none. */
  readonly sip008Secret: string | undefined
}

export interface LinkFlags {
  readonly server: string | undefined
  readonly sip008: boolean
}

const QR_OPTIONS = { border: 2 }

const serverHost = textType('HOST', 'a name or an IP address, without a port', (written) =>
  parseHost(/^\[.*\]$/.test(written) ? written.slice(1, -1) : written),
)

const linkFlags: ConfigSchema<LinkFlags> = z.object({
  server: serverHost.optional().meta({
    description: 'what clients reach this node by, where it is not the address it listens on',
    group: 'information',
    from: ['flag'],
  }),
  sip008: z
    .boolean()
    .default(false)
    .meta({
      description: 'print a document as SIP008 has it, for clients that fetch one',
      group: 'information',
      from: ['flag'],
    }),
})

/** What `ss-node user link` is made of: part of the `user` command. */
export function linkCommand(schema: ConfigSchema<LinkSettings>): Pick<UserCommandIo, 'link' | 'linkOptions'> {
  const both = schema.extend(linkFlags.shape)
  return {
    link: (_name, _password, argv, user) => {
      const { config } = loadConfig(both, { argv, env: process.env })
      return userLink(user, config)
    },
    linkOptions: {
      flags: linkFlags.shape,
      more: [
        'A URI as SIP002 has it and a QR code for each Shadowsocks credential of the user. Its secret is in them, in ' +
          'clear: who has the link is the user.',
        'The address is the one that the node would listen on with the same flags, variables and file, unless --server ' +
          'is given; one that stands for all interfaces is shown as the name of this machine.',
      ],
      examples: [
        { does: 'With the name that clients reach the node by:', line: 'link alice --server ss.example.org' },
        { does: 'As a document:', line: 'link alice --server ss.example.org --sip008 > alice.json' },
      ],
    },
  }
}

/** @throws ConfigError where the user has no Shadowsocks credential, or one without a port */
export function userLink(
  user: Parameters<typeof userServers>[0],
  config: LinkSettings & LinkFlags,
): UserLink {
  const { listen, server = listen, port, identityKey: identityKeys } = config
  const { servers, portless } = userServers(user, { host: server, port, identityKeys })
  const [without] = portless
  if (without !== undefined) {
    throw usage(user.name, `${without.method} has no port of its own: --port says which one all share`)
  }
  if (servers.length === 0)
    throw usage(user.name, 'no Shadowsocks credential: user set gives one, see --ss-method')
  if (config.sip008) return documentOf(servers)
  return withDocument(linksOf(servers), config.sip008Secret && sip008Path(config.sip008Secret, user))
}

function linksOf(servers: readonly SsDocumentServer[]): UserLink {
  const uris = servers.map((server) => encodeSsUri(server))
  const urls = uris.map((uri, index) => [index === 0 ? 'ss' : `ss${index + 1}`, uri] as const)
  return { urls: Object.fromEntries(urls), lines: uris.flatMap((uri) => [uri, '', ...qrLines(uri), '']) }
}

/** @param path where the ops port serves the user's document */
function withDocument(links: UserLink, path: string | undefined): UserLink {
  if (path === undefined) return links
  return {
    ...links,
    json: { ...links.json, sip008Path: path },
    lines: [...links.lines, `SIP008, on the ops port: ${path}`],
  }
}

function documentOf(servers: readonly SsDocumentServer[]): UserLink {
  const sip008 = ssDocument({ servers })
  return { urls: {}, json: { sip008 }, lines: [JSON.stringify(sip008, undefined, 2)] }
}

function qrLines(text: string): string[] {
  try {
    return renderUnicodeCompact(text, QR_OPTIONS).split('\n')
  } catch (error) {
    if (error instanceof RangeError) return ['(too long for a QR code)']
    throw error
  }
}

const usage = (name: string, problem: string): ConfigError =>
  new ConfigError('USAGE', `user ${JSON.stringify(name)}: ${problem}`)
