import t from 'tap'
import { runsOf, staleRuns } from '../../views/make-font.ts'

t.test('the committed Tibetan fonts show every string exactly as the full font does', async (t) => {
  t.ok(runsOf('bo-ui.woff2').length > 200)
  t.same(runsOf('bo-nav.woff2'), ['བོད་ཡིག'])
  for (const file of ['bo-ui.woff2', 'bo-nav.woff2'] as const) {
    t.same(await staleRuns(file), [], `${file}: run "node views/make-font.ts" after changing a Tibetan text`)
  }
})
