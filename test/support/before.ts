/** Runs once before all tests: prepares what each of them loads. */
import { ensureSnapshot, ensureTemplate, removeOldSnapshots } from './snapshot.ts'

removeOldSnapshots(await ensureSnapshot())
const url = process.env['TEST_DATABASE_URL']
if (url !== undefined && url !== '') await ensureTemplate(url)
