export { type Hosts, openHosts, type HostsOptions } from './hosts.ts'
export type { HostsConfig } from './hosts-config.ts'
