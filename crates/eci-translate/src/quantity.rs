//! Reads Kubernetes quantities (`500m`, `1.5Gi`, `1E`, `2e3`) exactly, without any floating point.
//!
//! The rules are those of `k8s.io/apimachinery/pkg/api/resource`: what is finer than a billionth is rounded away
//! from zero, what is larger than 2^63-1 in magnitude is cut to that. Note that `1E` is exa and `1E3` is a thousand.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

/// Billionths in a unit: the finest step a quantity knows.
const NANOS: i128 = 1_000_000_000;

/// Decimal places of [`NANOS`].
const NANO_PLACES: i64 = 9;

/// The largest magnitude, 2^63-1 units.
const LIMIT: i128 = i64::MAX as i128 * NANOS;

/// Decimal places of [`LIMIT`].
const LIMIT_PLACES: i64 = 28;

/// An amount of anything, in billionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Amount(i128);

impl Amount {
    /// Reads a quantity; `None` where it is none.
    pub(crate) fn of(quantity: &Quantity) -> Option<Self> {
        Self::parse(&quantity.0)
    }

    fn parse(text: &str) -> Option<Self> {
        let (negative, unsigned) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let whole = leading_digits(unsigned);
        let rest = &unsigned[whole.len()..];
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(leading_digits(rest).len()),
            None => ("", rest),
        };
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let nanos = Digits::new(whole, fraction).scaled(Scale::parse(suffix)?).nanos();
        Some(Self(if negative { -nanos } else { nanos }))
    }

    pub(crate) fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Both together; stays at the largest amount.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        Self((self.0 + other.0).clamp(-LIMIT, LIMIT))
    }

    /// How many steps of so many units cover the amount.
    pub(crate) fn in_units_of(self, step: i64) -> i64 {
        self.steps(i128::from(step) * NANOS)
    }

    /// How many thousandths of a unit cover the amount.
    pub(crate) fn in_thousandths(self) -> i64 {
        self.steps(NANOS / 1000)
    }

    fn steps(self, step: i128) -> i64 {
        let (quotient, remainder) = (self.0.div_euclid(step), self.0.rem_euclid(step));
        let steps = quotient + i128::from(remainder > 0);
        i64::try_from(steps).unwrap_or(if steps < 0 { i64::MIN } else { i64::MAX })
    }
}

fn leading_digits(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

/// What a suffix multiplies by: 1024^`kibis` times 10^`exponent`.
struct Scale {
    kibis: u32,
    exponent: i64,
}

impl Scale {
    fn parse(suffix: &str) -> Option<Self> {
        let decimal = |exponent| Some(Self { kibis: 0, exponent });
        let binary = |kibis| Some(Self { kibis, exponent: 0 });
        match suffix {
            "n" => decimal(-9),
            "u" => decimal(-6),
            "m" => decimal(-3),
            "" => decimal(0),
            "k" => decimal(3),
            "M" => decimal(6),
            "G" => decimal(9),
            "T" => decimal(12),
            "P" => decimal(15),
            "E" => decimal(18),
            "Ki" => binary(1),
            "Mi" => binary(2),
            "Gi" => binary(3),
            "Ti" => binary(4),
            "Pi" => binary(5),
            "Ei" => binary(6),
            _ => decimal(suffix.strip_prefix(['e', 'E'])?.parse().ok()?),
        }
    }
}

/// A positive decimal number of any length: `digits` without leading zeros, the point after `point` of them.
struct Digits {
    digits: Vec<u8>,
    point: i64,
}

impl Digits {
    fn new(whole: &str, fraction: &str) -> Self {
        let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|digit| digit - b'0').collect();
        let zeros = digits.iter().take_while(|digit| **digit == 0).count();
        digits.drain(..zeros);
        Self { point: whole.len() as i64 - zeros as i64, digits }
    }

    fn scaled(mut self, scale: Scale) -> Self {
        for _ in 0..scale.kibis {
            self.multiply(1024);
        }
        self.point = self.point.saturating_add(scale.exponent);
        self
    }

    /// Long multiplication, from the last digit.
    fn multiply(&mut self, factor: u32) {
        let mut carry = 0;
        for digit in self.digits.iter_mut().rev() {
            let product = u32::from(*digit) * factor + carry;
            *digit = (product % 10) as u8;
            carry = product / 10;
        }
        while carry > 0 {
            self.digits.insert(0, (carry % 10) as u8);
            carry /= 10;
            self.point += 1;
        }
    }

    /// The number in billionths, rounded up, at most [`LIMIT`].
    fn nanos(&self) -> i128 {
        let places = self.point.saturating_add(NANO_PLACES);
        if self.digits.is_empty() {
            return 0;
        }
        if places > LIMIT_PLACES {
            return LIMIT;
        }
        let kept = usize::try_from(places).unwrap_or(0);
        let digit = |place: usize| i128::from(self.digits.get(place).copied().unwrap_or(0));
        let whole = (0..kept).fold(0, |sum, place| sum * 10 + digit(place));
        let finer = self.digits.iter().skip(kept).any(|digit| *digit > 0);
        (whole + i128::from(finer)).min(LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn nanos(text: &str) -> Option<i128> {
        Amount::parse(text).map(|amount| amount.0)
    }

    /// Taken from `quantity_test.go` of apimachinery: text and value in units and billionths.
    #[test]
    fn quantities_have_the_value_that_apimachinery_gives_them() {
        let table: &[(&str, i128)] = &[
            ("0", 0),
            ("0n", 0),
            ("0Ki", 0),
            ("1n", 1),
            ("5u", 5_000),
            ("4m", 4_000_000),
            ("9", 9 * NANOS),
            ("1Ki", 1024 * NANOS),
            ("8Ki", 8 * 1024 * NANOS),
            ("7Mi", 7 * 1024 * 1024 * NANOS),
            ("6Gi", 6 * (1 << 30) * NANOS),
            ("5Ti", 5 * (1 << 40) * NANOS),
            ("4Pi", 4 * (1 << 50) * NANOS),
            ("3Ei", 3 * (1 << 60) * NANOS),
            ("10Ti", 10 * (1 << 40) * NANOS),
            ("100k", 100_000 * NANOS),
            ("1M", 1_000_000 * NANOS),
            ("5G", 5_000_000_000 * NANOS),
            ("6T", 6_000_000_000_000 * NANOS),
            ("3P", 3_000_000_000_000_000 * NANOS),
            ("2E", 2_000_000_000_000_000_000 * NANOS),
            ("1E", 1_000_000_000_000_000_000 * NANOS),
            ("1E3", 1_000 * NANOS),
            ("1e3", 1_000 * NANOS),
            ("1E+3", 1_000 * NANOS),
            ("1e-3", 1_000_000),
            ("1E6", 1_000_000 * NANOS),
            ("1e-9", 1),
            ("1.25m", 1_250_000),
            ("0.5", NANOS / 2),
            (".5", NANOS / 2),
            ("5.", 5 * NANOS),
            ("00100", 100 * NANOS),
            ("+1", NANOS),
            ("-1", -NANOS),
            ("-100m", -NANOS / 10),
            ("1.1", 1_100_000_000),
            ("0.0001Ki", 102_400_000),
            ("1.5Gi", 3 * (1 << 29) * NANOS),
            // Finer than a billionth: rounded away from zero.
            ("1.1n", 2),
            ("0.1n", 1),
            ("-0.1n", -1),
            ("0.0000000001", 1),
            ("1e-1000", 1),
            ("12.34567890123456789", 12_345_678_902),
            // Larger than 2^63-1: cut to it.
            ("12Ei", LIMIT),
            ("8Ei", LIMIT),
            ("9223372036854775807", LIMIT),
            ("9223372036854775808", LIMIT),
            ("100000000000000000000000000000", LIMIT),
            ("1e1000", LIMIT),
            ("-1e1000", -LIMIT),
            ("9223372036854775806.999999999", LIMIT - 1),
            ("7.999999999999999999Ei", 9_223_372_036_854_775_806_847_078_496),
        ];
        for (text, expected) in table {
            assert_eq!(nanos(text), Some(*expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_quantity_is_refused() {
        let table = [
            "",
            "-",
            "+",
            ".",
            "1.1.M",
            "1+1.0M",
            "0.1mi",
            "0.1am",
            "aoeu",
            ".5i",
            "1i",
            "-3.01i",
            "-3.01e-",
            "1e",
            "1K",
            "1ki",
            "1 Gi",
            "Gi",
            "--1",
            "1e1.5",
            "１",
            "1µ",
            "1e99999999999999999999",
        ];
        for text in table {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn steps_cover_the_amount() {
        let amount = |text| Amount::parse(text).unwrap();
        assert_eq!(amount("1Mi").in_units_of(1 << 20), 1);
        assert_eq!(amount("1048577").in_units_of(1 << 20), 2);
        assert_eq!(amount("0").in_units_of(1 << 20), 0);
        assert_eq!(amount("1.0001").in_thousandths(), 1001);
        assert_eq!(amount("-1.5").in_units_of(1), -1);
        assert_eq!(amount("8Ei").in_thousandths(), i64::MAX);
        assert_eq!(amount("8Ei").plus(amount("8Ei")), amount("8Ei"));
    }

    proptest! {
        #[test]
        fn reading_never_panics(text in "\\PC*") {
            let _ = Amount::parse(&text);
        }

        #[test]
        fn reading_quantity_like_text_never_panics(text in "[-+]?[0-9]{0,40}\\.?[0-9]{0,40}[numkKMGTPEie+-]{0,3}[0-9]{0,5}") {
            let _ = Amount::parse(&text);
        }

        #[test]
        fn thousandths_written_in_any_form_are_the_same_amount(thousandths in 0_i64..=9_000_000_000_000) {
            let expected = i128::from(thousandths) * (NANOS / 1000);
            let forms = [
                format!("{thousandths}m"),
                format!("{}u", i128::from(thousandths) * 1000),
                format!("{}.{:03}", thousandths / 1000, thousandths % 1000),
                format!("{thousandths}e-3"),
                format!("0.{thousandths:019}E16"),
            ];
            for form in forms {
                prop_assert_eq!(nanos(&form), Some(expected), "{}", form);
            }
        }

        #[test]
        fn binary_suffixes_multiply_by_powers_of_1024(number in 0_i64..8192, kibis in 1_u32..=5) {
            let suffix = ["Ki", "Mi", "Gi", "Ti", "Pi"][kibis as usize - 1];
            let expected = (i128::from(number) * 1024_i128.pow(kibis) * NANOS).min(LIMIT);
            prop_assert_eq!(nanos(&format!("{number}{suffix}")), Some(expected));
        }
    }
}
