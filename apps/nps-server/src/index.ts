export type { Agent, DatagramLink, FileLink, Link, PacketLink } from './agent.ts'
export type { ClientRecord, HostRecord, TunnelRecord } from './records.ts'
