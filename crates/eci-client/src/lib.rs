//! A client for Alibaba Cloud's Elastic Container Instance OpenAPI.

#![warn(missing_docs)]

pub mod model;
