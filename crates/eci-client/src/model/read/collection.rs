//! Reads the lists and maps of a reply, also those that older actions wrap in an object of their own.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::leaf::finite;
use super::quick::{GivenUp, Reader};
use super::{Into, Key, Read, empty_list, empty_object, refuse_scalars, unexpected, within};

impl<T: Read> Read for Vec<T> {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
        struct ListVisitor<'a, T>(&'a mut Vec<T>);

        impl<'de, T: Read> Visitor<'de> for ListVisitor<'_, T> {
            type Value = ();

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E: Error>(self) -> Result<(), E> {
                Ok(())
            }
            fn visit_none<E: Error>(self) -> Result<(), E> {
                Ok(())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
                items(self.0, list)
            }
            refuse_scalars!("a list");
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
                empty_object("a list", map)
            }
        }

        deserializer.deserialize_any(ListVisitor(self))
    }

    fn read_quick(&mut self, reader: &mut Reader<'_>) -> Result<(), GivenUp> {
        let of = TypeId::of::<T>();
        let (length, before) = (reader.usual_length(of), reader.rest().len());
        let is_list = reader.list(|reader| {
            if self.capacity() == 0 {
                self.reserve_exact(length);
            } else if self.len() == self.capacity() {
                self.reserve_exact(reader.likely_more(self.len(), before));
            }
            self.push(T::default());
            self.last_mut().map_or(Ok(()), |item| item.read_quick(reader))?;
            self.pop_if(|item| !item.is_item());
            Ok(())
        })?;
        reader.had_length(of, self.len());
        if is_list { Ok(()) } else { self.read(reader) }
    }

    fn is_unset(&self) -> bool {
        self.is_empty()
    }
}

/// Reads a list that is the field `name` of an object, `{ "Rule": [] }`. The bare list will do as well.
pub(crate) struct Inside<'a, T> {
    name: &'static str,
    into: &'a mut Vec<T>,
}

impl<'a, T> Inside<'a, T> {
    pub(crate) fn new(name: &'static str, into: &'a mut Vec<T>) -> Self {
        Self { name, into }
    }
}

impl<'de, T: Read> DeserializeSeed<'de> for Inside<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Read> Visitor<'de> for Inside<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list in an object")
    }
    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_none<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<(), A::Error> {
        items(self.into, list)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(Key(key)) = map.next_key()? {
            if key.eq_ignore_ascii_case(self.name) {
                map.next_value_seed(Into(self.into)).map_err(|error| within(self.name, error))?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
    refuse_scalars!("a list in an object");
}

/// Numbers by name. What is no number, nor the text of one, is left out: the cloud may add what it likes.
impl Read for BTreeMap<String, f64> {
    fn read<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<(), D::Error> {
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
                    let number = value.as_f64().or_else(|| value.as_str().and_then(finite));
                    numbers.extend(number.map(|number| (name, number)));
                }
                Ok(numbers)
            }
            refuse_scalars!("an object");
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                empty_list("an object", list).map(|()| BTreeMap::new())
            }
        }

        *self = deserializer.deserialize_any(NumbersVisitor)?;
        Ok(())
    }

    fn is_unset(&self) -> bool {
        self.is_empty()
    }
}

/// Reads items behind those that are there.
fn items<'de, T: Read, A: SeqAccess<'de>>(into: &mut Vec<T>, mut list: A) -> Result<(), A::Error> {
    for index in 0.. {
        match list.next_element_seed(Pushed(into)) {
            Ok(Some(())) => {}
            Ok(None) => break,
            Err(error) => return Err(of_item(index, error)),
        }
    }
    Ok(())
}

#[cold]
fn of_item<E: Error>(index: usize, inner: E) -> E {
    E::custom(format_args!("[{index}]{inner}"))
}

/// Items of more bytes are given room one by one.
const LARGE: usize = 256;

/// A list of four, which is what `push` makes room for, would be 2 KB for a group's only container.
fn make_room<T>(items: &mut Vec<T>) {
    if items.capacity() == 0 && size_of::<T>() > LARGE {
        items.reserve_exact(1);
    }
}

/// Reads one more item into a list.
struct Pushed<'a, T>(&'a mut Vec<T>);

impl<'de, T: Read> DeserializeSeed<'de> for Pushed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut item = T::default();
        item.read(deserializer)?;
        if item.is_item() {
            make_room(self.0);
            self.0.push(item);
        }
        Ok(())
    }
}
