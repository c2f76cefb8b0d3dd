const FOLDER = '/.well-known/acme-challenge/'

/** What names that are being proven have to answer over HTTP (RFC 8555 §8.3). */
export class Proofs {
  readonly #byPlace = new Map<string, string>()

  add(host: string, token: string, proof: string): void {
    this.#byPlace.set(`${host}${FOLDER}${token}`, proof)
  }

  remove(host: string, token: string): void {
    this.#byPlace.delete(`${host}${FOLDER}${token}`)
  }

  proofOf(host: string, path: string): string | undefined {
    return path.startsWith(FOLDER) ? this.#byPlace.get(`${host}${path}`) : undefined
  }
}
