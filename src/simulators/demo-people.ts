/**
 * The people of the sandbox: synthetic, with valid numbers, one for each state an account can be in.
 * Whoever tries the product, or tests it from outside, finds here all that is needed to log in as them.
 */
export type DemoState = 'fresh' | 'face-verified' | 'locked' | 'disabled' | 'unactivated'

export interface DemoPerson {
  /** Stable handle for the sandbox API. */
  handle: string
  state: DemoState
  name: string
  nameBo?: string
  certNo: string
  /** National form, 11 digits. */
  phone: string
  validFrom: string
  term: '5' | '10' | '20' | 'long'
  note: string
}

/** One password for all of them: it is printed on the start page anyway. */
export const demoPassword = 'Snow-lion-2026'

export const demoPeople: readonly DemoPerson[] = [
  { handle: 'zhaxi', state: 'fresh', name: '扎西顿珠', nameBo: 'བཀྲ་ཤིས་དོན་གྲུབ།', certNo: '540102199003072515', phone: '13800138000', validFrom: '2018-06-01', term: '20', note: '第一次登录：密码 → 扫码 → 身份信息 → 人脸' },
  { handle: 'zhuoma', state: 'face-verified', name: '次仁卓玛', nameBo: 'ཚེ་རིང་སྒྲོལ་མ།', certNo: '540103199511214029', phone: '13900139000', validFrom: '2022-03-10', term: '20', note: '已核验：只用密码；要求三级时再做人脸' },
  { handle: 'yangjin', state: 'fresh', name: '白玛央金', nameBo: 'པདྨ་དབྱངས་ཅན།', certNo: '540126197708125025', phone: '13700137000', validFrom: '2023-09-01', term: 'long', note: '长期有效的身份证' },
  { handle: 'laoren', state: 'fresh', name: '洛桑', certNo: '540102195105204015', phone: '13600136000', validFrom: '2012-05-01', term: 'long', note: '七十五岁，第一次登录' },
  { handle: 'xuesheng', state: 'fresh', name: '丹增', certNo: '540202200002291012', phone: '15000150000', validFrom: '2020-02-29', term: '10', note: '2 月 29 日签发的身份证' },
  { handle: 'ronghe', state: 'face-verified', name: '王小梅', certNo: '11010519491231002X', phone: '15100151000', validFrom: '2010-01-01', term: 'long', note: '已核验，号码末位是 X' },
  { handle: 'suoding', state: 'locked', name: '索朗', certNo: '540125198810053011', phone: '15200152000', validFrom: '2016-04-11', term: '20', note: '已锁定：与密码错误得到同样的答复' },
  { handle: 'tingyong', state: 'disabled', name: '尼玛次仁', certNo: '542121197304307033', phone: '15300153000', validFrom: '2020-07-07', term: 'long', note: '已停用：与密码错误得到同样的答复' },
  { handle: 'weijihuo', state: 'unactivated', name: '拉姆', certNo: '542221198412308068', phone: '15700157000', validFrom: '2019-08-15', term: '20', note: '从国家平台导入，尚未激活：没有密码' }
]
