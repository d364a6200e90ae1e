/**
 * Administrative divisions, GB/T 2260: the provinces, and all of 西藏自治区 by name.
 *
 * Numbers of persons and organizations keep the code of the day they were first registered. Five of
 * the seven Tibetan prefectures were re-coded between 2014 and 2018, so most adults there carry an
 * abolished code: the province decides about acceptance, the county only about `regionKnown`.
 */

export interface Division {
  readonly code: string
  readonly name: string
}
export interface Prefecture extends Division {
  readonly counties: readonly Division[]
}

const PROVINCES = new Set(
  ('11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 ' + '50 51 52 53 54 61 62 63 64 65').split(' ')
)

// 7 prefectures, 74 counties (8 districts, 2 cities, 64 counties) since April 2023.
const TIBET: ReadonlyArray<readonly [code: string, name: string, counties: string]> = [
  ['540100', '拉萨市', '02城关区 03堆龙德庆区 04达孜区 21林周县 22当雄县 23尼木县 24曲水县 27墨竹工卡县'],
  [
    '540200',
    '日喀则市',
    '02桑珠孜区 21南木林县 22江孜县 23定日县 24萨迦县 25拉孜县 26昂仁县 27谢通门县 28白朗县 ' +
      '29仁布县 30康马县 31定结县 32仲巴县 33亚东县 34吉隆县 35聂拉木县 36萨嘎县 37岗巴县'
  ],
  [
    '540300',
    '昌都市',
    '02卡若区 21江达县 22贡觉县 23类乌齐县 24丁青县 25察雅县 26八宿县 27左贡县 28芒康县 29洛隆县 30边坝县'
  ],
  ['540400', '林芝市', '02巴宜区 21工布江达县 23墨脱县 24波密县 25察隅县 26朗县 81米林市'],
  [
    '540500',
    '山南市',
    '02乃东区 21扎囊县 22贡嘎县 23桑日县 24琼结县 25曲松县 26措美县 27洛扎县 28加查县 29隆子县 ' +
      '31浪卡子县 81错那市'
  ],
  [
    '540600',
    '那曲市',
    '02色尼区 21嘉黎县 22比如县 23聂荣县 24安多县 25申扎县 26索县 27班戈县 28巴青县 29尼玛县 30双湖县'
  ],
  ['542500', '阿里地区', '21普兰县 22札达县 23噶尔县 24日土县 25革吉县 26改则县 27措勤县']
]

/** 西藏自治区 today, in code order: what the registration form offers as 注册所在地. */
export const tibetanPrefectures: readonly Prefecture[] = TIBET.map(([code, name, counties]) => ({
  code,
  name,
  counties: counties
    .split(' ')
    .map((county) => ({ code: code.slice(0, 4) + county.slice(0, 2), name: county.slice(2) }))
}))

const tibetanCounties = new Set(
  tibetanPrefectures.flatMap((prefecture) => prefecture.counties.map((county) => county.code))
)

/**
 * Codes abolished in Tibet: the counties and county cities of 5421 昌都 (to 2014), 5422 山南 (2016),
 * 5423 日喀则 (2014), 5424 那曲 (2018), 5425 阿里 (merged counties), 5426 林芝 (2015) and 5427 江孜
 * (1986); 堆龙德庆县 and 达孜县; the 林芝 counties under 拉萨 (to 1986); 米林县 and 错那县 (to 2023).
 */
const TIBET_HISTORIC = /^(?:542[1-7](?:01|2\d|3\d)|5401(?:25|26|28|29|30|31)|540422|540530)$/

/** Is this the two-digit prefix of a province of the mainland (11 … 65)? */
export function isProvince (prefix: string): boolean {
  return PROVINCES.has(prefix)
}

/**
 * Whether this six-digit county code is known. In Tibet: the codes of today or the abolished ones. Elsewhere there is
 * no list, and the code only has to fit the numbering of GB/T 2260 (01–70 and 90 for the prefecture, 01–99 for the
 * county). False is a reason for a check, never for a refusal.
 */
export function isKnownCounty (code: string): boolean {
  if (!/^\d{6}$/.test(code) || !isProvince(code.slice(0, 2))) return false
  if (code.startsWith('54')) return tibetanCounties.has(code) || TIBET_HISTORIC.test(code)
  return /^..(?:0[1-9]|[1-6]\d|70|90)(?!00)/.test(code)
}

/** Full name of a Tibetan county of today (西藏自治区拉萨市城关区), or null. */
export function tibetanDivisionName (code: string): string | null {
  if (code === '540000') return '西藏自治区'
  for (const prefecture of tibetanPrefectures) {
    if (prefecture.code === code) return `西藏自治区${prefecture.name}`
    const county = prefecture.counties.find((entry) => entry.code === code)
    if (county !== undefined) return `西藏自治区${prefecture.name}${county.name}`
  }
  return null
}
