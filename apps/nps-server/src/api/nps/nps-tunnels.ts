import type { TunnelChange } from '../../manager-inputs.ts'
import { ANY_HOST, type TunnelRecord } from '../../records.ts'
import { isPrivate } from '../../store/record-schemas.ts'
import { freePort } from './free-port.ts'
import { modeOf, tunnelChange, withoutNull } from './inputs.ts'
import { listed } from './listing.ts'
import { BY, done, type NpsParts, type NpsRoutes } from './nps-parts.ts'
import { NpsRefusal } from './nps-refusal.ts'
import type { Params } from './params.ts'
import { clientRow, type Row, tunnelRow } from './rows.ts'

export const tunnelRoutes = (parts: NpsParts): NpsRoutes => {
  const { store, manager, sources } = parts
  const rowsOf = (tunnels: readonly TunnelRecord[]): Row[] => {
    const clients = new Map(store.clients().map((client) => [client.id, clientRow(client, sources)]))
    return tunnels.map((tunnel) => tunnelRow(tunnel, clients.get(tunnel.clientId) ?? null, sources))
  }
  const enable = async (params: Params, enabled: boolean): Promise<object> => {
    await manager.patchTunnel(params.id(), { enabled }, BY)
    return done(enabled ? 'start success' : 'stop success')
  }
  return {
    reads: {
      '/index/gettunnel': (params) => {
        const client = params.number('client_id') || undefined
        const mode = modeOf(params)
        const tunnels = store
          .tunnels()
          .filter((each) => client === undefined || each.clientId === client)
          .filter((each) => mode === undefined || each.mode === mode)
        return listed(rowsOf(tunnels), params, ({ Remark, Port }) => [String(Remark), String(Port)])
      },
      '/index/getonetunnel': (params) => {
        const id = params.id()
        const [data] = rowsOf(store.tunnels().filter((tunnel) => tunnel.id === id))
        return data === undefined ? { code: 0 } : { code: 1, data }
      },
    },
    changes: {
      '/index/add': async (params) => {
        const { id } = await manager.addTunnel({ ...newTunnel(params, parts) }, BY)
        return { ...done('add success'), id }
      },
      '/index/edit': async (params) => {
        const id = params.id()
        const tunnel = store.tunnels().find((each) => each.id === id)
        checkFixed(params, tunnel)
        await manager.patchTunnel(id, changeOf(tunnel, params), BY)
        return done('modified success')
      },
      '/index/del': async (params) => {
        await manager.removeTunnel(params.id(), BY)
        return done('delete success')
      },
      '/index/stop': (params) => enable(params, false),
      '/index/start': (params) => enable(params, true),
    },
  }
}

const newTunnel = (
  params: Params,
  { store, ports }: NpsParts,
): Parameters<NpsParts['manager']['addTunnel']>[0] => {
  const mode = modeOf(params)
  if (mode === undefined) throw new NpsRefusal('type: wanted')
  const { port, ...rest } = withoutNull(tunnelChange(params))
  const clientId = params.id('client_id')
  if (isPrivate(mode)) return { ...rest, clientId, mode }
  const taken = new Set(store.tunnels().map((tunnel) => tunnel.port))
  return { host: ANY_HOST, ...rest, clientId, mode, port: port ?? freePort(ports(), taken) }
}

/** To clear the address of one that listens is to open it at all of them. */
const changeOf = (tunnel: TunnelRecord | undefined, params: Params): TunnelChange => {
  const change = tunnelChange(params)
  const isOpened = change.host === null && tunnel !== undefined && !isPrivate(tunnel.mode)
  return isOpened ? { ...change, host: ANY_HOST } : change
}

/** What nps would change and we do not. @throws NpsRefusal */
const checkFixed = (params: Params, tunnel: TunnelRecord | undefined): void => {
  if (tunnel === undefined) return
  const mode = modeOf(params)
  if (mode !== undefined && mode !== tunnel.mode) throw new NpsRefusal('type: cannot be changed')
  const client = params.number('client_id')
  if (client !== undefined && client !== tunnel.clientId) throw new NpsRefusal('client_id: cannot be changed')
}
