import type { Socket } from 'node:net'
import type { ServerHttp2Session } from 'node:http2'
import type { ApiRequest } from './api-request.ts'
import type { ApiStreams } from './api-streams.ts'
import type { ApiPages } from './routes.ts'
import type { ApiSettings } from './settings.ts'

/** What the connections of one door share. */
export interface ApiDoor {
  readonly settings: ApiSettings
  readonly pages: ApiPages
  /** Has HTTP/1.1 spoken on a paused socket. */
  speakH1(socket: Socket, link: ApiRequest): void
  /** Has HTTP/2 spoken on a paused socket. @returns undefined where TLS did not agree on it */
  speakH2(socket: Socket, link: ApiStreams): ServerHttp2Session | undefined
}

/** How long a client may take to see an answer behind which nothing more is read. */
export const LINGER_MS = 2000

/** What a stream of HTTP/2 may bring that nobody has read yet. */
export const STREAM_WINDOW: number = 256 * 1024
