import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http'
import { Readable } from 'node:stream'
import { send } from '@fastify/send'
import { type AskedPath, askedPath } from './asked-path.ts'
import { listingPage, type Page, statusPage } from './page.ts'
import type { Found, ServedFolder } from './served-folder.ts'

export interface FileAnswer {
  readonly status: number
  readonly headers: OutgoingHttpHeaders
  readonly body: Readable
}

/** What a tunnel has of the folder. */
export interface FilePlace {
  /** Names of folders below it. */
  readonly within: readonly string[]
  /** What stands in front of paths. */
  readonly strip: string
}

export interface FileSource {
  readonly folder: ServedFolder
  /** Folders without an index.html show what is in them. */
  readonly listing: boolean
}

const INDEX = 'index.html'

/** @throws the system's error where a file cannot be read after all */
export const answerOf = async (
  request: IncomingMessage,
  { within, strip }: FilePlace,
  source: FileSource,
): Promise<FileAnswer> => {
  const { method = '', url = '' } = request
  if (method !== 'GET' && method !== 'HEAD') {
    return asAnswer(statusPage(405, { Allow: 'GET, HEAD', Connection: 'close' }))
  }
  const asked = askedPath(url, strip)
  const found = asked && (await source.folder.find(within, asked.names))
  if (found === undefined) return asAnswer(statusPage(404))
  if (found.isFolder) return folderAnswer(request, { asked: asked!, found, within }, source)
  return asked!.isFolder ? asAnswer(statusPage(404)) : fileAnswer(request, found)
}

const folderAnswer = async (
  request: IncomingMessage,
  { asked, found, within }: { asked: AskedPath; found: Found; within: readonly string[] },
  { folder, listing }: FileSource,
): Promise<FileAnswer> => {
  if (!asked.isFolder) return asAnswer(statusPage(301, { Location: asked.asFolder }))
  const index = await folder.find(within, [...asked.names, INDEX])
  if (index !== undefined && !index.isFolder) return fileAnswer(request, index)
  if (!listing) return asAnswer(statusPage(404))
  return asAnswer(listingPage(await folder.list(found), asked.names.length === 0))
}

/** Its name has no link in it any more, and no name is looked for but this one. */
const fileAnswer = async (request: IncomingMessage, { root, names }: Found): Promise<FileAnswer> => {
  const path = `/${names.map(encodeURIComponent).join('/')}`
  const { statusCode, headers, stream } = await send(request, path, { root, index: false, maxAge: 0 })
  return { status: statusCode, headers: { ...headers, 'X-Content-Type-Options': 'nosniff' }, body: stream }
}

const asAnswer = ({ status, headers, body }: Page): FileAnswer => ({
  status,
  headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
  body: Readable.from([Buffer.from(body)]),
})
