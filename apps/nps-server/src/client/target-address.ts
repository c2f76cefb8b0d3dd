import { type Address, parseAddress } from '@sluice/wire'

const PORT = /^[1-9]\d{0,4}$/

/** Where a target is: host:port, or a port of this machine. @throws WireError WIRE_ADDRESS */
export const targetAddress = (text: string): Address =>
  parseAddress(PORT.test(text) ? `127.0.0.1:${text}` : text)
