import { DOORS as HTTPS_PROXY_DOORS, type HttpsProxyConfig, schema as httpsProxy } from '@sluice/https-proxy'
import { DOORS as NPS_SERVER_DOORS, type NpsServerConfig, schema as npsServer } from '@sluice/nps-server'
import { DOORS as RELAY_DOORS, type ListenUrl, type RelayConfig, schema as relay } from '@sluice/relay'
import {
  DOORS as REMOTE_PROXY_DOORS,
  type RemoteProxyConfig,
  schema as remoteProxy,
} from '@sluice/remote-proxy'
import type { AccountDefaults, ConfigSchema } from '@sluice/service'
import { defaultsOf, DOORS as SS_NODE_DOORS, schema as ssNode, type SsNodeConfig } from '@sluice/ss-node'
import type { Address } from '@sluice/wire'

/**
 * Settings of all doors in one process; where relay and https-proxy listen has names of its own, since `listen` is ss-node's,
 * and so has where nps-server has its hosts, since `http` is remote-proxy's.
 */
export type StartConfig = RemoteProxyConfig &
  SsNodeConfig &
  Omit<RelayConfig, 'listen'> &
  Omit<HttpsProxyConfig, 'listen'> &
  Omit<NpsServerConfig, 'http'> & { relay: ListenUrl[]; proxy: Address; hosts: Address | undefined }

/** Names of all listeners. */
export const START_DOORS: readonly string[] = [
  ...new Set([
    ...REMOTE_PROXY_DOORS,
    ...SS_NODE_DOORS,
    ...RELAY_DOORS,
    ...HTTPS_PROXY_DOORS,
    ...NPS_SERVER_DOORS,
  ]),
]

/**
 * The flags of every door. What doors have in common is one setting for all of them, with the default of remote-proxy: the
 * long handshake of ss-node hides it from strangers, who do not come to loopback. Its users share a free port there, and may
 * have as many connections as at other doors. TLS is spoken by remote-proxy and the relay alone.
 */
export const startSchema: ConfigSchema<StartConfig> = npsServer
  .extend(httpsProxy.shape)
  .extend(relay.shape)
  .extend(ssNode.shape)
  .extend(remoteProxy.shape)
  .extend({
    listen: ssNode.shape.listen.prefault('127.0.0.1'),
    port: ssNode.shape.port.prefault(0),
    connections: ssNode.shape.connections.prefault(1024),
    relay: relay.shape.listen,
    proxy: httpsProxy.shape.listen.prefault('127.0.0.1:8888'),
    hosts: npsServer.shape.http.prefault('127.0.0.1:8892'),
  })

/** What the relay goes by. */
export const relayConfigOf = (config: StartConfig): RelayConfig => ({ ...config, listen: config.relay })

/** What https-proxy goes by: all sign in, as at remote-proxy, whose TLS listener the files are for. */
export const httpsProxyConfigOf = (config: StartConfig): HttpsProxyConfig => ({
  ...config,
  ...{ listen: config.proxy, tls: undefined, tlsCert: undefined, tlsKey: undefined, tlsClientCa: undefined },
  open: false,
})

/** What nps-server goes by: proxies of its clients want a login. */
export const npsServerConfigOf = (config: StartConfig): NpsServerConfig => ({
  ...config,
  ...{ http: config.hosts, open: false },
})

/** The limits of users who have none of their own. */
export const startDefaults = (config: StartConfig): AccountDefaults => ({
  ...defaultsOf(config),
  total: config.limit,
  burst: config.capacity,
})
