import fc from 'fast-check'
import t from 'tap'
import { widerNetworks } from '../../src/domain/network.ts'
import { addressPrefix } from '../../src/http/client-address.ts'

t.test('the networks around a network', async (t) => {
  t.same(widerNetworks('10.1.2.0/24'), { customer: '10.1.2.0/24', company: '10.1.0.0/16' })
  t.same(widerNetworks('2001:db8:1:200::/56'), { customer: '2001:db8:1::/48', company: '2001:db8::/32' })
  t.same(widerNetworks('2001:db8::/56'), { customer: '2001:db8:0::/48', company: '2001:db8::/32' })
  t.same(widerNetworks('::/56'), { customer: '0:0:0::/48', company: '0:0::/32' })
  t.equal(widerNetworks('registration:abc'), null)
  t.equal(widerNetworks(''), null)
})

t.test('addresses of one /48 are one customer, however they are written', async (t) => {
  fc.assert(
    fc.property(fc.ipV6(), fc.integer({ min: 0, max: 0xffff }), (address, subnet) => {
      const network = widerNetworks(addressPrefix(address))
      if (network === null || !network.customer.includes(':')) return
      const [a, b, c] = network.customer.split(':')
      const other = widerNetworks(addressPrefix(`${a}:${b}:${c}:${subnet.toString(16)}::1`))
      t.same(other, network)
    })
  )
})
