import { clientRow, type Row } from './rows.ts'
import { clientChange, withoutNull } from './inputs.ts'
import { listed } from './listing.ts'
import { NpsRefusal } from './nps-refusal.ts'
import { BY, done, type NpsParts, type NpsRoutes } from './nps-parts.ts'

export const clientRoutes = ({ store, manager, sources, bridge }: NpsParts): NpsRoutes => {
  const row = (id: number): Row | undefined => {
    const client = store.clients().find((each) => each.id === id)
    return client && clientRow(client, sources)
  }
  return {
    reads: {
      '/client/list': (params, asked) => {
        const rows = store.clients().map((client) => clientRow(client, sources))
        const list = listed(rows, params, ({ Remark, Addr }) => [String(Remark), String(Addr)])
        return { ...list, ip: asked.host, bridgeType: 'tcp', bridgePort: bridge?.port ?? 0 }
      },
      '/client/getclient': (params) => {
        const found = row(params.id())
        return found === undefined ? { code: 0 } : { code: 1, data: found }
      },
    },
    changes: {
      '/client/add': async (params) => {
        const { client, vkey } = await manager.addClient(withoutNull(clientChange(params)), BY)
        const isMade = !params.text('vkey')
        return { ...done('add success'), id: client.id, ...(isMade && { vkey }) }
      },
      '/client/edit': async (params) => {
        await manager.patchClient(params.id(), clientChange(params), BY)
        return done('save success')
      },
      '/client/changestatus': async (params) => {
        const enabled = params.flag('status')
        if (enabled === undefined) throw new NpsRefusal('status: wanted true or false')
        await manager.patchClient(params.id(), { enabled }, BY)
        return done('modified success')
      },
      '/client/del': async (params) => {
        await manager.removeClient(params.id(), BY)
        return done('delete success')
      },
    },
  }
}
