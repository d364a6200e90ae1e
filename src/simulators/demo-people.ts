/**
 * The people of the sandbox: synthetic, with valid numbers, one for each state of an account. Everything that is needed
 * to sign in as them is here.
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
  {
    handle: 'zhaxi',
    state: 'fresh',
    name: '扎西顿珠',
    nameBo: 'བཀྲ་ཤིས་དོན་གྲུབ།',
    certNo: '540102199003072515',
    phone: '13800138000',
    validFrom: '2018-06-01',
    term: '20',
    note: '第一次登录：密码 → 扫码 → 身份信息 → 人脸'
  },
  {
    handle: 'zhuoma',
    state: 'face-verified',
    name: '次仁卓玛',
    nameBo: 'ཚེ་རིང་སྒྲོལ་མ།',
    certNo: '540103199511214029',
    phone: '13900139000',
    validFrom: '2022-03-10',
    term: '20',
    note: '已核验：只用密码；要求三级时再做人脸。一个单位的法定代表人，另一个单位的代理人'
  },
  {
    handle: 'yangjin',
    state: 'fresh',
    name: '白玛央金',
    nameBo: 'པདྨ་དབྱངས་ཅན།',
    certNo: '540126197708125025',
    phone: '13700137000',
    validFrom: '2023-09-01',
    term: 'long',
    note: '长期有效的身份证'
  },
  {
    handle: 'laoren',
    state: 'fresh',
    name: '洛桑',
    certNo: '540102195105204015',
    phone: '13600136000',
    validFrom: '2012-05-01',
    term: 'long',
    note: '七十五岁，第一次登录'
  },
  {
    handle: 'xuesheng',
    state: 'fresh',
    name: '丹增',
    certNo: '540202200002291012',
    phone: '15000150000',
    validFrom: '2020-02-29',
    term: '10',
    note: '2 月 29 日签发的身份证'
  },
  {
    handle: 'ronghe',
    state: 'face-verified',
    name: '王小梅',
    certNo: '11010519491231002X',
    phone: '15100151000',
    validFrom: '2010-01-01',
    term: 'long',
    note: '已核验，号码末位是 X'
  },
  {
    handle: 'suoding',
    state: 'locked',
    name: '索朗',
    certNo: '540125198810053011',
    phone: '15200152000',
    validFrom: '2016-04-11',
    term: '20',
    note: '已锁定：与密码错误得到同样的答复'
  },
  {
    handle: 'tingyong',
    state: 'disabled',
    name: '尼玛次仁',
    certNo: '542121197304307033',
    phone: '15300153000',
    validFrom: '2020-07-07',
    term: 'long',
    note: '已停用：与密码错误得到同样的答复'
  },
  {
    handle: 'weijihuo',
    state: 'unactivated',
    name: '拉姆',
    certNo: '542221198412308068',
    phone: '15700157000',
    validFrom: '2019-08-15',
    term: '20',
    note: '从国家平台导入，尚未激活：没有密码'
  },
  // the legal representatives of the demo organizations
  {
    handle: 'gesang',
    state: 'face-verified',
    name: '格桑',
    nameBo: 'སྐལ་བཟང་།',
    certNo: '542621198209182019',
    phone: '18900189001',
    validFrom: '2019-05-20',
    term: '20',
    note: '已核验：村集体、合作社的法定代表人'
  },
  {
    handle: 'awang',
    state: 'face-verified',
    name: '阿旺曲扎',
    nameBo: 'ངག་དབང་ཆོས་གྲགས།',
    certNo: '54010219900307019X',
    phone: '18900189002',
    validFrom: '2017-10-09',
    term: '20',
    note: '已核验：宗教场所和协会的法定代表人'
  },
  {
    handle: 'basang',
    state: 'fresh',
    name: '巴桑',
    nameBo: 'པ་སངས།',
    certNo: '54030219870615904X',
    phone: '18900189003',
    validFrom: '2015-02-01',
    term: '20',
    note: '法定代表人，第一次登录：要扫码、填身份信息、做人脸'
  },
  {
    handle: 'dawa',
    state: 'face-verified',
    name: '达瓦',
    nameBo: 'ཟླ་བ།',
    certNo: '542523199807071011',
    phone: '18900189004',
    validFrom: '2024-07-18',
    term: '20',
    note: '已核验：几个单位的代理人，授权状态各不相同'
  },
  {
    handle: 'deji',
    state: 'fresh',
    name: '德吉',
    nameBo: 'བདེ་སྐྱིད།',
    certNo: '542421199110104022',
    phone: '18900189005',
    validFrom: '2018-09-30',
    term: '20',
    note: '代理人，授权已生效，第一次登录'
  },
  {
    handle: 'renzeng',
    state: 'face-verified',
    name: '仁增',
    nameBo: 'རིག་འཛིན།',
    certNo: '540530199909090039',
    phone: '18900189006',
    validFrom: '2025-09-15',
    term: '20',
    note: '已核验：代理申请正在等待审核'
  },
  {
    handle: 'pingcuo',
    state: 'fresh',
    name: '平措',
    nameBo: 'ཕུན་ཚོགས།',
    certNo: '540422200303050016',
    phone: '18900189007',
    validFrom: '2019-04-01',
    term: '10',
    note: '曾是代理人，授权已撤销'
  }
]
