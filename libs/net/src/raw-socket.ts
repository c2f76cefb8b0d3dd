import type { Socket } from 'node:net'
import type { Address } from '@sluice/wire'

const RAW: unique symbol = Symbol('raw')

/** `over` is TLS that goes over `raw`. */
export const layered = (over: Socket, raw: Socket): Socket => Object.assign(over, { [RAW]: raw })

/** What TCP itself is asked of; under TLS, be it TLS within TLS, that is another socket. */
export const rawOf = (socket: Socket): Socket => {
  const { [RAW]: raw } = socket as Socket & { [RAW]?: Socket }
  return raw === undefined ? socket : rawOf(raw)
}

/** `::ffff:192.0.2.1`, as a dual-stack listener shows IPv4 peers, is `192.0.2.1` to us. */
const plainHost = (host: string): string =>
  host.startsWith('::ffff:') && host.includes('.') ? host.slice(7) : host

export const remoteOf = ({ remoteAddress = '', remotePort = 0 }: Socket): Address => ({
  host: plainHost(remoteAddress),
  port: remotePort,
})

export const localOf = ({ localAddress = '', localPort = 0 }: Socket): Address => ({
  host: plainHost(localAddress),
  port: localPort,
})
