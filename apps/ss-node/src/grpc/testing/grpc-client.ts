import { Client, credentials, type ChannelCredentials, Metadata, type ServiceError } from '@grpc/grpc-js'
import type { Address } from '@sluice/wire'

const same = (bytes: Buffer): Buffer => bytes

export interface ClientOptions {
  readonly token?: string
  readonly credentials?: ChannelCredentials
}

/** A client that sends and gets the bytes of messages as they are. */
export class GrpcClient implements Disposable {
  readonly #client: Client
  readonly #metadata = new Metadata()

  constructor({ host, port }: Address, options: ClientOptions = {}) {
    this.#client = new Client(`${host}:${port}`, options.credentials ?? credentials.createInsecure(), {
      // The name in the test's certificate.
      'grpc.ssl_target_name_override': 'localhost',
    })
    if (options.token !== undefined) this.#metadata.set('authorization', `Bearer ${options.token}`)
  }

  [Symbol.dispose](): void {
    this.#client.close()
  }

  /** One message for one. Both in hex. */
  call(path: string, request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: Buffer): void =>
        error === null ? resolve(answer!.toString('hex')) : reject(error)
      const bytes = Buffer.from(request, 'hex')
      this.#client.makeUnaryRequest(
        path,
        same,
        same,
        bytes,
        this.#metadata,
        { deadline: Date.now() + 30_000 },
        done,
      )
    })
  }

  /** One message for many. */
  async stream(path: string, request: string): Promise<string[]> {
    const bytes = Buffer.from(request, 'hex')
    const answers: string[] = []
    for await (const answer of this.#client.makeServerStreamRequest(
      path,
      same,
      same,
      bytes,
      this.#metadata,
    )) {
      answers.push((answer as Buffer).toString('hex'))
    }
    return answers
  }

  /** Begins a call of one message, and never sends it. */
  begin(path: string): Promise<number> {
    const call = this.#client.makeBidiStreamRequest(path, same, same, this.#metadata)
    call.on('data', () => {})
    return new Promise((resolve) => call.on('error', (error: ServiceError) => resolve(error.code)))
  }
}
