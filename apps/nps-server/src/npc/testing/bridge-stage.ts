import type { Agent } from '../../agent.ts'
import { NpcEmulator, type EmulatorConnectOptions } from '../../testing/npc-emulator.ts'
import { type NpcBridgeOptions, openNpcBridge } from '../bridge.ts'
import { openStage, type Stage } from './stage.ts'

export interface BridgeStage extends Stage {
  readonly port: number
  /** A program that is here. */
  connect(options: Omit<EmulatorConnectOptions, 'port'>): Promise<{ emulator: NpcEmulator; agent: Agent }>
}

export interface BridgeStageOptions extends Partial<Pick<NpcBridgeOptions, 'visit' | 'patienceMs'>> {
  readonly argv?: readonly string[]
  readonly tls?: boolean
  readonly deadMs?: number
}

export const openBridgeStage = async ({
  argv = [],
  tls = false,
  deadMs = 15_000,
  visit = () => {
    throw new Error('nobody visits here')
  },
  ...rest
}: BridgeStageOptions = {}): Promise<BridgeStage> => {
  const stage = await openStage(...argv)
  const { program, registry } = stage
  const npcBridge = { address: { host: '127.0.0.1', port: 0 }, tls }
  const config = { ...stage.config, npcBridge, deadMs, ports: [{ first: 20_000, last: 30_000 }] }
  const listener = await openNpcBridge({ program, config, registry, visit, ...rest })
  const { port } = listener.address
  return {
    ...stage,
    port,
    connect: async (options) => {
      const came = registry.events.length
      const emulator = await NpcEmulator.connect({ port, tls, ...options })
      await registry.until(() => registry.events.slice(came).includes('joined'))
      const agent = registry.lastJoined!
      return { emulator, agent }
    },
  }
}
