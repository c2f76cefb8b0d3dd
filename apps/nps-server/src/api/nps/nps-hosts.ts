import type { HostRecord } from '../../records.ts'
import { hostChange, withoutNull } from './inputs.ts'
import { listed } from './listing.ts'
import { BY, done, type NpsParts, type NpsRoutes } from './nps-parts.ts'
import { NpsRefusal } from './nps-refusal.ts'
import { clientRow, hostRow, type Row } from './rows.ts'

export const hostRoutes = ({ store, manager, sources }: NpsParts): NpsRoutes => {
  const rowsOf = (hosts: readonly HostRecord[]): Row[] => {
    const clients = new Map(store.clients().map((client) => [client.id, clientRow(client, sources)]))
    return hosts.map((host) => hostRow(host, clients.get(host.clientId) ?? null, sources))
  }
  return {
    reads: {
      '/index/hostlist': (params) => {
        const client = params.number('client_id') || undefined
        const hosts = store.hosts().filter((each) => client === undefined || each.clientId === client)
        return listed(rowsOf(hosts), params, ({ Remark, Host }) => [String(Remark), String(Host)])
      },
      '/index/gethost': (params) => {
        const id = params.id()
        const [data] = rowsOf(store.hosts().filter((host) => host.id === id))
        return data === undefined ? { code: 0 } : { code: 1, data }
      },
    },
    changes: {
      '/index/addhost': async (params) => {
        const { host, ...rest } = withoutNull(hostChange(params))
        if (host === undefined) throw new NpsRefusal('host: wanted')
        const { id } = await manager.addHost({ ...rest, host, clientId: params.id('client_id') }, BY)
        return { ...done('add success'), id }
      },
      '/index/edithost': async (params) => {
        const id = params.id()
        const client = params.number('client_id')
        const known = store.hosts().find((host) => host.id === id)
        if (known !== undefined && client !== undefined && client !== known.clientId) {
          throw new NpsRefusal('client_id: cannot be changed')
        }
        await manager.patchHost(id, hostChange(params), BY)
        return done('modified success')
      },
      '/index/delhost': async (params) => {
        await manager.removeHost(params.id(), BY)
        return done('delete success')
      },
    },
  }
}
