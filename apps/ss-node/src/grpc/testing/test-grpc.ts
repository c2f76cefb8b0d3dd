import { AddressPolicy } from '@sluice/net'
import type { SsKey } from '@sluice/wire/shadowsocks'
import { TestRegister } from '../../remote/testing/test-register.ts'
import { openGrpc, type OpenGrpcOptions } from '../grpc.ts'
import type { GrpcServer } from '../grpc-server.ts'
import { type ClientOptions, GrpcClient } from './grpc-client.ts'

export interface TestGrpcOptions extends Partial<Pick<OpenGrpcOptions, 'token' | 'tls' | 'deadlineMs'>> {
  /** Of the port 8388, which is that of users without one. */
  readonly serverKey?: SsKey
  readonly client?: ClientOptions
}

/** The gRPC server over a register of its own, and a client of it. */
export class TestGrpc implements AsyncDisposable {
  readonly test: TestRegister
  readonly server: GrpcServer
  readonly client: GrpcClient
  /** Faults of ours. */
  readonly failures: unknown[]
  /** Ids of users whose ports are open. */
  readonly served: Set<string>

  static async open(options: TestGrpcOptions = {}): Promise<TestGrpc> {
    const test = await TestRegister.open()
    const failures: unknown[] = []
    const served = new Set<string>()
    const server = await openGrpc({
      address: { host: '127.0.0.1', port: 0 },
      register: test.register,
      ports: {
        isServed: (id) => served.has(id),
        portOf: ({ port }) => port ?? 8388,
        serverKey: (port) => (port === 8388 ? options.serverKey : undefined),
        shared: () => undefined,
      },
      health: {
        policy: () => new AddressPolicy(['127.0.0.1']),
        deadlineMs: 2000,
        resolver: { resolve: async (host) => (host === 'inside.test' ? ['10.0.0.1'] : ['127.0.0.1']) },
      },
      token: options.token,
      tls: options.tls,
      onFailed: (error) => void failures.push(error),
      ...(options.deadlineMs !== undefined && { deadlineMs: options.deadlineMs }),
    })
    const client = new GrpcClient(server.address, options.client)
    return new TestGrpc(test, server, client, failures, served)
  }

  private constructor(
    test: TestRegister,
    server: GrpcServer,
    client: GrpcClient,
    failures: unknown[],
    served: Set<string>,
  ) {
    this.test = test
    this.server = server
    this.client = client
    this.failures = failures
    this.served = served
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.client[Symbol.dispose]()
    this.server.close()
    await this.test[Symbol.asyncDispose]()
  }
}
