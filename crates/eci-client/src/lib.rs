//! A client for Alibaba Cloud's Elastic Container Instance OpenAPI.
