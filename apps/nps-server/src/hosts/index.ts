export { type Hosts, openHosts, type HostsOptions } from './hosts.ts'
