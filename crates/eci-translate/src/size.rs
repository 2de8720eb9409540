//! Knows the sizes in which ECI sells container groups, and rounds a demand up to one of them.
//!
//! The table is the one for all regions. Some regions sell finer steps as well (8 vCPU with 14 GiB), which this
//! crate does not use yet: the pod then gets, and pays for, the next size of this table.

/// [Specifications](https://help.aliyun.com/zh/eci/product-overview/vcpu-and-memory-specifications), first section:
/// thousandths of a vCPU, and the MiB it is sold with.
const SIZES: &[(i64, &[i64])] = &[
    (250, &[GIB / 2, GIB]),
    (500, &[GIB, 2 * GIB]),
    (1_000, &[2 * GIB, 4 * GIB, 8 * GIB]),
    (2_000, &[GIB, 2 * GIB, 4 * GIB, 8 * GIB, 16 * GIB]),
    (4_000, &[2 * GIB, 4 * GIB, 8 * GIB, 16 * GIB, 32 * GIB]),
    (8_000, &[4 * GIB, 8 * GIB, 16 * GIB, 32 * GIB, 64 * GIB]),
    (12_000, &[12 * GIB, 24 * GIB, 48 * GIB, 96 * GIB]),
    (16_000, &[16 * GIB, 32 * GIB, 64 * GIB, 128 * GIB]),
    (24_000, &[24 * GIB, 48 * GIB, 96 * GIB, 192 * GIB]),
    (32_000, &[32 * GIB, 64 * GIB, 128 * GIB, 256 * GIB]),
    (52_000, &[96 * GIB, 192 * GIB, 384 * GIB]),
    (64_000, &[128 * GIB, 256 * GIB, 512 * GIB]),
];

/// MiB in a GiB.
const GIB: i64 = 1024;

/// vCPU and memory, of a container or of a whole group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Size {
    /// Thousandths of a vCPU; 0 where nothing is asked.
    pub(crate) cpu_milli: i64,
    /// MiB; 0 where nothing is asked.
    pub(crate) memory_mib: i64,
}

impl Size {
    /// What a pod gets that asks for nothing: 2 vCPU, 4 GiB.
    pub(crate) const DEFAULT: Self = Self { cpu_milli: 2_000, memory_mib: 4 * GIB };

    /// The largest size on sale: 64 vCPU, 512 GiB.
    pub(crate) const LARGEST: Self = Self { cpu_milli: 64_000, memory_mib: 512 * GIB };

    /// Both together.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_add(other.cpu_milli),
            memory_mib: self.memory_mib.saturating_add(other.memory_mib),
        }
    }

    /// The larger of each.
    #[must_use]
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.max(other.cpu_milli),
            memory_mib: self.memory_mib.max(other.memory_mib),
        }
    }

    /// The smallest size on sale that covers the demand, by vCPU and then by memory; `None` if none does.
    pub(crate) fn sellable(self) -> Option<Self> {
        if self == Self::default() {
            return Some(Self::DEFAULT);
        }
        SIZES.iter().filter(|(cpu_milli, _)| *cpu_milli >= self.cpu_milli).find_map(
            |(cpu_milli, memories)| {
                let memory_mib = memories.iter().find(|memory| **memory >= self.memory_mib)?;
                Some(Self { cpu_milli: *cpu_milli, memory_mib: *memory_mib })
            },
        )
    }

    /// vCPU as the API counts them. Exact: a double holds every thousandth that is on sale.
    pub(crate) fn cpu(self) -> f64 {
        self.cpu_milli as f64 / 1000.0
    }

    /// Memory as the API counts it. Exact: a MiB is a power of two of a GiB.
    pub(crate) fn memory_gib(self) -> f64 {
        self.memory_mib as f64 / GIB as f64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sold(cpu: f64, memory_gib: f64) -> Option<(f64, f64)> {
        let demand = Size { cpu_milli: (cpu * 1000.0) as i64, memory_mib: (memory_gib * 1024.0) as i64 };
        demand.sellable().map(|size| (size.cpu(), size.memory_gib()))
    }

    /// The examples of the vendor's pages, with the sizes of the table for all regions.
    #[test]
    fn demands_are_rounded_up_to_sizes_on_sale() {
        let table = [
            ((0.0, 0.0), (2.0, 4.0)),
            ((0.1, 0.1), (0.25, 0.5)),
            ((0.25, 0.5), (0.25, 0.5)),
            ((0.25, 1.5), (0.5, 2.0)),
            ((1.0, 0.0), (1.0, 2.0)),
            ((0.0, 3.0), (1.0, 4.0)),
            ((1.0, 16.0), (2.0, 16.0)),
            ((2.0, 0.5), (2.0, 1.0)),
            ((3.0, 6.0), (4.0, 8.0)),
            ((4.25, 8.5), (8.0, 16.0)),
            ((7.0, 13.0), (8.0, 16.0)),
            ((8.0, 65.0), (12.0, 96.0)),
            ((33.0, 10.0), (52.0, 96.0)),
            ((64.0, 512.0), (64.0, 512.0)),
        ];
        for ((cpu, memory), expected) in table {
            assert_eq!(sold(cpu, memory), Some(expected), "{cpu} vCPU, {memory} GiB");
        }
    }

    #[test]
    fn what_is_larger_than_the_largest_is_not_sold() {
        assert_eq!(sold(64.001, 1.0), None);
        assert_eq!(sold(1.0, 513.0), None);
    }

    proptest! {
        #[test]
        fn a_sold_size_covers_the_demand_and_is_itself_on_sale(cpu_milli in 0_i64..70_000, memory_mib in 0_i64..600_000) {
            if let Some(sold) = (Size { cpu_milli, memory_mib }).sellable() {
                prop_assert!(sold.cpu_milli >= cpu_milli && sold.memory_mib >= memory_mib);
                prop_assert_eq!(sold.sellable(), Some(sold));
            } else {
                prop_assert!(cpu_milli > Size::LARGEST.cpu_milli || memory_mib > Size::LARGEST.memory_mib);
            }
        }
    }
}
