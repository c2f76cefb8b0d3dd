/**
 * Numbers of up to 132 bits are six limbs of 22: a product of two limbs, summed up and reduced, stays below 2^53.
 */
const LIMBS = 6
const BASE = 0x40_0000
const LIMB_MASK: number = BASE - 1
/** 2^132 modulo 2^130 - 5. */
const FOLD = 20
/** The 2^128 that is added to each block, in the last limb; and 2^130. */
const BLOCK_BIT: number = 2 ** 18
const TOP: number = 2 ** 20

/** Shared, since nothing here waits. */
const r = new Float64Array(LIMBS)
const sum = new Float64Array(LIMBS)
const product = new Float64Array(LIMBS)

/**
 * Poly1305, RFC 8439 §2.5, of whole blocks, in a time that says nothing about what is in them.
 * @param key eight words, for this message alone
 * @param message four words a block
 * @param tag gets four words
 */
export function poly1305(key: Int32Array, message: Int32Array, tag: Int32Array): void {
  split(key[0]! & 0x0fffffff, key[1]! & 0x0ffffffc, key[2]! & 0x0ffffffc, key[3]! & 0x0ffffffc, r)
  sum.fill(0)
  for (let at = 0; at < message.length; at += 4) {
    split(message[at]!, message[at + 1]!, message[at + 2]!, message[at + 3]!, product)
    for (let limb = 0; limb < LIMBS; limb++) sum[limb]! += product[limb]!
    sum[LIMBS - 1]! += BLOCK_BIT
    timesR()
  }
  reduce()
  join(tag)
  let carry = 0
  for (let word = 0; word < 4; word++) {
    const total = (tag[word]! >>> 0) + (key[4 + word]! >>> 0) + carry
    tag[word] = total
    carry = total > 0xffffffff ? 1 : 0
  }
}

/** The limbs of four words, the lowest first. */
function split(w0: number, w1: number, w2: number, w3: number, limbs: Float64Array): void {
  limbs[0] = w0 & LIMB_MASK
  limbs[1] = ((w0 >>> 22) | (w1 << 10)) & LIMB_MASK
  limbs[2] = ((w1 >>> 12) | (w2 << 20)) & LIMB_MASK
  limbs[3] = (w2 >>> 2) & LIMB_MASK
  limbs[4] = ((w2 >>> 24) | (w3 << 8)) & LIMB_MASK
  limbs[5] = w3 >>> 14
}

/** The lowest 128 bits of the sum. */
function join(words: Int32Array): void {
  words[0] = sum[0]! | (sum[1]! << 22)
  words[1] = (sum[1]! >>> 10) | (sum[2]! << 12)
  words[2] = (sum[2]! >>> 20) | (sum[3]! << 2) | (sum[4]! << 24)
  words[3] = (sum[4]! >>> 8) | (sum[5]! << 14)
}

function timesR(): void {
  for (let limb = 0; limb < LIMBS; limb++) {
    let low = 0
    let high = 0
    for (let index = 0; index <= limb; index++) low += sum[index]! * r[limb - index]!
    for (let index = limb + 1; index < LIMBS; index++) high += sum[index]! * r[limb + LIMBS - index]!
    product[limb] = low + high * FOLD
  }
  sum.set(product)
  const carry = carryOn(BASE)
  const low = sum[0]! + carry * FOLD
  sum[0] = low % BASE
  sum[1]! += Math.floor(low / BASE)
}

/** Brings each limb below its base. @returns what is left over of the last one, whose base is `last` */
function carryOn(last: number): number {
  let carry = 0
  for (let limb = 0; limb < LIMBS; limb++) {
    const total = sum[limb]! + carry
    const base = limb < LIMBS - 1 ? BASE : last
    carry = Math.floor(total / base)
    sum[limb] = total - carry * base
  }
  return carry
}

/** The sum modulo 2^130 - 5, where it was below 2^133. */
function reduce(): void {
  for (let turn = 0; turn < 2; turn++) {
    const carry = carryOn(TOP)
    sum[0]! += carry * 5
  }
  carryOn(TOP)
  product.set(sum)
  sum[0]! += 5
  // Below 2^130 - 5 nothing is carried out of it, and adding 5 was in vain.
  const isOver = carryOn(TOP)
  for (let limb = 0; limb < LIMBS; limb++) {
    sum[limb] = product[limb]! + (sum[limb]! - product[limb]!) * isOver
  }
}
