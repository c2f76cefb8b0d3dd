import { expect, test } from 'vitest'
import { modeOfNps, npsModeOf } from './nps-mode.ts'
import { TUNNEL_MODES } from './records.ts'

test('modes have the names that nps gives them', () => {
  expect(TUNNEL_MODES.map(npsModeOf).toSorted()).toEqual(
    ['tcp', 'udp', 'socks5', 'httpProxy', 'mixProxy', 'secret', 'p2p', 'file'].toSorted(),
  )
  expect(TUNNEL_MODES.map((mode) => modeOfNps(npsModeOf(mode)))).toEqual(TUNNEL_MODES)
  for (const unknown of ['mixed', 'constructor', '', 'TCP']) expect(modeOfNps(unknown)).toBeUndefined()
})
