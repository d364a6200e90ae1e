/** What a user agent string is good for: words for people. Never a decision about security. */

const first = (ua: string, table: ReadonlyArray<readonly [RegExp, string]>): string | undefined =>
  table.find(([pattern]) => pattern.test(ua))?.[1]

// order matters: the more special name first, because most of them also call themselves Chrome and Safari
const browsers = [
  [/MicroMessenger\//, 'WeChat'],
  [/DingTalk\//, 'DingTalk'],
  [/AlipayClient\//, 'Alipay'],
  [/\bQQ\/\d/, 'QQ'],
  [/Trident\/|MSIE /, 'Internet Explorer'],
  [/Edg(?:A|iOS)?\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/MQQBrowser|QQBrowser/, 'QQ Browser'],
  [/UCBrowser|UBrowser/, 'UC'],
  [/HuaweiBrowser/, 'Huawei Browser'],
  [/MiuiBrowser/, 'MIUI Browser'],
  [/QIHU|360SE|360EE/, '360'],
  [/Firefox\/|FxiOS\//, 'Firefox'],
  [/SamsungBrowser/, 'Samsung'],
  [/Chrome\/|CriOS\//, 'Chrome'],
  [/Safari\//, 'Safari']
] as const

const systems = [
  [/OpenHarmony|HarmonyOS/, 'HarmonyOS'],
  [/iPad/, 'iPadOS'],
  [/iPhone|iPod/, 'iOS'],
  [/Android/, 'Android'],
  [/Windows/, 'Windows'],
  [/Macintosh|Mac OS X/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux|X11/, 'Linux']
] as const

/** 'Windows · Chrome'; unknown parts are left out, '' when neither is known. */
export function browserLabel (ua: string | undefined): string {
  const text = (ua ?? '').slice(0, 512)
  return [first(text, systems), first(text, browsers)].filter(Boolean).join(' · ')
}

export const isPhone = (ua: string | undefined): boolean =>
  /Mobile|Android|iPhone|iPod|HarmonyOS.*Phone/i.test((ua ?? '').slice(0, 512))

/** The old engine of dual-engine browsers: pages ask to switch to 极速模式. */
export const isTrident = (ua: string | undefined): boolean => /Trident\/|MSIE /.test((ua ?? '').slice(0, 512))
