//! Keeps the tree tidy: inherited lints, heads of files, no stray modules, nothing of one machine, no banned crates, and a
//! documentation that speaks of what is there.
//!
//! Every check is a pure function of texts, shown to fail on a text that breaks its rule.

mod documentation;
mod files;
mod sources;
