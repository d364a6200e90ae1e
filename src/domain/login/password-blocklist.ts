/**
 * What many people choose. Words are matched anywhere in a password, in any case, reversed and with the
 * usual digits for letters (p@ssw0rd); runs are what a finger walks along a keyboard or an alphabet.
 * Kept short on purpose: endings such as 123, 2024 or ! need no entries of their own, because
 * password-guessing counts what is left beside the words.
 */

const WORDS = `
pass passwd password passw0rd passphrase passcode pwd admin administrator root super superuser sysadmin manager
user username guest test tester testing demo temp temporary default changeme change secret private public
welcome login logon letmein access master hello hallo monkey dragon tiger lion eagle shadow sunshine princess
football baseball basketball soccer superman batman spiderman pokemon starwars matrix michael jordan jennifer
jessica charlie daniel thomas robert andrew ashley nicole hunter killer ranger cowboy mustang ferrari porsche
mercedes summer winter spring autumn flower orange banana cookie cheese chocolate coffee pepper ginger
computer internet server service system network windows android iphone apple google huawei xiaomi samsung
oracle mysql postgres redis linux ubuntu cisco docker github gitlab jenkins tomcat
iloveyou ilove loveyou lovely love forever whatever freedom trust trustno nothing something
january february march april june july august september october november december monday friday sunday
asdf asdfgh qazwsx qazwsxedc wsx edc zxc qweasd qweasdzxc asdzxc qwaszx poiuyt
asd zaq xsw qaz qwe abc xyz aaa
mima wodemima mimamima wodemingzi woaini woaiwo woaini520 woaiwojia woaiziji woaizhongguo woaixizang aini
nihao nihaoma nishishei caonima niubi shabi wangba laopo laogong baobei baobao baobeiwoaini mama baba
mamababa babamama yeye nainai gege jiejie didi meimei xiaoming xiaohong jintian mingtian
zhongguo zhonghua zhongguoren beijing shanghai guangzhou shenzhen chengdu chongqing tianjin wuhan nanjing
xian lanzhou xining gansu qinghai sichuan yunnan xinjiang dalian hangzhou
facai gongxi kuaile shengri xingfu pingan jiankang xinnian wanshi ruyi jixiang fugui
wang zhang chen liang huang zhao zhou yang zhu xiao deng jiang tang
xizang tibet lasa lhasa rikaze shigatse xigaze changdu chamdo qamdo linzhi nyingchi shannan lhoka naqu nagqu
ali ngari budala potala zhumulangma qomolangma yaluzangbu namucuo
zhaxidele tashidelek tashidele zhaxi tashi dunzhu dondrup duoji dorje ciren tsering pingcuo phuntsok norbu
luobu dawa nima pasang basang pubu phurbu zhuoma drolma lamu lhamo yangjin yangchen gesang kelsang
danzeng tenzin sangjie jiacuo gyatso suolang sonam baima pema wangdui wangjie
kora zhengwu zhengfu xzzwfw shenfen renzheng denglu dengluma yonghu zhanghao tongyi shuiwu shebao gongjijin
520 521 1314 5201314 1314520 5211314 520520 521521 520184 7758521 7758258 584520 5845201314 201314
147258 147258369 258369 159357 357159 159753 753159 951753 789456 789456123 456123 741852 741852963 963852
852741 963852741 147852 147852369 369258147 123789 456789123 110120 120119 119119 110110 10086 10010 10000
112233 223344 332211 445566 556677 778899 998877 112358 314159 31415926 271828 142857 13579 24680 135790
1357924680 246810 102030 100200 101010 121212 123123 321321 123321 1234321 12344321 123454321 123654
123654789 147147 258258 369369 168168 518518 666888 888666 168888 168 518 666 888 999 686868 696969
007 911 404 360 163 126 qq qq123 a123 abc123 wo123 z123 w123 l123
我爱你 密码 我的密码 你好 西藏 拉萨 中国 北京 上海 扎西德勒 扎西 卓玛 管理员 用户 登录 测试 西藏自治区 身份认证 政务服务
བཀྲ་ཤིས་བདེ་ལེགས བཀྲ་ཤིས བོད ལྷ་ས གསང་ཨང
`

/** Reversing by code point would misplace combining marks; for comparison that does not matter. */
const reverse = (text: string): string => [...text].reverse().join('')

const words = WORDS.split(/\s+/).filter((word) => word !== '')

/** Lower-case words, forwards and backwards. */
export const commonWords: ReadonlySet<string> = new Set([...words, ...words.map(reverse)])

/** In UTF-16 units: no slice longer than this needs to be looked up. */
export const longestCommonWord: number = Math.max(...words.map((word) => word.length))

const TRACKS = [
  '01234567890123',
  'abcdefghijklmnopqrstuvwxyz',
  '`1234567890-=',
  '~!@#$%^&*()_+',
  'qwertyuiop[]\\',
  "asdfghjkl;'",
  'zxcvbnm,./',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  '!qaz@wsx#edc$rfv%tgb^yhn&ujm',
  'qaz wsx edc rfv tgb yhn ujm',
  'zaq1xsw2cde3vfr4bgt5nhy6mju7',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  'qawsedrftgyhujikolp',
  'a1b2c3d4e5f6g7h8i9j0',
  '1a2b3c4d5e6f7g8h9i0j',
  '1!2@3#4$5%6^7&8*9(0)',
  'aabbccddeeff',
  '001122334455667788990'
]

/** Every walk and its way back in one text: a piece of at least three characters found here is a run. */
export const runs: string = [...TRACKS, ...TRACKS.map(reverse)].join('\n')
