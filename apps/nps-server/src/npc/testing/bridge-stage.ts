import { setImmediate as turn } from 'node:timers/promises'
import type { Agent } from '../../agent.ts'
import { type EmulatorConnectOptions, NpcEmulator } from '../../testing/npc-emulator.ts'
import { openTunnels, type Tunnels } from '../../tunnels/tunnels.ts'
import { npcHash } from '../../secret-hash.ts'
import { openNpcBridge } from '../bridge.ts'
import { Stage, startProgram } from './stage.ts'

export interface BridgeStageOptions {
  readonly argv?: readonly string[]
  readonly tls?: boolean
  readonly patienceMs?: number
  readonly confMs?: number
  /** Whether tunnels are opened to visitors. @default true */
  readonly hasTunnels?: boolean
}

/** A stage with the bridge and tunnels. */
export class BridgeStage extends Stage {
  port = 0
  tunnels: Tunnels | undefined = undefined
  #tls = false

  static async openBridge({
    argv = [],
    tls = false,
    patienceMs,
    confMs,
    hasTunnels = true,
  }: BridgeStageOptions = {}): Promise<BridgeStage> {
    const address = `${tls ? 'tls://' : ''}127.0.0.1:0`
    const stage = new BridgeStage(await startProgram(['--npc-bridge', address, ...argv]))
    stage.#tls = tls
    const { program, config, registry } = stage
    if (hasTunnels) stage.tunnels = await openTunnels({ program, config, registry })
    const listener = await openNpcBridge({
      ...{ program, config, registry },
      ...(patienceMs !== undefined && { patienceMs }),
      ...(confMs !== undefined && { confMs }),
    })
    stage.port = listener.address.port
    return stage
  }

  /** A program that is here. */
  async connect(
    options: Omit<EmulatorConnectOptions, 'port'>,
  ): Promise<{ emulator: NpcEmulator; agent: Agent }> {
    const client = this.registry.byVkeyHash(npcHash(options.vkey))!
    const before = this.agentOf(client)
    const emulator = await NpcEmulator.connect({ port: this.port, tls: this.#tls, ...options })
    for (;;) {
      const agent = this.agentOf(client)
      if (agent !== undefined && agent !== before) return { emulator, agent }
      await turn()
    }
  }
}
