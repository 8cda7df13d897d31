// Envelopes: each record is sealed with a data key of its own, and that with the master key; both are bound to their place.
import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { createKeyedDigest, deriveKey } from '../lib/keyed-digest.ts'
import { openSealed, seal } from '../lib/seal.ts'
import type { Secret } from '../lib/secret.ts'

/** Where a record belongs: moved to another client, provider or version it does not open. */
export type Place = { clientId: number | null; provider: string; version: number }
export type Envelope = { sealed: Buffer; sealedDataKey: Buffer; masterKeyId: string }

export type Sealer = {
  /** Names the current master key; says nothing about it. */
  readonly masterKeyId: string
  /** Whether this master key is among ours. */
  knows(masterKeyId: string): boolean
  seal(secret: string, place: Place): Envelope
  /** Null when the record was altered, belongs elsewhere, or its master key is not among ours. */
  open(envelope: Envelope, place: Place): string | null
  /** The same record under the current master key; null as for `open`. The provider key itself is not touched. */
  reseal(envelope: Envelope, place: Place): Envelope | null
}

type MasterKey = { id: string; key: KeyObject }

export function createSealer(masterKey: Secret, previous: readonly Secret[]): Sealer {
  const current = toMasterKey(masterKey)
  const known = new Map([...previous.map(toMasterKey), current].map(({ id, key }) => [id, key]))

  function openDataKey({ sealedDataKey, masterKeyId }: Envelope, place: Place): Buffer | null {
    const key = known.get(masterKeyId)
    return key ? openSealed(key, sealedDataKey, placeName('data key', place)) : null
  }
  const sealDataKey = (dataKey: Buffer, place: Place) => ({
    sealedDataKey: seal(current.key, dataKey, placeName('data key', place)),
    masterKeyId: current.id,
  })

  return {
    masterKeyId: current.id,
    knows: (masterKeyId) => known.has(masterKeyId),
    seal(secret, place) {
      const dataKey = randomBytes(32)
      const sealed = seal(createSecretKey(dataKey), secret, placeName('provider key', place))
      return { sealed, ...sealDataKey(dataKey, place) }
    },
    open(envelope, place) {
      const dataKey = openDataKey(envelope, place)
      if (!dataKey) return null
      const plain = openSealed(createSecretKey(dataKey), envelope.sealed, placeName('provider key', place))
      return plain?.toString('utf8') ?? null
    },
    reseal(envelope, place) {
      const dataKey = openDataKey(envelope, place)
      return dataKey ? { sealed: envelope.sealed, ...sealDataKey(dataKey, place) } : null
    },
  }
}

function toMasterKey(secret: Secret): MasterKey {
  const id = createKeyedDigest(secret)('sallyport master key id').slice(0, 16)
  return { id, key: deriveKey(secret, 'sallyport provider keys') }
}

function placeName(kind: string, { clientId, provider, version }: Place): string {
  return JSON.stringify([kind, clientId ?? 'shared', provider, version])
}
