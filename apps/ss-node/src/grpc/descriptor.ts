import type { ServiceDefinition } from '@grpc/grpc-js'
import { fromJSON, type PackageDefinition } from '@grpc/proto-loader'
import reflectionJson from './reflection.proto.json' with { type: 'json' }
import ssJson from './ss.proto.json' with { type: 'json' }

/** Names as in the files; absent fields have their defaults, 64-bit numbers are numbers: exact up to 2^53. */
const OPTIONS = { keepCase: true, longs: Number, defaults: true, oneofs: true } as const

/** @param json what a proto file says, as protobufjs writes it */
const packageOf = (json: object): PackageDefinition => fromJSON(json, OPTIONS)

const serviceOf = (definition: PackageDefinition, name: string): ServiceDefinition =>
  definition[name] as ServiceDefinition

/** All that ss.proto says. */
export const ssPackage = (): PackageDefinition => packageOf(ssJson)

/** The service of {@link ssPackage}. */
export const ssService = (definition: PackageDefinition): ServiceDefinition =>
  Object.fromEntries(
    Object.entries(serviceOf(definition, 'aioshadowsocks.ss')).map(([name, method]) => [
      name,
      { ...method, responseSerialize: (message: object) => method.responseSerialize(sparse(message)) },
    ]),
  )

/** Without what proto3 does not send, since it is the default; protobufjs would. */
const sparse = (message: object): object =>
  Object.fromEntries(
    Object.entries(message)
      .filter(([, value]) => value !== 0 && value !== '' && value !== false)
      .map(([key, value]) => [key, isMessages(value) ? value.map(sparse) : value]),
  )

const isMessages = (value: unknown): value is readonly object[] =>
  Array.isArray(value) && typeof value[0] === 'object'

/** Server reflection (grpc.reflection): v1 and v1alpha differ in the name alone, and clients ask for either. */
export const reflectionServices = (): ServiceDefinition[] => {
  const { ServerReflection, ...messages } = reflectionJson.nested.grpc.nested.reflection.nested.v1.nested
  return ['v1', 'v1alpha'].map((version) => {
    const nested = { [version]: { nested: { ServerReflection, ...messages } } }
    const json = { nested: { grpc: { nested: { reflection: { nested } } } } }
    return serviceOf(packageOf(json), `grpc.reflection.${version}.ServerReflection`)
  })
}
