import { isIP } from 'node:net'
import {
  logVerbosity,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type ServerUnaryCall,
  setLogVerbosity,
  status,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Address } from '@sluice/wire'
import { callGuard } from './call-guard.ts'
import { reflectionServices, ssPackage, ssService } from './descriptor.ts'
import type { HealthCheckRes } from './messages.ts'
import { Reflection, type ReflectionRequest } from './reflection.ts'
import type { ServerTls } from '../remote/server-tls.ts'
import { type CallStatus, statusOf } from './status.ts'
import { tlsCredentials } from './tls-credentials.ts'

type Answer<Request> = (request: Request, signal: AbortSignal) => object | Promise<object>

/** What the service does, by the names of ss.proto. */
export interface Calls {
  // Requests come from the deserialiser, which is made from ss.proto.
  readonly unary: Readonly<Record<string, Answer<never>>>
  readonly healthCheck: (url: string, signal: AbortSignal) => Promise<HealthCheckRes>
}

export interface GrpcOptions {
  readonly address: Address
  readonly token: string | undefined
  /** Of a server that is to speak TLS. */
  readonly tls: ServerTls | undefined
  readonly calls: Calls
  /** A fault of ours. */
  readonly onFailed: (error: unknown) => void
  /** From the head of a call to its end. @default 30,000 */
  readonly deadlineMs?: number
}

export interface GrpcServer {
  readonly address: Address
  /** Ends open calls too. */
  close(): void
}

const MAX_REQUEST_BYTES = 1024 * 1024
const MAX_ANSWER_BYTES = 64 * 1024 * 1024
/** Of one call: a client that asks on without end is up to no good. */
const MAX_REFLECTIONS = 1000

const LIMITS = {
  'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
  'grpc.max_send_message_length': MAX_ANSWER_BYTES,
  'grpc.max_metadata_size': 16 * 1024,
  'grpc.max_concurrent_streams': 64,
  'grpc.max_connection_idle_ms': 300_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 10_000,
} as const

/** Serves the package aioshadowsocks. @throws the system's error */
export const startGrpc = async (options: GrpcOptions): Promise<GrpcServer> => {
  // It would write to stderr about what its clients do.
  setLogVerbosity(logVerbosity.NONE)
  const { address, token, tls, deadlineMs = 30_000 } = options
  const server = new Server({ ...LIMITS, interceptors: [callGuard({ token, deadlineMs })] })
  const definition = ssPackage()
  server.addService(ssService(definition), implementation(options))
  const reflection = new Reflection(definition, 'aioshadowsocks')
  for (const service of reflectionServices()) {
    server.addService(service, { ServerReflectionInfo: reflectionCall(reflection) })
  }
  const port = await bound(server, address, tls ? tlsCredentials(tls) : ServerCredentials.createInsecure())
  return { address: { host: address.host, port }, close: () => server.forceShutdown() }
}

const implementation = ({ calls, onFailed }: GrpcOptions): UntypedServiceImplementation => ({
  ...Object.fromEntries(
    Object.entries(calls.unary).map(([name, answer]) => [name, unaryCall(answer, onFailed)]),
  ),
  HealthCheck: (call: ServerWritableStream<{ url: string }, HealthCheckRes>) =>
    void answerHealth(calls.healthCheck, onFailed, call),
})

const unaryCall =
  (answer: Answer<never>, onFailed: (error: unknown) => void) =>
  async (call: ServerUnaryCall<never, object>, callback: sendUnaryData<object>): Promise<void> => {
    const signal = ended(call)
    let result: object
    try {
      result = await answer(call.request, signal)
    } catch (error) {
      return callback(statusOf(error, signal.aborted ? ignore : onFailed))
    }
    callback(null, result)
  }

const answerHealth = async (
  check: Calls['healthCheck'],
  onFailed: (error: unknown) => void,
  call: ServerWritableStream<{ url: string }, HealthCheckRes>,
): Promise<void> => {
  const signal = ended(call)
  try {
    call.write(await check(call.request.url, signal))
    call.end()
  } catch (error) {
    fail(call, statusOf(error, signal.aborted ? ignore : onFailed))
  }
}

const reflectionCall =
  (reflection: Reflection) =>
  (call: ServerDuplexStream<ReflectionRequest, object>): void => {
    let left = MAX_REFLECTIONS
    call.on('data', (request: ReflectionRequest) => {
      left -= 1
      if (left >= 0) call.write(reflection.answer(request))
      else fail(call, { code: status.RESOURCE_EXHAUSTED, details: 'ask anew' })
    })
    call.on('end', () => call.end())
  }

const fail = (call: { emit(event: 'error', error: CallStatus): boolean }, result: CallStatus): void =>
  void call.emit('error', result)

/** Nobody waits for the answer any more. */
const ignore = (): void => {}

/** A signal that tells when the client has gone, or the call has taken too long. */
const ended = (call: { on(event: 'cancelled', listener: () => void): unknown }): AbortSignal => {
  const abort = new AbortController()
  call.on('cancelled', () => abort.abort(new Error('the call has ended')))
  return abort.signal
}

const bound = (server: Server, { host, port }: Address, credentials: ServerCredentials): Promise<number> =>
  new Promise((resolve, reject) => {
    const name = isIP(host) === 6 ? `[${host}]` : host
    server.bindAsync(`${name}:${port}`, credentials, (error, taken) => {
      if (error === null) return resolve(taken)
      // The system's error is only in the words.
      const [code] = /\bE[A-Z]{3,}\b/.exec(error.message) ?? []
      reject(
        Object.assign(new Error(`grpc ${name}:${port}: ${code ?? error.message}`), { code: code ?? 'EBIND' }),
      )
    })
  })
