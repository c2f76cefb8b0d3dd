import type { NpsHost } from '@sluice/wire/npc'
import type { HostScheme } from '../records.ts'
import type { Plan, PlannedClient, PlannedHost } from './plan.ts'
import { flowOf, given, headersOf, limitsOf, linesOf, plainOf, targetsOf, wishOf } from './nps-values.ts'
import type { ClientsById } from './plan-clients.ts'
import { noteOrphan } from './plan-tunnels.ts'

/** There a cache has so many entries, here so many bytes. */
const CACHE_BYTES = 16 * 1024 * 1024

/** What is said of all hosts at once. */
export interface HostSettings {
  readonly passThrough: boolean
  readonly cache: boolean
}

export const planHosts = (
  plan: Plan,
  hosts: readonly NpsHost[],
  clients: ClientsById,
  settings: HostSettings,
): void => {
  for (const host of hosts) {
    const label = `hosts.json: host ${host.Id}`
    const client = clients.get(host.Client.Id)
    const why = whyNot(host)
    if (why !== undefined) plan.notes.push(`${label} ${why}, and is left out`)
    else if (client === undefined) noteOrphan(plan, label, host.Client.Id)
    else plan.hosts.push(planHost(plan, { host, label, client, settings }))
  }
}

const whyNot = (host: NpsHost): string | undefined => {
  if (host.NoStore) return 'lasts only as long as its client is connected'
  if (host.Target.LocalProxy) return 'dials from the server itself, which no host does here'
  return wildcardProblem(host.Host)
}

/** There a `*` is anything anywhere; here it is the first label. */
export const wildcardProblem = (name: string): string | undefined =>
  name.replace(/^\*\./, '').includes('*') ? 'has a wildcard that is not `*.` and a name' : undefined

/** undefined: there is no such scheme. */
export const schemeOf = (scheme: string): HostScheme | undefined => {
  if (scheme === '') return 'all'
  return scheme === 'all' || scheme === 'http' || scheme === 'https' ? scheme : undefined
}

interface Planning {
  readonly host: NpsHost
  readonly label: string
  readonly client: PlannedClient
  readonly settings: HostSettings
}

const planHost = (plan: Plan, { host, label, client, settings }: Planning): PlannedHost => {
  const scheme = schemeOf(host.Scheme)
  const headers = headersOf(linesOf(host.HeaderChange))
  if (scheme === undefined) plan.errors.push(`${label}: its Scheme is none of all, http and https`)
  if (headers === undefined) plan.errors.push(`${label}: a line of its HeaderChange has no colon`)
  const [certFile, keyFile] = certificateOf(plan, host, label)
  return {
    label,
    client,
    wish: wishOf(host.Id),
    flow: flowOf(host.Flow),
    record: given({
      host: nameOf(host.Host),
      location: host.Location || undefined,
      remark: plainOf(host.Remark),
      enabled: !host.IsClose,
      scheme,
      headers,
      certFile,
      keyFile,
      hostChange: host.HostChange || undefined,
      targets: targetsOf(host.Target),
      autoHttps: host.AutoHttps,
      limits: limitsOf({ quota: host.Flow.FlowLimit }),
      passThrough: settings.passThrough && scheme !== 'http' && certFile === undefined,
      cacheBytes: settings.cache ? CACHE_BYTES : undefined,
    }),
  }
}

/** Without a port, which no name has here. */
export const nameOf = (host: string): string => host.trim().replace(/:\d{1,5}$/, '')

/** Forks keep certificates themselves where there could be a path. */
const certificateOf = (
  plan: Plan,
  { CertFilePath: cert, KeyFilePath: key }: NpsHost,
  label: string,
): readonly (string | undefined)[] => {
  if (cert === '' || key === '') return []
  if (!/-----BEGIN|\n/.test(cert + key)) return [plan.pathOf(cert), plan.pathOf(key)]
  plan.notes.push(
    `${label}: its certificate is in the file itself; write it into files of its own and set them`,
  )
  return []
}
