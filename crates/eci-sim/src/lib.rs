//! A local ECI: the cloud's OpenAPI over HTTP, for tests and demonstrations.
