import type { Opener, Sealer } from '../shadowsocks/index.ts'

/** What a sealer makes of these bytes. */
export function sealed(sealer: Sealer, plain: Uint8Array): Uint8Array {
  const out = new Uint8Array(sealer.room(plain.length))
  return out.subarray(0, sealer.seal(plain, out))
}

/** What an opener makes of these bytes, given in parts of these sizes in turn. The parts are gone once it has seen them. */
export function opened(opener: Opener, input: Uint8Array, sizes: readonly number[]): Uint8Array {
  const outs: Uint8Array[] = []
  for (let at = 0, turn = 0; at < input.length; turn++) {
    const end = Math.min(input.length, at + sizes[turn % sizes.length]!)
    const part = Uint8Array.from(input.subarray(at, end))
    const out = new Uint8Array(opener.room(part.length))
    outs.push(out.subarray(0, opener.open(part, out)))
    part.fill(0xaa)
    at = end
  }
  return new Uint8Array(Buffer.concat(outs))
}
