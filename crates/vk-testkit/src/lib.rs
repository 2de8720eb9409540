//! Real parts for tests: the control plane's launcher, process guards, makers.
