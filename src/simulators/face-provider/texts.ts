/** Words of the capture page. Tibetan has the words that are attested; the rest is shown in Chinese and marked so. */
import type { Outcome } from './transactions.ts'

export const locales = ['zh-CN', 'bo', 'en'] as const
export type Locale = (typeof locales)[number]

export const isLocale = (value: unknown): value is Locale => (locales as readonly unknown[]).includes(value)

export const localeNames: Record<Locale, string> = { 'zh-CN': '中文', bo: 'བོད་ཡིག', en: 'English' }

type PageWord =
  | 'banner'
  | 'language'
  | 'title'
  | 'prepare'
  | 'light'
  | 'frame'
  | 'uncovered'
  | 'single'
  | 'camera'
  | 'privacy'
  | 'start'
  | 'stop'
  | 'video'
  | 'choose'
  | 'chooseHint'
  | 'submit'
  | 'errorPrefix'
  | 'errorTitle'
  | 'errorChoose'
  | 'doneTitle'
  | 'doneText'
  | 'goneTitle'
  | 'goneText'

/** What the script says; it reads them from the page. */
export const cameraStates = ['running', 'stopped', 'denied', 'busy', 'none', 'insecure', 'unsupported'] as const
export type CameraState = (typeof cameraStates)[number]

export type Word = PageWord | `camera.${CameraState}` | `outcome.${Outcome}`

const zh: Record<Word, string> = {
  banner: '演示，不可用于生产',
  language: '语言',
  title: '人脸识别认证',
  prepare: '准备',
  light: '光线充足，不反光，不背光',
  frame: '手机与眼睛同高，面部全部在画面内',
  uncovered: '摘下帽子、墨镜、口罩',
  single: '请不要多人入镜',
  camera: '摄像头',
  privacy: '画面只在本机显示，不上传，不保存。这里不做真实识别。',
  start: '打开摄像头',
  stop: '关闭摄像头',
  video: '摄像头画面，只在本机显示',
  choose: '选择本次核验的结果',
  chooseHint: '演示系统由您决定结果，不需要摄像头。',
  submit: '完成核验',
  errorPrefix: '错误：',
  errorTitle: '有一处需要处理',
  errorChoose: '请选择一个结果',
  doneTitle: '本次核验已完成',
  doneText: '请返回原来的页面，那里会显示结果。',
  goneTitle: '这个核验链接已失效',
  goneText: '请返回原来的页面，重新开始人脸核验。',
  'camera.running': '摄像头已打开，画面只在本机显示。',
  'camera.stopped': '摄像头已关闭。',
  'camera.denied': '没有摄像头权限。可在系统或浏览器设置中允许，也可以直接选择结果。',
  'camera.busy': '摄像头正被其他程序使用。请关闭那个程序，也可以直接选择结果。',
  'camera.none': '这台设备没有摄像头。请直接选择结果。',
  'camera.insecure': '当前连接不是 https，浏览器不允许使用摄像头。请直接选择结果。',
  'camera.unsupported': '这个浏览器不支持摄像头。请直接选择结果。',
  'outcome.pass': '通过：是本人',
  'outcome.mismatch': '不通过：和证件照片对不上',
  'outcome.liveness': '不通过：没有识别为本人实时拍摄',
  'outcome.quality': '不通过：照片质量不够（太暗、模糊或被遮挡）',
  'outcome.no-photo': '不通过：人口库中没有证件照片',
  'outcome.cancel': '本人中途取消',
  'outcome.timeout': '故障：服务商超时不答',
  'outcome.down': '故障：服务商连接中断',
  'outcome.garbage': '故障：服务商答复乱码',
  'outcome.forged': '故障：答复的签名是伪造的'
}

const en: Record<Word, string> = {
  banner: 'Demonstration, not for production',
  language: 'Language',
  title: 'Face verification',
  prepare: 'Before you start',
  light: 'Enough light, no glare, no light from behind',
  frame: 'Phone at eye level, the whole face in the picture',
  uncovered: 'Take off hat, sunglasses and mask',
  single: 'One person only',
  camera: 'Camera',
  privacy: 'The picture is shown on this device only. It is not sent and not kept. Nothing is really recognised here.',
  start: 'Open the camera',
  stop: 'Close the camera',
  video: 'Camera picture, shown on this device only',
  choose: 'Choose the outcome of this check',
  chooseHint: 'In the demonstration you decide the outcome; no camera is needed.',
  submit: 'Finish the check',
  errorPrefix: 'Error: ',
  errorTitle: 'There is one thing to correct',
  errorChoose: 'Choose an outcome',
  doneTitle: 'This check is finished',
  doneText: 'Go back to the page you came from: it shows the result.',
  goneTitle: 'This link has expired',
  goneText: 'Go back to the page you came from and start the face check again.',
  'camera.running': 'The camera is open. The picture stays on this device.',
  'camera.stopped': 'The camera is closed.',
  'camera.denied':
    'No permission for the camera. Allow it in the settings of the system or browser, or simply choose an outcome.',
  'camera.busy': 'Another program uses the camera. Close it, or simply choose an outcome.',
  'camera.none': 'This device has no camera. Choose an outcome.',
  'camera.insecure': 'This connection is not https, so the browser does not allow the camera. Choose an outcome.',
  'camera.unsupported': 'This browser cannot use a camera. Choose an outcome.',
  'outcome.pass': 'Pass: this is the person',
  'outcome.mismatch': 'Fail: does not match the photo of the document',
  'outcome.liveness': 'Fail: not recognised as a live picture of the person',
  'outcome.quality': 'Fail: picture not good enough (dark, blurred or covered)',
  'outcome.no-photo': 'Fail: no photo in the population base',
  'outcome.cancel': 'The person cancels',
  'outcome.timeout': 'Fault: the provider does not answer in time',
  'outcome.down': 'Fault: the provider breaks the connection',
  'outcome.garbage': 'Fault: the provider answers nonsense',
  'outcome.forged': 'Fault: the signature of the answer is forged'
}

const bo: Partial<Record<Word, string>> = {
  language: 'སྐད་ཡིག',
  title: 'ངོ་གདོང་དབྱེ་འབྱེད་ར་སྤྲོད།',
  frame: 'ཁྱེད་ཀྱི་ངོ་གདོང་ཚང་མ་དབྱེ་འབྱེད་ཁུལ་དུ་ཡོད་པར་ཁག་ཐེག་བྱེད་དགོས།',
  uncovered: 'ངོ་གདོང་བཀབ་མེད་པ་རྒྱུན་འཁྱོངས་བྱེད་དགོས།',
  single: 'མི་མང་པོ་དབྱེ་འབྱེད་ཁུལ་དུ་མ་ཡོང་རོགས།',
  submit: 'གཏན་ཁེལ།',
  'outcome.pass': 'ར་འཕྲོད་པ།',
  'outcome.cancel': 'འདོར་བ།',
  'outcome.timeout': 'བཀོལ་སྤྱོད་དུས་བརྒལ།'
}

const tables: Record<Locale, Partial<Record<Word, string>>> = { 'zh-CN': zh, bo, en }

/** A word and the language it is in, which is Chinese where a translation is missing. */
export function word (locale: Locale, key: Word): { text: string; lang: Locale } {
  const text = tables[locale][key]
  return text === undefined ? { text: zh[key], lang: 'zh-CN' } : { text, lang: locale }
}
