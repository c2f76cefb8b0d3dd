import { bulk } from './bulk.ts'
import { connections } from './connections.ts'
import { datagrams } from './datagrams.ts'
import { forward } from './forward.ts'
import { grant } from './grant.ts'
import { idle } from './idle.ts'
import { nodeShare } from './node-share.ts'
import { relayBulk, relayIdle, relaySetup } from './relay.ts'
import { relayLogins } from './relay-logins.ts'
import { relayShaping } from './relay-shaping.ts'
import { requestCrowds } from './requests.ts'
import { requestFairness } from './requests-fairness.ts'
import { requestOverload } from './requests-overload.ts'
import { requestForward, requestRate } from './requests-rate.ts'
import { roundTrip } from './round-trip.ts'
import type { Section } from './section.ts'
import {
  shadowsocksBulk,
  shadowsocksFast,
  shadowsocksIdle,
  shadowsocksShort,
  shadowsocksUdp,
} from './shadowsocks.ts'
import { shadowsocksFind } from './shadowsocks-find.ts'
import { shadowsocksShaping } from './shadowsocks-shaping.ts'
import { shadowsocksSync } from './shadowsocks-sync.ts'
import { shaping } from './shaping.ts'
import { tunnelFleet } from './tunnel-fleet.ts'
import { tunnelShaping } from './tunnel-shaping.ts'
import { tunnelBulk, tunnelDatagrams, tunnelHosts, tunnelNpc, tunnelShort } from './tunnels.ts'

/** Every table, in the report's order. */
export const sections: readonly Section[] = [
  bulk,
  connections,
  forward,
  datagrams,
  roundTrip,
  idle,
  shaping,
  nodeShare,
  shadowsocksBulk,
  shadowsocksFast,
  shadowsocksShort,
  shadowsocksUdp,
  shadowsocksIdle,
  shadowsocksShaping,
  shadowsocksSync,
  shadowsocksFind,
  relayBulk,
  relaySetup,
  relayIdle,
  relayShaping,
  relayLogins,
  requestCrowds,
  requestRate,
  requestForward,
  requestFairness,
  requestOverload,
  tunnelBulk,
  tunnelShort,
  tunnelDatagrams,
  tunnelHosts,
  tunnelNpc,
  tunnelShaping,
  tunnelFleet,
  grant,
]
