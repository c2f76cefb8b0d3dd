import { WireError } from './wire-error.ts'

// Protocol texts are bytes first. Latin-1 maps each byte to the character of the same number and back, so nothing is
// lost or joined. TextDecoder's 'latin1' is windows-1252 and would change 0x80-0x9f.

/** One character a byte. For at most 16 KiB, since every byte becomes an argument. */
export function decodeLatin1(bytes: Uint8Array, start = 0, end: number = bytes.length): string {
  return Reflect.apply(String.fromCharCode, undefined, bytes.subarray(start, end))
}

/** @throws WireError WIRE_VALUE at a character above U+00FF */
export function encodeLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0xff) throw new WireError('WIRE_VALUE', 'a character does not fit into one byte')
    bytes[i] = unit
  }
  return bytes
}
