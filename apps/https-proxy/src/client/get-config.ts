import {
  type BaseConfig,
  baseSchema,
  ConfigError,
  type ConfigInput,
  type ConfigSchema,
  loadConfig,
  text,
  wholeNumber,
} from '@sluice/service'
import type { HttpField } from '@sluice/wire'
import { z } from 'zod'
import { PRIORITIES } from '../job.ts'

export interface GetConfig extends Pick<BaseConfig, 'config' | 'data' | 'store' | 'help'> {
  header: string | undefined
  body: string | undefined
  output: string | undefined
  include: boolean
  user: string | undefined
  passwordStdin: boolean
  tokenStdin: boolean
  redirects: number
  priority: string
  tls: boolean
  ca: string | undefined
}

/** A call of the command, read. */
export interface GetCall {
  readonly config: GetConfig
  readonly method: string
  readonly url: string
  /** Of the server. */
  readonly host: string
  readonly port: number
  readonly fields: readonly HttpField[]
}

/** In the file that a server reads, and in the environment, the same word is the server's. */
const FLAG_ALONE = { from: ['flag'] } as const
const { config, data, store, help } = baseSchema().shape

const onOff = (description: string, group: string): z.ZodType<boolean> =>
  z
    .boolean()
    .default(false)
    .meta({ description, group, ...FLAG_ALONE })

export const getSchema: ConfigSchema<GetConfig> = z.object({
  header: text.optional().meta({
    description: 'a header of the request; may be given several times',
    placeholder: 'NAME:VALUE',
    group: 'request',
    ...FLAG_ALONE,
  }),
  body: text.optional().meta({
    description: 'body of the request: - for standard input, @FILE for a file, or the text itself',
    placeholder: '-|@FILE|TEXT',
    group: 'request',
    ...FLAG_ALONE,
  }),
  redirects: wholeNumber(0, 50)
    .prefault(0)
    .meta({ description: 'how many redirects to follow', group: 'request', ...FLAG_ALONE }),
  priority: z
    .enum(PRIORITIES as [string, ...string[]])
    .default('normal')
    .meta({ description: 'among your requests that wait', group: 'request', ...FLAG_ALONE }),
  output: text.optional().meta({
    description: 'file for the body of the response, in place of standard output',
    placeholder: 'FILE',
    group: 'response',
    ...FLAG_ALONE,
  }),
  include: onOff('print status and headers of the response on standard error', 'response'),
  user: text.optional().meta({
    description: 'name to sign in with; the password is in SLUICE_PASSWORD, or see --password-stdin',
    placeholder: 'NAME',
    group: 'server',
    ...FLAG_ALONE,
  }),
  passwordStdin: onOff('read the password from standard input', 'server'),
  tokenStdin: onOff('sign in with a token, read from standard input', 'server'),
  tls: onOff('reach the server over TLS, and check its certificate', 'server'),
  ca: text.optional().meta({
    description: "certificates to trust for --tls, PEM, instead of the system's",
    placeholder: 'FILE',
    group: 'server',
    ...FLAG_ALONE,
  }),
  config,
  data: data.meta({ ...data.meta(), description: 'of no use here; as at the other commands' }),
  store: store.meta({ ...store.meta(), description: 'of no use here; as at the other commands' }),
  help,
})

const SERVER = { host: 'localhost', port: 8888 } as const
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/

/** What a command line says. @throws ConfigError */
export const readGetCall = (input: ConfigInput): GetCall => {
  const { argv, headers } = takeHeaders(input.argv)
  const { config: settings, positionals } = loadConfig(getSchema, { ...input, argv })
  const [url = '', method = 'GET', host = SERVER.host, port = String(SERVER.port), extra] = positionals
  if (extra !== undefined) throw usage(`${shown(extra)} is one word too many`)
  checkInput(settings)
  return {
    config: settings,
    url: checkUrl(url),
    method: checkMethod(method),
    host: checkHost(host),
    port: checkPort(port),
    fields: headers.map(fieldOf),
  }
}

/** A value may hold commas, so these are no list of the usual kind. */
const takeHeaders = (argv: readonly string[]): { argv: string[]; headers: string[] } => {
  const [rest, headers]: [string[], string[]] = [[], []]
  const words = argv.values()
  for (const word of words) {
    const inline = /^--header=(.*)$/s.exec(word)?.[1]
    if (word === '--') return { argv: [...rest, word, ...words], headers }
    if (word === '--header') headers.push(words.next().value ?? '')
    else if (inline !== undefined) headers.push(inline)
    else rest.push(word)
  }
  return { argv: rest, headers }
}

const fieldOf = (written: string): HttpField => {
  const [, name = '', value = ''] = /^([^:]*):[\t ]*(.*?)[\t ]*$/s.exec(written) ?? []
  if (TOKEN_ANY.test(name) && /^[\t\u0020-\u007e\u0080-\u00ff]*$/.test(value)) return [name, value]
  throw usage(`--header: ${shown(name || written)} is no header, such as "Accept: text/plain"`)
}

const TOKEN_ANY = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/

const checkUrl = (url: string): string => {
  if (url === '') throw usage('the URL is missing')
  if (/^https?:$/.test(URL.parse(url)?.protocol ?? '')) return url
  throw usage(`${shown(url)} is no URL, such as https://example.com/`)
}

const checkMethod = (method: string): string => {
  if (TOKEN.test(method)) return /^[a-z]+$/.test(method) ? method.toUpperCase() : method
  throw usage(`${shown(method)} is no method, such as POST`)
}

const checkHost = (host: string): string => {
  const plain = /^[^[].*:/.test(host) ? `[${host}]` : host
  if (/^[\w.:[\]-]{1,255}$/.test(host) && URL.parse(`http://${plain}`) !== null) return plain
  throw usage(`${shown(host)} is no host of a server`)
}

const checkPort = (port: string): number => {
  if (/^\d{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65_536) return Number(port)
  throw usage(`${shown(port)} is no port of a server`)
}

/** Standard input is read for one thing. */
const checkInput = ({ user, passwordStdin, tokenStdin, body, tls, ca }: GetConfig): void => {
  const wanting = [
    passwordStdin && '--password-stdin',
    tokenStdin && '--token-stdin',
    body === '-' && '--body -',
  ]
  const [one, other] = wanting.filter((each) => each !== false)
  if (other !== undefined) throw usage(`${one} and ${other} both want standard input`)
  if (passwordStdin && user === undefined) throw usage('--password-stdin wants --user')
  if (tokenStdin && user !== undefined) throw usage('--user and --token-stdin are two ways to sign in')
  if (ca !== undefined && !tls) throw usage('--ca wants --tls')
}

const shown = (word: string): string => JSON.stringify(word.slice(0, 80))

const usage = (message: string): ConfigError => new ConfigError('USAGE', `get: ${message}`)
