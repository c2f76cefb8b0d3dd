import {
  type Metadata,
  type ServerInterceptor,
  ServerInterceptingCall,
  ServerListenerBuilder,
  ResponderBuilder,
  status,
} from '@grpc/grpc-js'
import { isBearer } from '../remote/bearer.ts'

export interface CallGuardOptions {
  /** What calls have to bring as `authorization: Bearer …`; undefined where none is needed. */
  readonly token: string | undefined
  /** From the head of a call to its end. */
  readonly deadlineMs: number
}

/** Ends calls without the token, and those that take too long, be it because the client sends nothing. */
export const callGuard =
  ({ token, deadlineMs }: CallGuardOptions): ServerInterceptor =>
  (_method, call) => {
    let timer: NodeJS.Timeout | undefined = undefined
    const listener = new ServerListenerBuilder()
      .withOnReceiveMetadata((metadata, next) => {
        if (token === undefined || isBearer(headerOf(metadata), token)) return next(metadata)
        call.sendStatus({
          code: status.UNAUTHENTICATED,
          details: 'wanted authorization: Bearer and the token',
        })
      })
      .withOnCancel(() => clearTimeout(timer))
      .build()
    const responder = new ResponderBuilder()
      .withStart((next) => {
        timer = setTimeout(() => {
          call.sendStatus({ code: status.DEADLINE_EXCEEDED, details: 'the call took too long' })
        }, deadlineMs)
        next(listener)
      })
      .withSendStatus((result, next) => {
        clearTimeout(timer)
        next(result)
      })
      .build()
    return new ServerInterceptingCall(call, responder)
  }

const headerOf = (metadata: Metadata): string | undefined => {
  const [value] = metadata.get('authorization')
  return typeof value === 'string' ? value : undefined
}
