import type { Handshake } from '@sluice/service'
import type { SocksCommands } from '@sluice/service/socks'
import { Deadlines, type ForwardSettings } from '@sluice/service/http'
import { createHandshake } from '../handshake.ts'

export const VIA = 'sluice-test'

const forwardSettings = (settings: Partial<ForwardSettings> = {}): ForwardSettings => ({
  via: VIA,
  headMs: 10_000,
  keepAliveMs: 60_000,
  responseMs: 300_000,
  deadlines: new Deadlines(),
  ...settings,
})

/** That of the door with its defaults, but for what is given; without commands other than CONNECT. */
export const testHandshake = (socks: SocksCommands = {}, forward: Partial<ForwardSettings> = {}): Handshake =>
  createHandshake({ socks, forward: forwardSettings(forward) })
