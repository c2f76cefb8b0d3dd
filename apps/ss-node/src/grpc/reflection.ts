import { status } from '@grpc/grpc-js'
import type { PackageDefinition } from '@grpc/proto-loader'

export interface ReflectionRequest {
  readonly host: string
  readonly message_request?: string
  readonly file_by_filename?: string
  readonly file_containing_symbol?: string
}

/** Tells clients that do not have ss.proto what is in it (gRPC Server Reflection Protocol). */
export class Reflection {
  readonly #services: string[] = []
  readonly #symbols = new Set<string>()
  readonly #file: Uint8Array
  readonly #fileName: string

  /** @param definition of one file */
  constructor(definition: PackageDefinition, packageName: string) {
    // The loader names files after their package.
    this.#fileName = `${packageName}.proto`
    let file: Uint8Array | undefined = undefined
    for (const [name, each] of Object.entries(definition)) {
      this.#symbols.add(name)
      if ('format' in each && 'fileDescriptorProtos' in each) {
        file = (each.fileDescriptorProtos as readonly Uint8Array[])[0]
        continue
      }
      this.#services.push(name)
      for (const method of Object.keys(each)) this.#symbols.add(`${name}.${method}`)
    }
    if (file === undefined) throw new TypeError(`${packageName} has no message`)
    this.#file = file
  }

  answer(request: ReflectionRequest): object {
    return { valid_host: request.host, original_request: request, ...this.#answer(request) }
  }

  #answer(request: ReflectionRequest): object {
    switch (request.message_request) {
      case 'list_services':
        return { list_services_response: { service: this.#services.map((name) => ({ name })) } }
      case 'file_by_filename':
        return this.#fileIf(request.file_by_filename === this.#fileName)
      case 'file_containing_symbol':
        return this.#fileIf(this.#symbols.has(request.file_containing_symbol ?? ''))
      case 'file_containing_extension':
      case 'all_extension_numbers_of_type':
        return failure(status.NOT_FOUND, 'there are no extensions')
      case undefined:
      default:
        return failure(status.INVALID_ARGUMENT, 'nothing was asked for')
    }
  }

  #fileIf(isKnown: boolean): object {
    if (!isKnown) return failure(status.NOT_FOUND, 'there is no such file or symbol')
    return { file_descriptor_response: { file_descriptor_proto: [this.#file] } }
  }
}

const failure = (code: status, message: string): object => ({
  error_response: { error_code: code, error_message: message },
})
