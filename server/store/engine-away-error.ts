// The one error that says "this engine cannot be asked now".

/** An engine did not answer within its deadline or is known to be away. Never carries values of the query. */
export class EngineAwayError extends Error {
  readonly engine: 'database' | 'redis'
  constructor(engine: 'database' | 'redis', cause?: unknown) {
    super(`${engine} is away`, { cause })
    this.name = 'EngineAwayError'
    this.engine = engine
  }
}
