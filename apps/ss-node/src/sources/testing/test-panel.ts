import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a panel does with a request, in place of the right thing. `applied` ones have booked what was posted. */
export type Whim =
  | 'ok'
  /** Cuts the connection at the head, before the body is read. */
  | 'cut'
  | 'cut, applied'
  /** Says nothing. */
  | 'never'
  | 'never, applied'
  /** Half of an answer, and then the connection breaks. */
  | 'half, applied'
  /** An answer without an end, a byte at a time. */
  | 'slow, applied'
  | '500'
  | '500, applied'
  | '404'
  | 'auth error'
  | 'html'
  /** More than anyone takes. */
  | 'long'
  /** To another path, with status 302. */
  | 'moved'
  | 'elsewhere'

export interface Posted {
  readonly key: string | undefined
  readonly type: string | undefined
  readonly url: string
  readonly body: { readonly data: readonly PostedRow[] } & Readonly<Record<string, unknown>>
}

export interface PostedRow {
  readonly user_id: number
  readonly upload_traffic: number
  readonly download_traffic: number
  readonly tcp_conn_num: number
  readonly ip_list: readonly string[]
}

const TOKEN = 'very-secret-token'

/** A panel as django-sspanel is one, that can be told to fail. */
export class TestPanel {
  /** What GET answers. */
  answer: unknown = { users: [] }
  /** A batch whose key was seen before is not booked again. */
  knowsKeys = true
  gets = 0
  readonly posts: Posted[] = []
  /** Bytes by user, up and down together. */
  readonly booked: Map<number, number> = new Map()
  readonly #keys = new Set<string>()
  readonly #whims: Record<'GET' | 'POST', Whim[]> = { GET: [], POST: [] }
  readonly #server: Server = createServer((request, response) => void this.#serve(request, response))
  readonly #arrivals: Record<'GET' | 'POST', (() => void)[]> = { GET: [], POST: [] }

  static async open(): Promise<TestPanel> {
    const panel = new TestPanel()
    await new Promise<void>((resolve) => panel.#server.listen(0, '127.0.0.1', resolve))
    return panel
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  get endpoint(): string {
    return `${this.origin}/api/user_ss_config/7/?token=${TOKEN}`
  }

  /** What comes next; when there is nothing left it is well again. */
  will(method: 'GET' | 'POST', ...whims: Whim[]): void {
    this.#whims[method].push(...whims)
  }

  /** Resolves when the next such request has come. */
  arrival(method: 'GET' | 'POST'): Promise<void> {
    return new Promise((resolve) => this.#arrivals[method].push(resolve))
  }

  /** Lets go of its port; connections to it are refused from then on. */
  async close(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method === 'POST' ? 'POST' : 'GET'
    const whim = this.#whims[method].shift() ?? 'ok'
    for (const arrived of this.#arrivals[method].splice(0)) arrived()
    if (whim === 'cut') return void request.socket.destroy()
    if (method === 'GET') this.gets += 1
    else {
      const posted = await postedIn(request)
      this.posts.push(posted)
      if (whim === 'ok' || whim.endsWith('applied')) this.#book(posted)
    }
    const answer = JSON.stringify(method === 'GET' ? this.answer : { ret: 1, data: [] })
    if (new URL(request.url ?? '', this.origin).searchParams.get('token') === TOKEN)
      act(whim, answer, response)
    else act('auth error', answer, response)
  }

  #book({ key = '', body }: Posted): void {
    if (this.knowsKeys && this.#keys.has(key)) return
    this.#keys.add(key)
    for (const { user_id: id, upload_traffic: up, download_traffic: down } of body.data) {
      this.booked.set(id, (this.booked.get(id) ?? 0) + up + down)
    }
  }
}

const postedIn = async (request: IncomingMessage): Promise<Posted> => {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { 'idempotency-key': key, 'content-type': type } = request.headers
  const body = JSON.parse(Buffer.concat(chunks).toString()) as Posted['body']
  return { key: key === undefined ? undefined : String(key), type, url: request.url ?? '', body }
}

const act = (whim: Whim, answer: string, response: ServerResponse): void => {
  switch (whim) {
    case 'ok':
      return void response.setHeader('content-type', 'application/json').end(answer)
    case 'cut':
    case 'cut, applied':
      return void response.destroy()
    case 'never':
    case 'never, applied':
      return
    case 'half, applied':
      response.setHeader('content-length', answer.length)
      return void response.write(answer.slice(0, answer.length / 2), () => response.destroy())
    case 'slow, applied':
      return void response.write('{')
    case '500':
    case '500, applied':
      return void response.writeHead(500).end('<h1>Server Error (500)</h1>')
    case '404':
      return void response.writeHead(404).end()
    case 'auth error':
      return void response.end('{"msg":"auth error"}')
    case 'html':
      return void response.setHeader('content-type', 'text/html').end('<!doctype html><title>Hello</title>')
    case 'long':
      return void response.end(Buffer.alloc(17 * 1024 * 1024, ' '))
    case 'moved':
      return void response.writeHead(302, { location: `/moved/?token=${TOKEN}` }).end()
    case 'elsewhere':
      return void response.writeHead(302, { location: 'http://127.0.0.2:1/' }).end()
  }
}
