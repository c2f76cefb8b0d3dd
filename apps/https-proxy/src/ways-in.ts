import type { Handshake, Program } from '@sluice/service'
import { Deadlines, type ForwardSettings } from '@sluice/service/http'
import { ApiServer, type ApiSettings } from './api/index.ts'
import { requestId } from './api/request-id.ts'
import { compatAccount, type CompatSettings } from './compat/index.ts'
import type { HttpsProxyConfig } from './config.ts'
import type { Desk } from './desk.ts'
import { createHandshake } from './handshake.ts'
import { HeldBytes } from './held-bytes.ts'
import { ForwardTraces } from './forward-traces.ts'
import type { Tracer } from './trace.ts'
import { WatchedTunnel } from './tunnel.ts'

export interface WaysInParts {
  readonly program: Program
  readonly desk: Desk
  readonly tracer: Tracer
  readonly isOpen: () => boolean
  readonly version: string
  /** What this proxy calls itself in Via, unless it is told. */
  readonly random: string
}

/** All that clients can speak at this door, by the settings of now: what is changed holds for requests that come later. */
export class WaysIn {
  readonly #parts: WaysInParts
  readonly #api: ApiServer
  readonly #deadlines = new Deadlines()
  readonly #traces: ForwardTraces
  readonly #held: HeldBytes
  #config: HttpsProxyConfig
  #forward: ForwardSettings

  constructor(parts: WaysInParts, config: HttpsProxyConfig) {
    this.#parts = parts
    this.#config = config
    this.#held = new HeldBytes(config.queueBytes)
    this.#traces = new ForwardTraces(parts.tracer)
    this.#api = new ApiServer(this.#apiSettings(config))
    this.#forward = this.#forwardSettings(config)
  }

  set(config: HttpsProxyConfig): void {
    this.#config = config
    this.#held.max = config.queueBytes
    this.#forward = this.#forwardSettings(config)
    this.#api.update(this.#apiSettings(config))
  }

  /** Of an ordinary HTTP proxy, and of the API, in one. */
  handshake(door: string): Handshake {
    const { program, tracer, isOpen } = this.#parts
    const metrics = program.metrics.door(door)
    const onDone = (code: string, ms: number): void => metrics.served(code, ms)
    const tunnel = (request: ConstructorParameters<typeof WatchedTunnel>[0]): WatchedTunnel =>
      new WatchedTunnel(request, { tracer, door, onDone })
    const forward = (): ForwardSettings => this.#forward
    return createHandshake({ forward, api: this.#api, isOpen, tunnel })
  }

  /** Those of now: `keepAlive` is read for each connection. */
  compat(): CompatSettings {
    const { desk, isOpen } = this.#parts
    const now = (): HttpsProxyConfig => this.#config
    return {
      jobs: desk,
      accountFor: (directory, client) => compatAccount({ user: now().compatUser, isOpen })(directory, client),
      redirects: () => now().redirects,
      get keepAlive() {
        return now().compatKeepAlive
      },
      held: this.#held,
    }
  }

  close(): void {
    this.#api.close()
  }

  #forwardSettings(config: HttpsProxyConfig): ForwardSettings {
    const { handshakeMs: headMs, keepAliveMs, firstByteMs, requestMs } = config
    const { desk, random } = this.#parts
    return {
      ...{ via: config.via ?? random, headMs, keepAliveMs, deadlines: this.#deadlines },
      responseMs: firstByteMs ?? requestMs,
      pauseMs: requestMs,
      enter: desk.enter,
      requestId: () => requestId(undefined),
      prepare: (request, id, caller) => this.#traces.begin(request, id, caller),
      onDone: (request) => this.#traces.end(request),
    }
  }

  #apiSettings(config: HttpsProxyConfig): ApiSettings {
    const { handshakeMs: headMs, requestMs: bodyMs, keepAliveMs, redirects, jsonBytes: json } = config
    const { desk, random, version, isOpen } = this.#parts
    return {
      ...{ jobs: desk, via: config.via ?? random, version, headMs, bodyMs, keepAliveMs, redirects, isOpen },
      jsonBytes: { up: json, down: json },
      held: this.#held,
      enter: desk.enter,
      restMs: (caller) => desk.resting.restMs(caller),
      maxRequestBytes: config.maxRequestBytes ?? Infinity,
      queue: (caller) => desk.admission.report(caller),
    }
  }
}
