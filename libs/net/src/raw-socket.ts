import type { Socket } from 'node:net'

const RAW: unique symbol = Symbol('raw')
type Layered = Socket & { [RAW]?: Socket }

/** What TCP itself is asked of; under TLS, be it TLS within TLS, that is another socket. */
export const rawOf = (socket: Layered): Socket => (socket[RAW] === undefined ? socket : rawOf(socket[RAW]))

/** `socket` is TLS over `raw`. @returns `socket` */
export const setRaw = (socket: Socket, raw: Socket): Socket => Object.assign(socket, { [RAW]: raw })
