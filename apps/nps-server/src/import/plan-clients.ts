import type { NpsClient, NpsGlobal } from '@sluice/wire/npc'
import { npcHash } from '../secret-hash.ts'
import type { Plan, PlannedClient } from './plan.ts'
import { count, flowOf, given, limitsOf, loginOf, plainOf, timeOf, wishOf } from './nps-values.ts'

/** By their ids in the file. */
export type ClientsById = ReadonlyMap<number, PlannedClient>

/** @param global blocks visitors of everybody there, so here it does of each client */
export const planClients = (
  plan: Plan,
  clients: readonly NpsClient[],
  global: NpsGlobal | undefined,
): ClientsById => {
  const planned = new Map<number, PlannedClient>()
  const keys = new Map<string, number>()
  for (const client of clients) {
    const label = labelOf(client)
    if (client.NoStore) {
      plan.notes.push(`${label} lasts only as long as nps runs, and is left out`)
      continue
    }
    const sameKey = keys.get(client.VerifyKey)
    if (client.VerifyKey === '') plan.errors.push(`${label}: it has no VerifyKey`)
    else if (sameKey !== undefined) plan.errors.push(`${label}: client ${sameKey} has the same VerifyKey`)
    if (planned.has(client.Id)) plan.errors.push(`${label}: another client has this Id`)
    keys.set(client.VerifyKey, client.Id)
    const made = planClient(plan, client, label, global?.BlackIpList ?? [])
    plan.clients.push(made)
    planned.set(client.Id, made)
  }
  if (global !== undefined && global.BlackIpList.length > 0) {
    plan.notes.push('global.json: its BlackIpList becomes a part of what each client denies')
  }
  return planned
}

const labelOf = ({ Id }: NpsClient): string => `clients.json: client ${Id}`

const planClient = (
  plan: Plan,
  client: NpsClient,
  label: string,
  denied: readonly string[],
): PlannedClient => {
  const { Cnf, Remark: remark, Status: enabled, Flow } = client
  const expiresAt = timeOf(client.ExpireTime)
  if (Number.isNaN(expiresAt)) plan.errors.push(`${label}: its ExpireTime cannot be read`)
  if (client.IpWhitePass !== '')
    plan.notes.push(`${label}: visitors cannot allow themselves by its IpWhitePass`)
  if (Cnf.U !== '' && Cnf.P === '')
    plan.notes.push(`${label}: it has a user but no password, so visitors are not asked`)
  const deny = [...new Set([...client.BlackIpList, ...denied].map((each) => each.trim()))].filter(
    (each) => each !== '',
  )
  return {
    label,
    wish: wishOf(client.Id),
    flow: flowOf(Flow),
    record: given({
      remark: plainOf(remark),
      enabled,
      vkeyHash: npcHash(client.VerifyKey),
      crypt: Cnf.Crypt,
      compress: Cnf.Compress,
      mayConfigure: client.ConfigConnAllow,
      limits: limitsOf({ rate: client.RateLimit, quota: Flow.FlowLimit, connections: client.MaxConn }),
      expiresAt,
      deny: deny.length > 0 ? deny : undefined,
      allow: client.IpWhite ? [...client.IpWhiteList] : undefined,
    }),
    login: loginOf(Cnf.U, Cnf.P),
    webLogin: loginOf(client.WebUserName, client.WebPassword),
    maxTunnels: count(client.MaxTunnelNum),
  }
}
