//! Knows which sizes the cloud sells, and rounds a wish up to the nearest of them.

use std::ops::RangeInclusive;

/// vCPU and GiB of a whole container group.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Size {
    pub(crate) cpu: f64,
    pub(crate) memory: f64,
}

/// One of the ways to have a size, as `InstanceType` or `ComputeCategory` lists them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spec {
    /// As it is listed; empty when only vCPU and memory were asked for.
    pub(crate) instance_type: String,
    /// Empty unless asked for.
    pub(crate) category: String,
    pub(crate) size: Size,
}

impl Spec {
    /// What stock and prices know it by: the ECS type, or a pair such as `2-4Gi`.
    pub(crate) fn kind(&self) -> String {
        match self.instance_type.starts_with("ecs.") {
            true => self.instance_type.clone(),
            false => format!("{}-{}Gi", self.size.cpu, self.size.memory),
        }
    }
}

/// What a group gets that names no size at all.
pub(crate) const DEFAULT_SIZE: Size = Size { cpu: 2.0, memory: 4.0 };

/// vCPU, GiB for each; sold in all regions.
const EVERYWHERE: &[(f64, &[f64])] = &[
    (0.25, &[0.5, 1.0]),
    (0.5, &[1.0, 2.0]),
    (1.0, &[2.0, 4.0, 8.0]),
    (2.0, &[1.0, 2.0, 4.0, 8.0, 16.0]),
    (4.0, &[2.0, 4.0, 8.0, 16.0, 32.0]),
    (8.0, &[4.0, 8.0, 16.0, 32.0, 64.0]),
    (12.0, &[12.0, 24.0, 48.0, 96.0]),
    (16.0, &[16.0, 32.0, 64.0, 128.0]),
    (24.0, &[24.0, 48.0, 96.0, 192.0]),
    (32.0, &[32.0, 64.0, 128.0, 256.0]),
    (52.0, &[96.0, 192.0, 384.0]),
    (64.0, &[128.0, 256.0, 512.0]),
];

/// Spot groups have at least this many vCPU.
const SPOT_FROM_CPU: f64 = 2.0;

/// Sizes of the table above that a spot group cannot have, besides all below 2 vCPU.
const NOT_FOR_SPOT: &[(f64, f64)] = &[(2.0, 1.0), (4.0, 2.0), (8.0, 4.0)];

/// vCPU and ranges of even GiB that only some regions sell, and never for spot.
const EXTRA: &[(f64, &[RangeInclusive<u32>])] = &[
    (2.0, &[6..=6, 10..=14]),
    (4.0, &[6..=6, 10..=14, 18..=30]),
    (6.0, &[6..=48]),
    (8.0, &[10..=14, 18..=30, 34..=62]),
];

const REGIONS_WITH_EXTRA: &[&str] = &[
    "cn-hangzhou",
    "cn-shanghai",
    "cn-qingdao",
    "cn-beijing",
    "cn-zhangjiakou",
    "cn-huhehaote",
    "cn-wulanchabu",
    "cn-shenzhen",
    "cn-heyuan",
    "cn-guangzhou",
    "cn-chengdu",
    "ap-southeast-1",
];

/// The smallest size sold that holds `wish`: fewest vCPU first, then least memory. `None` when none does.
pub(crate) fn sellable(wish: Size, region: &str, spot: bool) -> Option<Size> {
    // Sizes are rounded up, but nothing below is rounded into what spot begins with.
    if spot && wish.cpu > 0.0 && wish.cpu < SPOT_FROM_CPU {
        return None;
    }
    let mut offers = offers(region, spot);
    offers.retain(|offer| offer.cpu >= wish.cpu && offer.memory >= wish.memory);
    offers.into_iter().min_by(|a, b| a.cpu.total_cmp(&b.cpu).then(a.memory.total_cmp(&b.memory)))
}

fn offers(region: &str, spot: bool) -> Vec<Size> {
    let regular = EVERYWHERE
        .iter()
        .flat_map(|(cpu, memories)| memories.iter().map(|memory| Size { cpu: *cpu, memory: *memory }))
        .filter(|offer| {
            !spot || (offer.cpu >= SPOT_FROM_CPU && !NOT_FOR_SPOT.contains(&(offer.cpu, offer.memory)))
        });
    let extra = EXTRA
        .iter()
        .flat_map(|(cpu, ranges)| {
            ranges.iter().cloned().flatten().filter(|memory| memory % 2 == 0).map(|memory| (*cpu, memory))
        })
        .filter(|_| !spot && REGIONS_WITH_EXTRA.contains(&region))
        .map(|(cpu, memory)| Size { cpu, memory: f64::from(memory) });
    regular.chain(extra).collect()
}

/// The size that an entry of `InstanceType` names: a pair `2-4Gi`, or an ECS type such as `ecs.c6.xlarge`.
///
/// `None` for a text that is neither. The ratio of an ECS type follows the letter its family starts with;
/// families beyond general, compute and memory count as general.
pub(crate) fn of_instance_type(entry: &str) -> Option<Size> {
    if let Some(ecs_type) = entry.strip_prefix("ecs.") {
        let (family, step) = ecs_type.split_once('.')?;
        let cpu = cpu_of_step(step)?;
        let ratio = match family.as_bytes().first()? {
            b'c' => 2.0,
            b'r' => 8.0,
            _ => 4.0,
        };
        return Some(Size { cpu, memory: cpu * ratio });
    }
    let (cpu, memory) = entry.strip_suffix("Gi")?.split_once('-')?;
    let size = Size { cpu: cpu.parse().ok()?, memory: memory.parse().ok()? };
    (size.cpu > 0.0 && size.memory > 0.0).then_some(size)
}

/// ECS families that groups may have.
const FAMILIES: &[&str] = &[
    "g8a", "g8i", "g7a", "g7", "g6e", "g6a", "g6", "g5", "sn2ne", "c8a", "c8i", "c7a", "c7", "c6e", "c6a",
    "c6", "c5", "sn1ne", "r8a", "r8i", "r7a", "r7", "r6e", "r6a", "r6", "r5", "re6", "se1ne", "se1", "u1",
    "e", "ic5", "hfg8i", "hfg7", "hfg6", "hfg5", "hfc8i", "hfc7", "hfc6", "hfc5", "hfr8i", "hfr7", "d1",
    "d1ne", "i2", "i2g", "i3", "i3g", "i4", "i4g",
];
const ARM_FAMILIES: &[&str] = &["g8y", "c8y", "r8y"];
const GPU_FAMILIES: &[&str] = &[
    "gn8ia", "gn8is", "gn7e", "gn7i", "gn7s", "gn7", "gn6v", "gn6e", "gn6i", "gn5i", "gn5", "sgn7i", "vgn7i",
    "vgn6i",
];

/// What is special about an ECS family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Regular,
    Arm,
    Gpu,
    /// Not for groups, or none at all.
    Unknown,
}

/// The family of an ECS type; a pair such as `2-4Gi` is regular.
pub(crate) fn family_of(entry: &str) -> Family {
    let Some(ecs_type) = entry.strip_prefix("ecs.") else { return Family::Regular };
    let family = ecs_type.split(['.', '-']).next().unwrap_or(ecs_type);
    match family {
        _ if FAMILIES.contains(&family) => Family::Regular,
        _ if ARM_FAMILIES.contains(&family) => Family::Arm,
        _ if GPU_FAMILIES.contains(&family) => Family::Gpu,
        _ => Family::Unknown,
    }
}

/// The specification that an ECS type or a pair stands for.
pub(crate) fn spec_of_kind(kind: &str, size: Size) -> Spec {
    Spec { instance_type: kind.to_owned(), category: String::new(), size }
}

fn cpu_of_step(step: &str) -> Option<f64> {
    match step {
        "small" => Some(1.0),
        "large" => Some(2.0),
        "xlarge" => Some(4.0),
        _ => {
            step.strip_suffix("xlarge")?.trim_end_matches('-').parse::<u32>().ok().map(|n| f64::from(n) * 4.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(cpu: f64, memory: f64) -> Option<(f64, f64)> {
        sellable(Size { cpu, memory }, "cn-hangzhou", false).map(|size| (size.cpu, size.memory))
    }

    #[test]
    fn the_published_examples_round_as_published() {
        assert_eq!(round(7.0, 13.0), Some((8.0, 14.0)));
        assert_eq!(round(4.25, 8.5), Some((6.0, 10.0)));
    }

    #[test]
    fn a_listed_size_stays_and_a_hair_more_goes_up() {
        assert_eq!(round(0.25, 0.5), Some((0.25, 0.5)));
        assert_eq!(round(0.25, 0.51), Some((0.25, 1.0)));
        assert_eq!(round(2.0, 16.1), Some((4.0, 18.0)));
        assert_eq!(round(33.0, 1.0), Some((52.0, 96.0)));
    }

    #[test]
    fn what_is_larger_than_everything_has_no_size() {
        assert_eq!(round(64.5, 1.0), None);
        assert_eq!(round(1.0, 513.0), None);
    }

    #[test]
    fn regions_without_the_extra_sizes_round_further() {
        let wish = Size { cpu: 2.0, memory: 5.0 };
        assert_eq!(sellable(wish, "cn-hangzhou", false), Some(Size { cpu: 2.0, memory: 6.0 }));
        assert_eq!(sellable(wish, "eu-central-1", false), Some(Size { cpu: 2.0, memory: 8.0 }));
    }

    #[test]
    fn spot_starts_at_two_cpus_in_standard_ratios() {
        let spot = |cpu, memory| sellable(Size { cpu, memory }, "cn-hangzhou", true);
        assert_eq!(spot(0.25, 0.5), None, "nothing is rounded into spot");
        assert_eq!(spot(2.0, 1.0), Some(Size { cpu: 2.0, memory: 2.0 }));
        assert_eq!(spot(2.0, 5.0), Some(Size { cpu: 2.0, memory: 8.0 }));
    }

    #[test]
    fn instance_types_name_a_size() {
        assert_eq!(of_instance_type("2-4Gi"), Some(Size { cpu: 2.0, memory: 4.0 }));
        assert_eq!(of_instance_type("ecs.c6.xlarge"), Some(Size { cpu: 4.0, memory: 8.0 }));
        assert_eq!(of_instance_type("ecs.r7.2xlarge"), Some(Size { cpu: 8.0, memory: 64.0 }));
        assert_eq!(of_instance_type("ecs.gn6i-c4g1.xlarge"), Some(Size { cpu: 4.0, memory: 16.0 }));
        assert_eq!(family_of("ecs.gn6i-c4g1.xlarge"), Family::Gpu);
        assert_eq!(family_of("ecs.g8y.large"), Family::Arm);
        assert_eq!(family_of("ecs.t5.large"), Family::Unknown);
        assert_eq!(of_instance_type("huge"), None);
        assert_eq!(of_instance_type("ecs.c6"), None);
    }
}
