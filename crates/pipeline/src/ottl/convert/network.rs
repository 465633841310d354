//! Addresses of networks.

use std::net::IpAddr;

use base64::Engine;
use sha1::{Digest, Sha1};

use super::{Converter, many};
use crate::ottl::Problem;
use crate::ottl::arguments::Arguments;
use crate::ottl::eval::{EvalError, Getter};
use crate::ottl::path::{int, text};
use crate::ottl::value::Val;

pub(super) const ALL: &[Converter] = &[
    many("IsInCIDR", &["target", "networks"], 2, is_in_cidr),
    many(
        "CommunityID",
        &["sourceIP", "sourcePort", "destinationIP", "destinationPort", "protocol", "seed"],
        4,
        community_id,
    ),
];

fn address(text: &str) -> Result<IpAddr, EvalError> {
    text.parse().map_err(|_| EvalError::new(format!("`{text}` is no IP address")))
}

/// A network: its address, and how many bits of it count.
struct Network(IpAddr, u32);

impl Network {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no network such as 10.0.0.0/8");
        let (address, bits) = text.split_once('/').ok_or_else(wrong)?;
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.parse().ok().filter(|bits| *bits <= most).ok_or_else(wrong)?;
        Ok(Self(address, bits))
    }

    fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(a) => (u128::from(a.to_bits()) << 96, true),
            IpAddr::V6(a) => (a.to_bits(), false),
        };
        let ((own, own_kind), (other, other_kind)) = (bits(self.0), bits(address));
        own_kind == other_kind && (self.1 == 0 || (own ^ other) >> (128 - self.1) == 0)
    }
}

fn is_in_cidr(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let (v, networks) = (a.value(0)?, a.values(1)?);
    // Networks that are written down are read once.
    let mut fixed = Vec::new();
    for network in &networks {
        if let Getter::Literal(v) = network {
            let text = v.as_str().ok_or_else(|| a.problem(1, "must be a list of networks in quotes"))?;
            fixed.push(Network::parse(text).map_err(|e| a.problem(1, &format!("has a fault: {e}")))?);
        }
    }
    Ok(Getter::computed(move |s| {
        let v = v.get(s)?;
        let address = address(text(&v)?)?.to_canonical();
        if fixed.iter().any(|network| network.contains(address)) {
            return Ok(true.into());
        }
        for network in networks.iter().filter(|n| !matches!(n, Getter::Literal(_))) {
            let v = network.get(s)?;
            if Network::parse(text(&v)?).map_err(EvalError::new)?.contains(address) {
                return Ok(true.into());
            }
        }
        Ok(false.into())
    }))
}

/// The hash of a flow, the same in both directions. Source: github.com/corelight/community-id-spec, version 1.
fn community_id(a: &Arguments<'_>) -> Result<Getter, Problem> {
    let ends = [(a.value(0)?, a.value(1)?), (a.value(2)?, a.value(3)?)];
    let (protocol, seed) = (a.optional(4)?, a.optional(5)?);
    Ok(Getter::computed(move |s| {
        let mut flow: Vec<(Vec<u8>, u16)> = Vec::with_capacity(2);
        for (ip, port) in &ends {
            let (ip, port) = (ip.get(s)?, int(&port.get(s)?)?);
            let bytes = match address(text(&ip)?)?.to_canonical() {
                IpAddr::V4(a) => a.octets().to_vec(),
                IpAddr::V6(a) => a.octets().to_vec(),
            };
            flow.push((bytes, u16::try_from(port).map_err(|_| EvalError::new(format!("{port} is no port")))?));
        }
        flow.sort_by(|a, b| (a.0.len(), a).cmp(&(b.0.len(), b)));
        let protocol = protocol.as_ref().map_or(Ok("TCP".into()), |p| p.get(s))?;
        let number: u8 = match text(&protocol)? {
            "ICMP" => 1,
            "TCP" => 6,
            "UDP" => 17,
            "RSVP" => 46,
            "ICMP6" => 58,
            "SCTP" => 132,
            other => return Err(EvalError::new(format!("`{other}` is none of ICMP, TCP, UDP, RSVP, ICMP6, SCTP"))),
        };
        let seed = seed.as_ref().map_or(Ok(Val::from(0i64)), |v| v.get(s))?;
        let seed = u16::try_from(int(&seed)?).map_err(|_| EvalError::new("the seed is not from 0 to 65535"))?;
        let mut bytes = seed.to_be_bytes().to_vec();
        flow.iter().for_each(|(ip, _)| bytes.extend(ip));
        bytes.extend([number, 0]);
        flow.iter().for_each(|(_, port)| bytes.extend(port.to_be_bytes()));
        Ok(format!("1:{}", base64::engine::general_purpose::STANDARD.encode(Sha1::digest(&bytes))).into())
    }))
}
