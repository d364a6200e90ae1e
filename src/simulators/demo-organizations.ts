/**
 * The organizations of the sandbox: synthetic, with valid codes, each represented by demo people, with delegations in
 * every state. Some are in the company register only: they are there to be registered.
 */
import type { DelegationState } from '../domain/representation/delegation.ts'

export interface DemoDelegation {
  /** Handle of a demo person. */
  agent: string
  state: Extract<DelegationState, 'submitted' | 'active' | 'rejected' | 'suspended' | 'revoked' | 'expired'>
  /** Null: everything. */
  functions: string[] | null
  clientIds: string[] | null
  /** First and last day, counted from the day of the seeding. */
  days: [from: number, to: number]
  reason?: string
}

export interface DemoOrganization {
  /** Stable handle for people; the API names organizations by their code. */
  handle: string
  uscc: string
  name: string
  /** What the company register says; Kora's own status follows it. */
  status: 'active' | 'suspended' | 'dissolved'
  /** Handle of a demo person. */
  legalRepresentative: string
  /** False: in the register only, without an account here. */
  account: boolean
  registeredRegion?: string
  delegations: DemoDelegation[]
  note: string
}

const year: [number, number] = [-100, 264]

export const demoOrganizations: readonly DemoOrganization[] = [
  {
    handle: 'gongsi',
    uscc: '91540102MA6T1A2BXK',
    name: '西藏示例科技有限公司',
    status: 'active',
    legalRepresentative: 'zhuoma',
    account: true,
    registeredRegion: '540102',
    delegations: [
      { agent: 'dawa', state: 'active', functions: ['property.query'], clientIds: ['demo-site'], days: year },
      { agent: 'deji', state: 'active', functions: null, clientIds: null, days: [-30, 334] },
      { agent: 'pingcuo', state: 'revoked', functions: null, clientIds: null, days: [-20, 344], reason: '已离职' }
    ],
    note: '企业，两名有效代理人：代理人登录时还要填手机号或身份证号'
  },
  {
    handle: 'cunjiti',
    uscc: 'N2540121MF1234XY4L',
    name: '林周县示例村股份经济合作社',
    status: 'active',
    legalRepresentative: 'gesang',
    account: true,
    registeredRegion: '540121',
    delegations: [
      {
        agent: 'zhuoma',
        state: 'active',
        functions: ['property.register', 'property.query'],
        clientIds: ['demo-site', 'demo-tax'],
        days: year
      }
    ],
    note: '村集体，只有一名有效代理人，她也是另一个单位的法定代表人'
  },
  {
    handle: 'simiao',
    uscc: '71540102MC1234566M',
    name: '拉萨市示例寺管理委员会',
    status: 'active',
    legalRepresentative: 'awang',
    account: true,
    registeredRegion: '540102',
    delegations: [
      {
        agent: 'renzeng',
        state: 'submitted',
        functions: ['property.register'],
        clientIds: ['demo-site'],
        days: [0, 364]
      }
    ],
    note: '宗教场所，代理申请正在等法定代表人审核'
  },
  {
    handle: 'getihu',
    uscc: '92540202MA6T9XYW1N',
    name: '桑珠孜区示例甜茶馆',
    status: 'active',
    legalRepresentative: 'basang',
    account: true,
    delegations: [
      {
        agent: 'deji',
        state: 'rejected',
        functions: null,
        clientIds: null,
        days: [-10, 354],
        reason: '有效期太长，请改短后重新提交'
      }
    ],
    note: '个体工商户，法定代表人第一次登录；代理申请已被拒绝'
  },
  {
    handle: 'hezuoshe',
    uscc: '93540602MAB02K7C5Y',
    name: '色尼区示例牧民专业合作社',
    status: 'active',
    legalRepresentative: 'gesang',
    account: true,
    registeredRegion: '540602',
    delegations: [
      {
        agent: 'dawa',
        state: 'suspended',
        functions: ['property.query'],
        clientIds: null,
        days: year,
        reason: '法定代表人已变更，请重新审核'
      }
    ],
    note: '合作社，代理授权已暂停'
  },
  {
    handle: 'xiehui',
    uscc: '51540000501892318C',
    name: '西藏示例手工艺协会',
    status: 'active',
    legalRepresentative: 'awang',
    account: true,
    delegations: [{ agent: 'dawa', state: 'expired', functions: null, clientIds: null, days: [-400, -36] }],
    note: '社会团体，代理授权已到期'
  },
  {
    handle: 'yanglao',
    uscc: '52540100MJ9001236F',
    name: '拉萨示例养老服务中心',
    status: 'active',
    legalRepresentative: 'gesang',
    account: true,
    delegations: [
      {
        agent: 'pingcuo',
        state: 'revoked',
        functions: ['property.query'],
        clientIds: null,
        days: year,
        reason: '不再担任经办人'
      }
    ],
    note: '民办非企业单位，代理授权已撤销'
  },
  {
    handle: 'jijinhui',
    uscc: '53540000MJY200126G',
    name: '西藏示例助学基金会',
    status: 'suspended',
    legalRepresentative: 'basang',
    account: true,
    delegations: [{ agent: 'deji', state: 'active', functions: null, clientIds: null, days: year }],
    note: '单位已被登记机关停业：法定代表人和代理人都不能代表它'
  },
  {
    handle: 'zhuxiao',
    uscc: '91540000741928375U',
    name: '西藏示例贸易有限公司',
    status: 'dissolved',
    legalRepresentative: 'gesang',
    account: true,
    delegations: [],
    note: '单位已注销'
  },
  {
    handle: 'lvsuo',
    uscc: '31540000MD01234545',
    name: '西藏示例律师事务所',
    status: 'active',
    legalRepresentative: 'zhaxi',
    account: false,
    delegations: [],
    note: '在登记库里，这里还没有账号：可以用来走法人注册'
  },
  {
    handle: 'xuexiao',
    uscc: '12540000433200155G',
    name: '西藏示例职业学校',
    status: 'active',
    legalRepresentative: 'laoren',
    account: false,
    delegations: [],
    note: '在登记库里，这里还没有账号：可以由代理人来走法人注册'
  }
]
