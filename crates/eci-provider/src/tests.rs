//! The provider over a cloud whose answers a test chooses one by one: answers that a well-behaved simulator never gives.

mod absence;
mod answers;
mod sweep;
