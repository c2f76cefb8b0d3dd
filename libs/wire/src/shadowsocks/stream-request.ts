import type { Decoded } from '../decode.ts'
import { decodeSocksAddress } from '../socks-address.ts'
import { copy } from './bytes.ts'
import type { Opener } from './direction.ts'
import type { SsKey } from './key.ts'
import type { SsRequest } from './request.ts'
import { PlainOpener, StreamOpener } from './stream-cipher.ts'

/** The longest address: a name of 255 bytes. */
const MAX_ADDRESS_BYTES = 259

/** The target alone is opened here; the opener opens what follows it. */
export function decodeStreamRequest(key: SsKey, bytes: Uint8Array): Decoded<SsRequest> | undefined {
  const { saltBytes } = key.method
  if (bytes.length <= saltBytes) return undefined
  const salt = copy(bytes, 0, saltBytes)
  const sealed = bytes.subarray(saltBytes, saltBytes + MAX_ADDRESS_BYTES)
  const address = decodeSocksAddress(openAll(streamOpener(key, salt), sealed))
  if (address === undefined) return undefined
  const opener = streamOpener(key, salt)
  openAll(opener, sealed.subarray(0, address.size))
  const value = { salt, target: address.value, early: new Uint8Array(0), opener, seconds: undefined }
  return { value, size: saltBytes + address.size }
}

function streamOpener({ method, bytes }: SsKey, salt: Uint8Array): Opener {
  return method.kind === 'none' ? new PlainOpener() : new StreamOpener(method, bytes, salt)
}

function openAll(opener: Opener, input: Uint8Array): Uint8Array {
  const out = new Uint8Array(opener.room(input.length))
  return out.subarray(0, opener.open(input, out))
}
