import { setTimeout as sleep } from 'node:timers/promises'
import type { Address } from '@sluice/wire'
import type { Register } from '../remote/register.ts'
import type { RemotePorts } from '../remote/remote-ports.ts'
import { type GrpcOptions, type GrpcServer, startGrpc } from './grpc-server.ts'
import { checkHealth, type HealthCheckOptions } from './health-check.ts'
import { KeyCalls } from './key-calls.ts'
import { KeyFinder } from './key-finder.ts'
import type { DecryptDataReq, FindAccessUserReq, UserIdReq, UserReq } from './messages.ts'
import { UserCalls } from './user-calls.ts'

export interface OpenGrpcOptions extends Pick<GrpcOptions, 'token' | 'tls' | 'onFailed' | 'deadlineMs'> {
  readonly address: Address
  readonly register: Register
  readonly ports: RemotePorts
  readonly health: HealthCheckOptions
}

/** Manages users by gRPC. @throws the system's error */
export const openGrpc = (options: OpenGrpcOptions): Promise<GrpcServer> => {
  const { register, ports, health } = options
  const users = new UserCalls({ register, ports, sleep: (ms, signal) => sleep(ms, undefined, { signal }) })
  const keys = new KeyCalls(register, users, new KeyFinder({ register, ports }))
  const unary = {
    CreateUser: (request: UserReq) => users.put(request),
    UpdateUser: (request: UserReq) => users.put(request),
    GetUser: (request: UserIdReq) => users.get(request),
    DeleteUser: (request: UserIdReq) => users.delete(request),
    InitUserServer: (request: UserIdReq, signal: AbortSignal) => users.start(request, signal),
    GetUserServer: (request: UserIdReq) => users.server(request),
    StopUserServer: (request: UserIdReq) => users.stop(request),
    ListUser: (request: UserReq) => users.list(request),
    FindAccessUser: (request: FindAccessUserReq, signal: AbortSignal) => keys.find(request, signal),
    DecryptData: (request: DecryptDataReq) => keys.decrypt(request),
  }
  const healthCheck = (url: string, signal: AbortSignal): ReturnType<typeof checkHealth> =>
    checkHealth(url, signal, health)
  return startGrpc({ ...options, calls: { unary, healthCheck } })
}
