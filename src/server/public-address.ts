/**
 * Which network addresses belong to the public internet.
 *
 * @module
 */
import { networkInterfaces } from 'node:os';
import ipaddr from 'ipaddr.js';

/** Public by their number, but answered by the cloud's own machines: Azure's WireServer. */
const SPECIAL = ['168.63.129.16'];

/** All of IPv6 that is given out for the public internet. Outside it are forms such as ::7f00:1, which carry IPv4. */
const GIVEN_OUT: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Whether a server may fetch something from an address because a stranger asks it to. Only global unicast addresses: not
 * loopback, private, link-local (with the clouds' metadata), carrier-grade NAT, multicast, reserved ones, nor IPv6 addresses
 * that carry an IPv4 one (mapped, 6to4, Teredo, NAT64); and nothing of a network that this machine is in.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address) || SPECIAL.includes(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== 'unicast') return false;
  if (parsed instanceof ipaddr.IPv6 && !parsed.match(GIVEN_OUT)) return false;
  return !ownNetworks().some((cidr) => {
    const [network, bits] = ipaddr.parseCIDR(cidr);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}

function ownNetworks(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses = []) =>
    addresses.flatMap(({ cidr }) => (cidr === null ? [] : [cidr])),
  );
}
