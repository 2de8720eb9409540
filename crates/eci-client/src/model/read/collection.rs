//! Reads the lists and maps of a reply, also those that older actions wrap in an object of their own.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::{As, Key, Read, refuse_scalars, unexpected, within};

impl<T: Read> Read for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);

        impl<'de, T: Read> Visitor<'de> for ListVisitor<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
                Ok(Vec::new())
            }
            fn visit_none<E: Error>(self) -> Result<Vec<T>, E> {
                Ok(Vec::new())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
                items(list)
            }
            refuse_scalars!("a list");
            fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<Vec<T>, A::Error> {
                Err(unexpected("a list", "an object"))
            }
        }

        deserializer.deserialize_any(ListVisitor(PhantomData))
    }
}

/// Reads a list that is the field `name` of an object, `{ "Rule": [] }`. The bare list will do as well.
pub(crate) struct Inside<T> {
    name: &'static str,
    item: PhantomData<T>,
}

impl<T> Inside<T> {
    pub(crate) fn new(name: &'static str) -> Self {
        Self { name, item: PhantomData }
    }
}

impl<'de, T: Read> DeserializeSeed<'de> for Inside<T> {
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<T>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Read> Visitor<'de> for Inside<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list in an object")
    }
    fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }
    fn visit_none<E: Error>(self) -> Result<Vec<T>, E> {
        Ok(Vec::new())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Vec<T>, A::Error> {
        items(list)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Vec<T>, A::Error> {
        let mut all = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            if key.eq_ignore_ascii_case(self.name) {
                all.extend(map.next_value::<As<Vec<T>>>().map_err(|error| within(self.name, error))?.0);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(all)
    }
    refuse_scalars!("a list in an object");
}

/// Numbers by name. What is no number, nor the text of one, is left out: the cloud may add what it likes.
impl Read for BTreeMap<String, f64> {
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NumbersVisitor;

        impl<'de> Visitor<'de> for NumbersVisitor {
            type Value = BTreeMap<String, f64>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(BTreeMap::new())
            }
            fn visit_none<E: Error>(self) -> Result<Self::Value, E> {
                Ok(BTreeMap::new())
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut numbers = BTreeMap::new();
                while let Some((name, value)) = map.next_entry::<String, serde_json::Value>()? {
                    let number =
                        value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
                    numbers.extend(number.map(|number| (name, number)));
                }
                Ok(numbers)
            }
            refuse_scalars!("an object");
            fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
                Err(unexpected("an object", "a list"))
            }
        }

        deserializer.deserialize_any(NumbersVisitor)
    }
}

fn items<'de, T: Read, A: SeqAccess<'de>>(mut list: A) -> Result<Vec<T>, A::Error> {
    let mut items = Vec::new();
    loop {
        match list.next_element::<As<T>>() {
            Ok(Some(item)) => items.push(item.0),
            Ok(None) => return Ok(items),
            Err(error) => return Err(A::Error::custom(format_args!("[{}]{error}", items.len()))),
        }
    }
}
