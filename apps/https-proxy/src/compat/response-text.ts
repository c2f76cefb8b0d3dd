import { promisify } from 'node:util'
import { brotliDecompress, gunzip, inflate, inflateRaw } from 'node:zlib'
import { ServiceError } from '@sluice/service'
import { COMPAT_MAX_BYTES, fieldValues, type HttpField } from '@sluice/wire'

type Unpack = (bytes: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>

const asGzip: Unpack = promisify(gunzip)
const asZlib: Unpack = promisify(inflate)
const asRaw: Unpack = promisify(inflateRaw)
const asBrotli: Unpack = promisify(brotliDecompress)

/** What `deflate` stands for is zlib; some send it without its frame. */
const asDeflate: Unpack = (bytes, options) =>
  ((bytes[0] ?? 0) & 0x0f) === 8 ? asZlib(bytes, options) : asRaw(bytes, options)

const UNPACK: ReadonlyMap<string, Unpack> = new Map([
  ['gzip', asGzip],
  ['x-gzip', asGzip],
  ['deflate', asDeflate],
  ['br', asBrotli],
])

/**
 * The body of a response as text, as the original's clients expect it: unpacked, and read in the character set that its
 * Content-Type names, or in UTF-8. What cannot be read becomes U+FFFD; a coding that is not known stays.
 * @throws ServiceError RESPONSE_TOO_LARGE over 10 MiB unpacked, RESPONSE_INVALID for what cannot be unpacked
 */
export const responseText = async (
  chunks: readonly Uint8Array[],
  fields: readonly HttpField[],
): Promise<string> => {
  let bytes: Uint8Array = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
  const codings = fieldValues({ fields }, 'content-encoding').flatMap((value) => value.split(','))
  for (const coding of codings.toReversed()) {
    const unpack = UNPACK.get(coding.trim().toLowerCase())
    if (unpack !== undefined && bytes.length > 0) bytes = await unpacked(unpack, bytes)
  }
  return decoderFor(fieldValues({ fields }, 'content-type')[0] ?? '').decode(bytes)
}

const unpacked = async (unpack: Unpack, bytes: Uint8Array): Promise<Uint8Array> => {
  try {
    return await unpack(bytes, { maxOutputLength: COMPAT_MAX_BYTES })
  } catch (cause) {
    const isTooLarge = Object(cause).code === 'ERR_BUFFER_TOO_LARGE'
    throw new ServiceError(isTooLarge ? 'RESPONSE_TOO_LARGE' : 'RESPONSE_INVALID', undefined, { cause })
  }
}

const decoderFor = (contentType: string): InstanceType<typeof TextDecoder> => {
  const [, label = 'utf-8'] = /;\s*charset\s*=\s*"?([\w.:-]{1,40})/i.exec(contentType) ?? []
  try {
    return new TextDecoder(label, { ignoreBOM: true })
  } catch {
    return new TextDecoder('utf-8', { ignoreBOM: true })
  }
}
