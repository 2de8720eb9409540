//! The cases of `tests/observations`.
