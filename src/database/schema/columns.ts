/** Column types: what is read, what may be inserted, what may be updated. */
import type { ColumnType, JSONColumnType } from 'kysely'

/** With a default, mostly now(). */
export type Timestamp = ColumnType<Date, Date | string | undefined, Date | string>
export type RequiredTimestamp = ColumnType<Date, Date | string, Date | string>
export type NullableTimestamp = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>
export type Json<T extends object> = JSONColumnType<T, string, string>
export type NullableJson<T extends object> = ColumnType<T | null, string | null | undefined, string | null>
