import { openDatagram, type SsDatagram, type SsKey } from '@sluice/wire/shadowsocks'

/** Sealed with this key as far as can be told, and then no datagram. */
export type Malformed = 'malformed'

/** @returns undefined where it was sealed with another key */
export const opened = (key: SsKey, bytes: Uint8Array): SsDatagram | Malformed | undefined => {
  try {
    return openDatagram(key, bytes)
  } catch {
    return 'malformed'
  }
}
