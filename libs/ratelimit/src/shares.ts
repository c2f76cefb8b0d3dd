import { Heap, type Heaped } from './heap.ts'
import { Linked, Ring } from './ring.ts'

/** Numbers of the heaps that a sharer may be in. */
export const HEAPS = { turn: 0, capped: 1, count: 2, bytes: 3 } as const
/** What a turn costs at least, or many that cost nothing would never end. */
const LEAST_COST_MS = 0.1
/** The newest cost counts for so much of the mean. */
const NEWEST = 1 / 8
/** How many of those who are away are remembered for what they have used beyond their share. */
const MOST_IDLE = 10_000

/** One of several who share slots: a user of all, or a line of its user's. */
export abstract class Sharer extends Linked implements Heaped {
  readonly key: string
  readonly places: number[] = []
  weight = 1
  /** What it has been given, in ms of one slot by its weight, on the scale of all who share. */
  tag = 0
  /** When it last began to wait, or was served: first come, first served among those who were given as much. */
  turn = 0
  waiting = 0
  running = 0
  /** What a turn of it costs, as far as is known; 0: it is not. */
  meanMs: number

  constructor(key: string, meanMs: number) {
    super()
    this.key = key
    this.meanMs = meanMs
  }

  /** Learns what one turn did cost. */
  learn(heldMs: number): void {
    this.meanMs += (this.meanMs === 0 ? 1 : NEWEST) * (heldMs - this.meanMs)
  }
}

const isBefore = (a: Sharer, b: Sharer): boolean => (a.tag === b.tag ? a.turn < b.turn : a.tag < b.tag)

/**
 * Start-time fair queueing (Goyal, Vin & Cheng 1996) by measured cost: whoever has been given least, by weight, is
 * next. What a turn will cost is estimated at its start and corrected at its end. Who comes back from being away starts
 * level with those who wait, or where its debts have left it: being away earns nothing.
 */
export class Shares<T extends Sharer> {
  readonly #ready = new Heap<T>(HEAPS.turn, isBefore)
  /** Those who run as many as anyone may while others wait. */
  readonly #capped = new Heap<T>(HEAPS.capped, isBefore)
  readonly #known = new Map<string, T>()
  /** Those who neither wait nor run, but have used more than their share. */
  readonly #idle = new Ring<T>()
  readonly #open: (key: string) => T
  #cap: number
  #virtual = 0
  #turns = 0
  /** Weights of those who wait. */
  weight = 0

  constructor(open: (key: string) => T, cap: number = Infinity) {
    this.#open = open
    this.#cap = cap
  }

  /** How many of them wait. */
  get size(): number {
    return this.#ready.size + this.#capped.size
  }

  /** How many are remembered. */
  get known(): number {
    return this.#known.size
  }

  /** Who is next. */
  get head(): T | undefined {
    return this.#ready.head ?? this.#capped.head
  }

  /** The most that one may run while others wait who could. */
  get cap(): number {
    return this.#cap
  }

  set cap(cap: number) {
    this.#cap = cap
    for (const sharer of this.#known.values()) if (sharer.waiting > 0) this.#place(sharer)
  }

  find(key: string): T | undefined {
    return this.#known.get(key)
  }

  /** Whoever is not known yet has to be told of by `wait` or `start` at once. */
  of(key: string): T {
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const sharer = this.#open(key)
    sharer.tag = this.#level
    this.#known.set(key, sharer)
    return sharer
  }

  /** One more waits for `sharer`. */
  wait(sharer: T, weight: number = sharer.weight): void {
    if (sharer.waiting === 0) this.#rejoin(sharer)
    else this.weight -= sharer.weight
    this.weight += weight
    sharer.weight = weight
    sharer.waiting++
    this.#place(sharer)
  }

  /** One of those that wait for `sharer` does so no more. */
  quit(sharer: T): void {
    sharer.waiting--
    if (sharer.waiting > 0) return
    this.weight = this.size === 1 ? 0 : this.weight - sharer.weight
    this.#remove(sharer)
    this.#rest(sharer)
  }

  /** A slot begins, to cost `costMs` as far as is known. @param isWaiting one that waits gets it */
  start(sharer: T, costMs: number, isWaiting: boolean): void {
    if (!isWaiting && sharer.waiting === 0) this.#rejoin(sharer)
    this.#virtual = sharer.tag
    sharer.turn = ++this.#turns
    sharer.running++
    sharer.tag += Math.max(LEAST_COST_MS, costMs) / sharer.weight
    if (isWaiting) this.quit(sharer)
    if (sharer.waiting > 0) this.#place(sharer)
  }

  /** A slot ends that was held for `heldMs` and charged with `costMs`. */
  end(sharer: T, costMs: number, heldMs: number): void {
    sharer.running--
    sharer.learn(heldMs)
    sharer.tag += (Math.max(LEAST_COST_MS, heldMs) - Math.max(LEAST_COST_MS, costMs)) / sharer.weight
    if (sharer.waiting > 0) this.#place(sharer)
    else this.#rest(sharer)
  }

  /** Nobody waits or runs any more: all are level again. */
  forget(): void {
    for (let sharer = this.#idle.head; sharer; sharer = this.#idle.head) this.#drop(sharer)
    this.#virtual = 0
  }

  /** Where whoever comes begins: beside the last that was served, and not behind those who wait. */
  get #level(): number {
    return Math.min(this.#virtual, this.#ready.head?.tag ?? Infinity)
  }

  #rejoin(sharer: T): void {
    sharer.ring?.delete(sharer)
    sharer.tag = Math.max(sharer.tag, this.#level)
    sharer.turn = ++this.#turns
  }

  #place(sharer: T): void {
    if (sharer.running >= this.#cap) {
      this.#ready.delete(sharer)
      this.#capped.put(sharer)
      return
    }
    if (this.#capped.has(sharer)) this.#uncap(sharer)
    this.#ready.put(sharer)
  }

  /** Whoever was held back by the cap has fallen behind for that, and may not make up for more than one round. */
  #uncap(sharer: T): void {
    this.#capped.delete(sharer)
    const level = this.#ready.head?.tag ?? sharer.tag
    sharer.tag = Math.max(sharer.tag, level - (this.#cap * sharer.meanMs) / sharer.weight)
  }

  #remove(sharer: T): void {
    this.#ready.delete(sharer)
    this.#capped.delete(sharer)
  }

  #rest(sharer: T): void {
    if (sharer.running > 0 || sharer.waiting > 0) return
    this.#idle.push(sharer)
    // Two a step: more than can come in one.
    for (let i = 0; i < 2; i++) this.#tidy()
  }

  #tidy(): void {
    const { head, size } = this.#idle
    if (head === undefined) return
    if (head.tag <= this.#level || size > MOST_IDLE) this.#drop(head)
    else this.#idle.push(head)
  }

  #drop(sharer: T): void {
    this.#idle.delete(sharer)
    this.#known.delete(sharer.key)
  }
}
