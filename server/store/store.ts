// Door of the engines: PostgreSQL (embedded or by DSN), Redis or memory, change notices, journal, jobs.
// Rooms keep their own tables and SQL; nothing here knows a product word.
import type { Config } from '../config/config.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { Conditions } from './conditions.ts'
import type { Tallies } from './tallies.ts'

export { ArchiveError, type ArchiveHeader } from './archive-format.ts'
export { type Conditions, createConditions, prefixPattern } from './conditions.ts'
export { createStore } from './create-store.ts'
export { DeadlineError, withDeadline } from './deadline.ts'
export { EngineAwayError } from './engine-away-error.ts'
export { rememberMasterKey } from './fingerprint.ts'
export { type JournalFolders, listJournals } from './journal-folders.ts'
export { createLastUsed, type LastUsed, type UsedRow } from './last-used.ts'
export { type CommandDatabase, openDatabaseForCommand } from './open-for-command.ts'
export { type Page, selectPage } from './page.ts'
export { type Archive, findForeignArchiveSecrets, importArchive, openArchive } from './read-archive.ts'
export { DataFolderInUseError, dataFolderInUseExitCode, StoreStartError } from './store-start-error.ts'
export type {
  ReserveAnswer,
  SettledSum,
  Tallies,
  TallyClaim,
  TallyItem,
  TallyPart,
} from './tallies.ts'
export { type ArchiveProgress, exportDatabase } from './write-archive.ts'

export type Row = Record<string, unknown>
export type QueryResult<R> = { rows: R[]; rowCount: number }

/** Anything SQL can be sent to: the pool, or an open transaction. */
export type Queryable = {
  query<R = Row>(sql: string, values?: readonly unknown[]): Promise<QueryResult<R>>
}

export type QueryOptions = {
  /** Longest wait for a connection and the answer together; default 5,000. */
  deadlineMs?: number
}

export type Database = Queryable & {
  /**
   * Throws EngineAwayError when the deadline passes or the engine is known to be away (then at once, while a probe
   * each 250 ms looks for its return); any other error is the server's answer (`code` is the SQLSTATE).
   */
  query<R = Row>(sql: string, values?: readonly unknown[], options?: QueryOptions): Promise<QueryResult<R>>
  /** Commits when `work` resolves, rolls back when it throws. */
  transaction<T>(work: (tx: Queryable) => Promise<T>, options?: QueryOptions): Promise<T>
  /** Rows in batches through a cursor: flat memory however many there are. Closes its cursor when left early. */
  stream<R = Row>(sql: string, values: readonly unknown[], batchRows: number): AsyncIterable<R[]>
  /**
   * How many there are. From 20,000 on the answer may be that of some seconds ago, so that people who turn pages do not
   * have them counted again each time.
   */
  countRows(list: List): Promise<number>
  /**
   * The same within some milliseconds: exactly when they are few or were counted lately, else the planner's estimate,
   * which may be off either way.
   */
  expectRows(list: List): Promise<ExpectedRows>
  /** Begins to count them for the next look, and keeps nobody waiting; a failure is only the next look's loss. */
  countLater(list: List): void
  isReachable(): boolean
  /** Resolves at once, or when an engine that is away has come back, or after 3 s. */
  untilBack(): Promise<void>
}

/** The rows of `table` that meet `conditions`. */
export type List = { table: string; conditions: Conditions }

/** `isDue`: they are to be counted (`countLater`) once the answer has been read. */
export type ExpectedRows = { rows: number; isExact: boolean; isDue: boolean }

/**
 * Messages between all processes on one database (LISTEN/NOTIFY), with a heartbeat: a round trip on the listening
 * connection each 250 ms proves that every notice sent before it has arrived.
 */
export type Notices = {
  /** Sent when `tx` commits. `payload` is a small JSON value (< 7,000 bytes). */
  publish(tx: Queryable, topic: string, payload: unknown): Promise<void>
  /** Called for each notice of `topic`, also for this process's own. Returns the unsubscriber. */
  subscribe(topic: string, handle: (payload: unknown) => void): () => void
  /** Called after the channel was lost and stands again: notices may have been missed, so caches must be dropped. */
  onGap(handle: () => void): () => void
  /** True while the last completed heartbeat began less than 1,000 ms ago: cached state is then no older than that. */
  isFresh(): boolean
}

/** Fixed-window counters, in Redis when there is one (in this process while it is away), else in this process; bounded. */
export type Counters = {
  /** Adds `by` (default 1) and returns the count of the window that began with the first increment. */
  increment(key: string, windowMs: number, by?: number): Promise<{ count: number; resetMs: number }>
  read(key: string): Promise<{ count: number; resetMs: number }>
  reset(key: string): Promise<void>
}

/**
 * Second-level cache in Redis, shared by replicas. Values are versioned, so that a late writer never puts an older
 * value over a newer one, and live in a generation: a process that starts or that found Redis away begins a new one
 * before it reads, because a change may have missed Redis meanwhile. Every method throws EngineAwayError after 1,000 ms or while Redis is known to be away.
 */
export type SharedCache = {
  isUsable(): boolean
  /** `entry` is null when nothing usable stands there. `generation` goes back into `fill`. */
  get(key: string): Promise<{ entry: { version: number; value: string } | null; generation: string }>
  /**
   * Writes unless a newer version or a change mark stands there, or another generation has begun since `generation` was
   * read: a fill that was delayed while Redis was away must not bring old knowledge back.
   */
  fill(key: string, version: number, value: string, generation: string): Promise<void>
  /** Before a change is committed: readers see nothing and nobody may fill, for 5 s at most. Answers the generation for `put`. */
  markChanging(key: string): Promise<string>
  /**
   * After a change was committed: replaces the mark and anything older. Where another generation than `generation` has
   * begun since the mark, it drops what is older instead: others may have filled that again meanwhile.
   */
  put(key: string, version: number, value: string, generation: string): Promise<void>
  /** Removes anything older than `version` and refuses older writes for a minute; right at any time, in any generation. */
  drop(key: string, version: number): Promise<void>
}

/**
 * Append-only file of records that must not be lost while PostgreSQL is away or the process is killed.
 * Records are drained in batches, in order for each kind, at least once: a drain must be idempotent.
 */
export type Journal = {
  /** Resolves when the record is synced to disk. Throws AppError `database_unavailable` when there is no room left. */
  append(kind: string, record: object): Promise<void>
  /**
   * Records of `kind`, which `append` does not take, are written into room that was secured before. `recordBytesMax` is
   * the longest line of a record: its JSON and ten bytes.
   */
  openSlots(kind: string, recordBytesMax: number): Promise<JournalSlots>
  /** Registers the drain of a kind; records of earlier processes come first. A throwing drain is tried again with backoff. */
  drainInto(kind: string, drain: DrainWork, settings?: DrainSettings): void
  /** Resolves when everything appended so far and left by earlier processes, of one kind or of all, has been drained. */
  flushed(kind?: string): Promise<void>
  state(): { usable: boolean; waitingRecords: number; bytes: number }
}

/** Is handed the JSON of each record: many are many, and not every drain has to look into them. */
export type DrainWork = (texts: readonly string[]) => Promise<void>
export type DrainSettings = {
  /** Default 1,000. */
  batchRecordsMax?: number
  /** A batch that is not full waits so long for more, unless somebody waits for it; default 0. */
  gatherMs?: number
}

export type JournalSlots = {
  /** Secures room for one record. Null: there is none, because the disk or the bound of the journal refuses. */
  reserve(): JournalSlot | null
}

/** Room for one record. What comes after the first of the two calls changes nothing. */
export type JournalSlot = {
  /** Synchronous: once it returns, a killed process loses nothing; synced to disk within 50 ms. Never throws. */
  write(record: object): void
  release(): void
}

/** Scheduled and queued work, once across all replicas (pg-boss). */
export type Jobs = {
  /** Runs `work` at `cron` (UTC, minute precision) on one replica. */
  schedule(name: string, cron: string, work: () => Promise<void>): Promise<void>
  /** Queue with retries: the first after ≤ 5 s, then with growing pauses (≤ 1 h) for a day. */
  queue<Data extends object>(name: string, work: (data: Data) => Promise<void>): Promise<void>
  /** Adds to a queue inside `tx`. The same `key` is added once while it is waiting or running. */
  enqueue(tx: Queryable, queue: string, data: object, key?: string): Promise<void>
}

export type StoreHealth = {
  database: { state: 'up' | 'down'; detail?: string }
  redis: { state: 'up' | 'down' | 'off'; detail?: string }
  journal: { state: 'up' | 'down'; detail?: string }
}

export type Store = {
  database: Database
  notices: Notices
  counters: Counters
  /** In Redis when there is one, else in this process. */
  tallies: Tallies
  /** Null without Redis. */
  sharedCache: SharedCache | null
  journal: Journal
  jobs: Jobs
  health(): StoreHealth
  /** Starts drains and jobs; called once every room has registered its own. */
  startWork(): Promise<void>
  /** Drains what it can, releases locks, stops an embedded server that it supervises. */
  close(): Promise<void>
}

export type StoreDependencies = {
  config: Pick<
    Config,
    | 'dataDir'
    | 'embedded'
    | 'pgDsn'
    | 'redisAddr'
    | 'redisPassword'
    | 'redisPrefix'
    | 'pepper'
    | 'masterKey'
    | 'masterKeyPrevious'
    | 'journal'
  >
  clock: Clock
  logger: Logger
}
