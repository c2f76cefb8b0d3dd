import { createWriteStream, readFileSync } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type AppCommand, ConfigError, manualText, readSecret } from '@sluice/service'
import type { z } from 'zod'
import { bodyOf } from './get-body.ts'
import { type GetCall, getSchema, readGetCall } from './get-config.ts'
import { HttpsProxyClient, type ProxiedRequest, type ProxiedResponse } from './https-proxy-client.ts'
import { HttpsProxyError } from './https-proxy-error.ts'
import { ProgressBar, type Screen } from './progress-bar.ts'

export interface GetIo {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdin: Readable
  readonly stdout: Writable & { readonly isTTY?: boolean }
  readonly stderr: Screen
  /** The server's settings, with which it may share a file. */
  readonly schema: z.ZodObject
}

const ABOUT = 'Has one request made by a server, and prints the body of the response.'
const USAGE = 'URL [METHOD] [host] [port] [flags]'

/** `https-proxy get`. */
export const getCommand = (io: GetIo): AppCommand => ({
  about: ABOUT,
  usage: USAGE,
  flags: getSchema,
  run: (argv) => runGet(argv, io),
})

const runGet = async (argv: readonly string[], io: GetIo): Promise<number> => {
  if (argv.includes('--help') || argv.includes('-h')) {
    io.stdout.write(help())
    return 0
  }
  const call = readGetCall({ argv, env: io.env, shares: io.schema })
  try {
    await using client = await clientOf(call, io)
    await get(client, call, io)
    return 0
  } catch (error) {
    if (error instanceof ConfigError) throw error
    io.stderr.write(`https-proxy: ${explained(error).replaceAll(/[\p{Cc}\s]+/gu, ' ')}\n`)
    return 1
  }
}

const clientOf = async (
  { config, host, port }: GetCall,
  { env, stdin }: GetIo,
): Promise<HttpsProxyClient> => {
  const { user, tls, ca } = config
  const secret = config.passwordStdin || config.tokenStdin ? await readSecret(stdin) : undefined
  const token = config.tokenStdin ? secret?.toString() : undefined
  const password = secret ?? env['SLUICE_PASSWORD']
  if (user !== undefined && password === undefined) {
    throw new ConfigError('USAGE', 'get: --user wants a password: SLUICE_PASSWORD or --password-stdin')
  }
  const server = `${tls ? 'https' : 'http'}://${host}:${port}`
  return new HttpsProxyClient({
    server,
    user,
    password,
    token,
    ca: ca === undefined ? undefined : readPem(ca),
  })
}

const readPem = (path: string): string => {
  try {
    return readFileSync(path, 'latin1')
  } catch (cause) {
    throw new ConfigError('CONFIG_INVALID', `--ca: cannot read ${path} (${Object(cause).code})`, { cause })
  }
}

const get = async (client: HttpsProxyClient, call: GetCall, io: GetIo): Promise<void> => {
  const { output, include } = call.config
  const isSeen = output === undefined && io.stdout.isTTY === true
  using bar = new ProgressBar(isSeen ? { write: () => {} } : io.stderr)
  const response = await client.request(requestOf(call, io))
  if (include) io.stderr.write(headOf(response))
  bar.begin(totalOf(response))
  response.body.on('data', (chunk: Uint8Array) => bar.add(chunk.length)).pause()
  if (output === undefined) await print(response.body, io.stdout)
  else await pipeline(response.body, createWriteStream(output))
}

const requestOf = ({ config, method, url, fields }: GetCall, { stdin }: GetIo): ProxiedRequest => {
  const { redirects, priority } = config
  const content = bodyOf(config.body, stdin)
  // As the original's client does.
  const isTyped = fields.some(([name]) => name.toLowerCase() === 'content-type')
  const headers = config.body === undefined || method !== 'POST' || isTyped ? fields : [...fields, JSON_TYPE]
  return { method, url, headers, redirects, priority: priority as 'normal', ...content }
}

const JSON_TYPE = ['Content-Type', 'application/json'] as const

/** Standard output is not ours to close. */
const print = async (body: Readable, stdout: Writable): Promise<void> => {
  await pipeline(body, stdout, { end: false })
  if (stdout.writableLength > 0) await new Promise((resolve) => stdout.once('drain', resolve))
}

const headOf = ({ status, headers }: ProxiedResponse): string =>
  `${[`HTTP ${status}`, ...headers.map(([name, value]) => `${name}: ${value}`)].join('\n')}\n\n`

const totalOf = ({ headers }: ProxiedResponse): number | undefined => {
  const length = headers.find(([name]) => name.toLowerCase() === 'content-length')?.[1]
  return length === undefined ? undefined : Number(length)
}

/** One sentence that names the code: that of the system stands in its message already. */
const explained = (error: unknown): string => {
  const { message } = Object(error) as Error
  if (!(error instanceof HttpsProxyError)) return message
  const again = error.retryMs === undefined ? '' : ` Try again in ${Math.ceil(error.retryMs / 1000)} s.`
  return `${error.code}: ${message}${again}`
}

const help = (): string =>
  manualText({
    head: `https-proxy get: ${ABOUT}`,
    synopsis: [`https-proxy get ${USAGE}`],
    description: [
      'The server is localhost, port 8888, unless host and port follow the method, which is GET unless given. What the ' +
        'origin answers is a response, whatever its status. On a terminal a line shows how far it is, if not the body.',
      'A body that is posted without a Content-Type is sent as application/json.',
    ],
    flags: getSchema,
    examples: [
      { does: 'A page:', line: 'https-proxy get https://www.example.com' },
      {
        does: 'By a server elsewhere, as one of its users:',
        line: 'https-proxy get https://www.example.com GET proxy.example.org 8443 --tls --user alice --password-stdin < password',
      },
      {
        does: 'Post a file, and keep what comes back:',
        line: 'https-proxy get https://api.example.com/items POST --body @item.json --output answer.json',
      },
    ],
    sections: {
      'exit status': [
        ['0', 'there was a response, with whatever status'],
        ['1', 'there was none, or not all of it: one line on stderr has the code'],
        ['2', 'bad usage or settings'],
      ],
    },
  })
