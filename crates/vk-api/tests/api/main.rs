//! The server over real TLS on loopback, with a scripted API server behind it.

mod access;
mod certificates;
mod connections;
mod secrets;
mod support;
