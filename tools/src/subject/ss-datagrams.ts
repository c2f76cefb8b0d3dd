import { randomBytes } from 'node:crypto'
import { type Address, encodeSocksAddress } from '@sluice/wire'
import { openDatagram, sealDatagram, SsPacketClient } from '@sluice/wire/shadowsocks'
import type { SsLogin } from './ss-tunnel.ts'

/** What one client of ss-node sends and hears by UDP. */
export interface SsDatagrams {
  readonly seal: (target: Address, payload: Uint8Array) => Uint8Array
  /** The payload, where it was sealed for us. */
  readonly open: (bytes: Uint8Array) => Uint8Array | undefined
}

export function ssDatagrams({ key, serverKey }: SsLogin): SsDatagrams {
  if (key.method.kind !== '2022') {
    return {
      seal: (target, payload) =>
        sealDatagram(key, randomBytes(key.method.saltBytes), encodeSocksAddress(target), payload),
      open: (bytes) => openDatagram(key, bytes)?.payload,
    }
  }
  const keys = { key, serverKeys: serverKey === undefined ? [] : [serverKey] }
  const client = new SsPacketClient(keys, randomBytes(8).readBigUInt64BE(), randomBytes)
  return {
    seal: (target, payload) => client.seal(encodeSocksAddress(target), payload, seconds()),
    open: (bytes) => client.open(bytes, seconds())?.payload,
  }
}

const seconds = (): number => Math.floor(Date.now() / 1000)
