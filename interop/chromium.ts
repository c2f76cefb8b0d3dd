import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { start, stop } from './process.ts'

type Params = Record<string, unknown>
interface Message {
  readonly id?: number
  readonly method?: string
  readonly params?: Params
  readonly result?: Params
  readonly error?: { readonly message: string }
}

const FLAGS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-dev-shm-usage',
  '--disable-background-networking',
  '--disable-component-update',
  '--no-first-run',
  '--ignore-certificate-errors',
  '--remote-debugging-port=0',
  // Loopback goes past a proxy unless it is taken off the list of exceptions.
  '--proxy-bypass-list=<-loopback>',
]

/** A browser with one page, driven over its debugging protocol. */
export class Chromium implements AsyncDisposable {
  /** Addresses whose request for credentials was answered. */
  readonly challenged: string[] = []
  readonly #child: ReturnType<typeof start>
  readonly #socket: WebSocket
  readonly #login: { username: string; password: string }
  readonly #pending = new Map<number, PromiseWithResolvers<Params>>()
  readonly #loaded = new Set<() => void>()
  #calls = 0
  #session: string | undefined = undefined

  /** @param proxy as `--proxy-server` wants it @param folder for its profile */
  static async start(
    proxy: string,
    login: { username: string; password: string },
    folder: string,
  ): Promise<Chromium> {
    const args = [...FLAGS, `--proxy-server=${proxy}`, `--user-data-dir=${folder}`, 'about:blank']
    const child = start('chromium', args, { HOME: folder })
    child.stdout.resume()
    const lines: string[] = []
    for await (const line of createInterface(child.stderr)) {
      lines.push(line)
      const url = /^DevTools listening on (ws:\S+)/.exec(line)?.[1]
      if (url === undefined) continue
      child.stderr.resume()
      const socket = new WebSocket(url)
      await once(socket, 'open')
      const chromium = new Chromium(child, socket, login)
      await chromium.#open()
      return chromium
    }
    throw new Error(`chromium did not start: ${lines.join('\n')}`)
  }

  private constructor(
    child: ReturnType<typeof start>,
    socket: WebSocket,
    login: { username: string; password: string },
  ) {
    this.#child = child
    this.#socket = socket
    this.#login = login
    socket.addEventListener('message', ({ data }) => this.#onMessage(JSON.parse(String(data)) as Message))
  }

  /** Loads a page, its subresources included. @returns the error of the navigation, '' where there is none */
  async load(url: string): Promise<string> {
    const loaded = new Promise<void>((resolve) => this.#loaded.add(resolve))
    const { errorText = '' } = await this.#call('Page.navigate', { url })
    if (errorText === '') await loaded
    return String(errorText)
  }

  /** The value of an expression in the page; promises are waited for. */
  async evaluate(expression: string): Promise<unknown> {
    const given = await this.#call('Runtime.evaluate', {
      expression,
      awaitPromise: true,
      returnByValue: true,
    })
    if (given['exceptionDetails'] !== undefined) throw new Error(JSON.stringify(given['exceptionDetails']))
    return (given['result'] as Params)['value']
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close()
    await stop(this.#child)
  }

  async #open(): Promise<void> {
    const { targetInfos } = await this.#call('Target.getTargets')
    const page = (targetInfos as Params[]).find(({ type }) => type === 'page')
    const { sessionId } = await this.#call('Target.attachToTarget', {
      targetId: page?.['targetId'],
      flatten: true,
    })
    this.#session = String(sessionId)
    await this.#call('Page.enable')
    await this.#call('Fetch.enable', { handleAuthRequests: true })
  }

  #call(method: string, params: Params = {}): Promise<Params> {
    const id = ++this.#calls
    const answer = Promise.withResolvers<Params>()
    this.#pending.set(id, answer)
    this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }))
    return answer.promise
  }

  #onMessage({ id, method, params = {}, result = {}, error }: Message): void {
    if (id !== undefined) {
      if (error === undefined) this.#pending.get(id)?.resolve(result)
      else this.#pending.get(id)?.reject(new Error(error.message))
      this.#pending.delete(id)
    } else if (method === 'Page.loadEventFired') {
      for (const resolve of this.#loaded) resolve()
      this.#loaded.clear()
    } else if (method === 'Fetch.authRequired') this.#answer(params)
    else if (method === 'Fetch.requestPaused')
      void this.#call('Fetch.continueRequest', { requestId: params['requestId'] })
  }

  #answer({ requestId, request, authChallenge }: Params): void {
    const [{ source }, { url }] = [authChallenge as Params, request as Params]
    this.challenged.push(`${String(source)} ${String(url)}`)
    const authChallengeResponse = { response: 'ProvideCredentials', ...this.#login }
    void this.#call('Fetch.continueWithAuth', { requestId, authChallengeResponse })
  }
}
