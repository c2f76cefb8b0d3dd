/** A no in the words of this API: `{"status":0,"msg":"…"}`. */
export class NpsRefusal extends Error {
  override readonly name = 'NpsRefusal'
  /** Of HTTP; what cannot be done is told with 200, as nps does. */
  readonly status: number

  constructor(message: string, status = 200) {
    super(message)
    this.status = status
  }
}
