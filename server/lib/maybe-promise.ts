// Values that are usually there at once: no promise is made for them on the hot path.

export type MaybePromise<Value> = Value | Promise<Value>

/** Goes on at once when the value is there, else when it comes. */
export function after<Value, Next>(
  value: MaybePromise<Value>,
  next: (value: Value) => MaybePromise<Next>,
): MaybePromise<Next> {
  return value instanceof Promise ? value.then(next) : next(value)
}
