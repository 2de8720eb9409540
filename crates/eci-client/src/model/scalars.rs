//! Defines the small values both halves of the model share: ids, secrets, file modes.

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::flatten::flatten_displayed;

/// Declares an id that the cloud gives: a text that is never put together by callers.
macro_rules! ids {
    ($( $(#[$meta:meta])* pub struct $name:ident; )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes an id as the cloud gave it.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(id: String) -> Self {
                Self(id)
            }
        }

        impl From<&str> for $name {
            fn from(id: &str) -> Self {
                Self(id.to_owned())
            }
        }

        flatten_displayed!($name);
        super::read::read_text!($name);
        impl super::read::Sparse for $name {}
    )* };
}

ids! {
    /// The id of a container group, e.g. `eci-bp1…`: given by the cloud, unique, never used again.
    pub struct ContainerGroupId;

    /// The id of an image cache, `imc-…`: given by the cloud.
    pub struct ImageCacheId;

    /// The id of a data cache, `edc-…`: given by the cloud.
    pub struct DataCacheId;

    /// The id of a managed virtual node: given by the cloud.
    pub struct VirtualNodeId;

    /// The id of a task that saves a container as an image: given by the cloud.
    pub struct CommitTaskId;
}

/// Text that never shows in `Debug`: a password, an environment value, the content of a file.
///
/// There is deliberately no `Display` and no `Serialize`; [`Secret::expose`] is the one way out.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether the text is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// Permission bits of a file, `FileMode(0o644)`. Travels as four octal digits, `0644`, as the API documents it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileMode(pub u32);

impl fmt::Display for FileMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl FromStr for FileMode {
    type Err = ParseIntError;

    /// Reads octal digits, with or without a leading zero.
    fn from_str(digits: &str) -> Result<Self, Self::Err> {
        u32::from_str_radix(digits, 8).map(Self)
    }
}
